"""The lowest price and its proof under dense, overlapping calendars: share of baskets proved, gap, milliseconds a basket;

and what one more scan costs.
"""

from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

from bench.calendars import basket, world
from bench.figures import Figure, Options, cpu_ms, median, p99, spent_ms
from pos_app.domain.basket import Basket
from pos_app.domain.lane.state import SCAN_EFFORT
from pos_app.domain.pricing.engine import NOTHING_USED, price, price_again
from pos_app.domain.pricing.model import STRANGER, Package
from pos_app.domain.pricing.remembered import NOTHING_REMEMBERED, Remembered

NOW_MS = 1_790_000_000_000
WORLDS = 4
EFFORT = 10_000  # the lane's
MORE = 20


class Size(NamedTuple):
    """`unproved_max`: baskets of a hundred that may stay without a proof; their gap is one percent at most. None: no aim."""

    lines: int
    offers: int
    baskets: int
    ms_max: float | None = None
    unproved_max: float | None = None
    effort: int = EFFORT

    @property
    def name(self) -> str:
        return f"{self.lines} lines x {self.offers:,} offers"


SIZES = (
    Size(5, 100, 400),
    Size(20, 100, 400, ms_max=50, unproved_max=0),
    Size(50, 100, 100),
    Size(100, 100, 60),
    Size(100, 1_000, 60, ms_max=200, unproved_max=5),
)


class Run(NamedTuple):
    times_ms: list[float]
    unproved: int
    gaps: list[float]  # percent of the total, of those that are not proved


def measure(options: Options) -> list[Figure]:
    found = [figure for size in SIZES for figure in figures(size, run(size, options.pick(size.baskets, 12)))]
    return [*found, *(one_more_lines(lines) for lines in (10, 50, 200, 500))]


def run(size: Size, baskets: int) -> Run:
    """Baskets of several calendars, each new to the engine; the calendar's index is made before."""
    found = Run([], 0, [])
    for n in range(WORLDS):
        random = Random(f"{size.name} {n}")
        some = world(random, size.offers)
        package = some.package
        for _ in range(baskets // WORLDS):
            found = one(found, basket(random, some, size.lines), package, size.effort)
    return found


def one_more_lines(lines: int) -> Figure:
    """CPU of the price after one more scan under an ordinary calendar, told what the last price left; beside it afresh."""
    some = world(Random("one more"), 100, is_dense=False)
    asked, package = basket(Random(f"one more {lines}"), some, lines + MORE), some.package
    again_ms, afresh_ms = list[float](), list[float]()
    last = NOTHING_REMEMBERED
    for count in range(lines, lines + MORE + 1):
        now = replace(asked, lines=asked.lines[:count])
        rest = STRANGER, package, NOW_MS, frozenset[str](), SCAN_EFFORT, NOTHING_USED

        def scanned(now: Basket = now, rest: Any = rest, last: Remembered = last) -> Remembered:
            return price_again(now, *rest, last, is_whole=False)[1]

        again_ms.append(cpu_ms(scanned))
        afresh_ms.append(cpu_ms(price, now, *rest))
        last = scanned()
    return Figure(f"one more line after {lines}, 100 offers, CPU", "ms", median(again_ms[1:]), median(afresh_ms[1:]))


def one(found: Run, asked: Basket, package: Package, effort: int) -> Run:
    price(replace(asked, lines=asked.lines[:1]), STRANGER, package, NOW_MS)
    priced = price(asked, STRANGER, package, NOW_MS, effort=effort)
    found.times_ms.append(spent_ms(lambda: price(again(asked), STRANGER, package, NOW_MS, effort=effort)))
    if priced.proved:
        return found
    found.gaps.append(priced.gap_fen / max(1, priced.total_fen) * 100)
    return found._replace(unproved=found.unproved + 1)


def again(asked: Basket) -> Basket:
    """The same basket in lines that nobody has seen."""
    return replace(asked, lines=tuple(replace(line) for line in asked.lines))


def figures(size: Size, found: Run) -> list[Figure]:
    count = len(found.times_ms)
    share = found.unproved / count * 100
    gap = max(found.gaps, default=0.0)
    return [
        Figure(f"{size.name}, median", "ms", median(found.times_ms)),
        Figure(f"{size.name}, p99", "ms", p99(found.times_ms), ours_max=size.ms_max, note=f"{count} baskets"),
        Figure(f"{size.name}, not proved", "%", share, ours_max=size.unproved_max),
        Figure(f"{size.name}, largest gap", "%", gap, ours_max=None if size.unproved_max is None else 1),
    ]
