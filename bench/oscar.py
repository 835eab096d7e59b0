"""The same baskets under the same offers, priced by django-oscar and by us in turns: milliseconds of CPU a basket.

Oscar runs in an environment of its own (`make bench-oscar` makes it) and answers over pipes. It takes offers in their order,
the first that fits; ours chooses, and its figure holds the choice, the shares and the trace. CPU of either process, not the
clock: what waits for a busy machine is the longer of the two, and the ratio would flatter us.
"""

import json
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

from bench import shops
from bench.calendars import World, basket, world
from bench.figures import Figure, Options, cpu_ms, median, not_available
from pos_app.domain.basket import Basket
from pos_app.domain.pricing.engine import price
from pos_app.domain.pricing.model import STRANGER, Package

PYTHON = shops.ROOT / ".venv-bench" / "bin" / "python"
LINES, OFFERS, DENSE = (5, 20, 100), (1, 10, 100, 1_000), (100,)
AIMS = {(20, 100): 1_000, (100, 100): 2_000}  # times as fast
BASKETS = 5
CELL_S, MORE_BASKETS_S = 120.0, 20.0
TIMES, ENOUGH_MS = (11, 101), 1_000
NOW_MS = 1_790_000_000_000


class SlowError(RuntimeError):
    """Oscar did not answer in the time a cell has."""


class Cell(NamedTuple):
    """Milliseconds of CPU for each basket, and what all of them cost together."""

    ours_ms: list[float]
    oscar_ms: list[float]
    ours_fen: int
    oscar_fen: int


def measure(options: Options) -> list[Figure]:
    if not PYTHON.exists():
        return [not_available("a basket beside django-oscar", "ms", "no .venv-bench: make bench-oscar")]
    baskets = options.pick(BASKETS, 2)
    columns = [(count, False) for count in OFFERS[: options.pick(4, 3)]] + [(count, True) for count in DENSE]
    return [figure for count, is_dense in columns for figure in column(count, is_dense, baskets)]


def column(offers: int, is_dense: bool, baskets: int) -> Iterator[Figure]:
    """All sizes of basket under one calendar."""
    some = world(Random(f"calendar {offers}"), offers, is_dense=is_dense)
    package = some.package
    with oscar(some) as shop:
        for lines in LINES:
            random = Random(f"{offers} {lines}")
            name = f"{lines} lines x {offers:,}{' dense' * is_dense} offers, beside oscar"
            made = [basket(random, some, lines) for _ in range(baskets)]
            try:
                yield figure(name, (lines, offers), measured(shop, package, made))
            except SlowError as error:
                yield not_available(name, "ms", str(error))
                return


def measured(shop: "Oscar", package: Package, baskets: list[Basket]) -> Cell:
    """Each basket in turns; at least one, and more while they take little time."""
    found = Cell([], [], 0, 0)
    until = time.monotonic() + MORE_BASKETS_S
    for n, one in enumerate(baskets):
        if n and time.monotonic() > until:
            break
        ours_ms, ours_fen = ours(one, package)
        answer = shop.ask({"lines": [(line.item.sku, line.quantity) for line in one.lines]})
        found.ours_ms.append(ours_ms)
        found.oscar_ms.append(answer["ms"])
        found = found._replace(ours_fen=found.ours_fen + ours_fen, oscar_fen=found.oscar_fen + answer["total_fen"])
    return found


def ours(one: Basket, package: Package) -> tuple[float, int]:
    """The median of 101 (of eleven, where they take long), each of a basket that has never been seen: new lines.

    So nothing is carried over. They are many because a process that has waited seconds for the other one is slow at first.
    """
    times: list[float] = []
    while len(times) < TIMES[0] or (len(times) < TIMES[1] and sum(times) < ENOUGH_MS):
        times.append(cpu_ms(price, unseen(one), STRANGER, package, NOW_MS))
    return median(times), price(one, STRANGER, package, NOW_MS).total_fen


def unseen(one: Basket) -> Basket:
    return replace(one, lines=tuple(replace(line) for line in one.lines))


def figure(name: str, size: tuple[int, int], cell: Cell) -> Figure:
    aim = AIMS.get(size)
    dearer = (cell.oscar_fen - cell.ours_fen) / cell.ours_fen * 100
    note = f"{len(cell.ours_ms)} baskets; with oscar they cost {dearer:+.2f} %"
    return Figure(name, "ms", median(cell.ours_ms), median(cell.oscar_ms), ratio_max=1 / aim if aim else None, note=note)


# ---------------------------------------------------------------- the other process


class Oscar:
    """The other process: one question, one answer, or SlowError."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.version = self._answer()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            self.answers.put(text)
        self.answers.put("")

    def _answer(self) -> Any:
        try:
            text = self.answers.get(timeout=CELL_S)
        except queue.Empty:
            raise SlowError(f"oscar took over {CELL_S:.0f} s for one basket") from None
        if not text:
            raise RuntimeError(f"oscar ended with {self.process.wait()}")
        return json.loads(text)

    def ask(self, question: dict[str, Any]) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return self._answer()


@contextmanager
def oscar(some: World) -> Iterator[Oscar]:
    """Oscar with the goods and offers of a world."""
    command = [str(PYTHON), "-W", "ignore", str(shops.ROOT / "bench" / "apps" / "oscar_shop.py")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        shop = Oscar(process)
        shop.ask({"prices": some.prices, "offers": [offer._asdict() for offer in some.offers]})
        yield shop
    finally:
        process.kill()
        process.wait()
