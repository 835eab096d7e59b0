"""Kill the seller, read what it had told, and judge what its store holds against that.

The oracle is what the dead process said on its pipe. A store is in order when it holds exactly what the last COMMIT that
returned made durable, or exactly what the COMMIT in flight was about to: every sale, and every basket line for line.
"""

import itertools
import os
import random
import shutil
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pos_app.demo import shop as demo_shop
from pos_app.demo.day import DayClock, SeededIds, numbers
from pos_app.domain.lane.state import CASHIER, SELF_CHECKOUT
from pos_app.i18n import LANGUAGES
from pos_app.services.run_lane import LaneRunner
from pos_app.services.shop import Shop
from store_db import print_jobs
from store_db.connection import connect
from store_db.store import Store
from store_db.system import SystemClock, SystemIds
from store_db.verify import verify
from tests.kill import seller

RECEIPT_JOB = f"-{print_jobs.RECEIPT}-"
BUILD_SEED = -1  # no run has it, so no uid is drawn twice
KINDS = ("lost", "doubled", "half", "gaps", "astray")


# ------------------------------------------------------------------ stores


def build_store(folder: Path) -> Path:
    """A small demo shop's store, closed; copy it with `fresh_copy`."""
    path = folder / "built.db"
    with seller.few_goods():
        demo_shop.build(path, clock=DayClock(), ids=SeededIds(BUILD_SEED)).close()
    return path


def fresh_copy(built: Path, path: Path) -> Path:
    """A copy to sell on; whatever an earlier run left under that name is gone."""
    for leftover in path.parent.glob(f"{path.name}*"):
        leftover.unlink()
    shutil.copyfile(built, path)
    return path


# ------------------------------------------------------------------ what was told


@dataclass(slots=True)
class Told:
    """What a run told before it died. `kept` and `asked` are (sale or "", baskets): durable for sure, and in flight."""

    acknowledged: set[str] = field(default_factory=set)
    sales_kept: set[str] = field(default_factory=set)
    kept: tuple[str, str] = ("", "")
    asked: tuple[str, str] | None = None
    where: str = "outside"
    is_closed: bool = False
    painted_too_early: list[str] = field(default_factory=list)

    @property
    def in_flight(self) -> str:
        return self.asked[0] if self.asked else ""


def listen(lines: Iterable[str]) -> Told:
    """Fold the lines of a run. What a lane shows must be what its last commit kept: anything else is noted."""
    told = Told()
    for line in lines:
        word, _, rest = line.partition(" ")
        READERS[word](told, rest)
    return told


def _open(told: Told, rest: str) -> None:
    told.kept = ("", rest)


def _intent(told: Told, rest: str) -> None:
    told.where = "in an intent"


def _commit(told: Told, rest: str) -> None:
    number, _, baskets = rest.partition(" ")
    told.asked = ("" if number == "-" else number, baskets)
    told.where = "in a commit" if number == "-" else "in a tender's commit"


def _kept(told: Told, rest: str) -> None:
    assert told.asked is not None
    told.where = "after a tender's commit" if told.asked[0] else "in an intent"
    told.kept, told.asked = told.asked, None
    told.sales_kept |= {told.kept[0]} - {""}


def _printed(told: Told, rest: str) -> None:
    number, receipt, _ = rest.partition(RECEIPT_JOB)
    if receipt:
        told.acknowledged.add(number)


def _paid(told: Told, rest: str) -> None:
    told.acknowledged.add(rest)


def _shown(told: Told, rest: str) -> None:
    lane, _, basket = rest.partition(" ")
    if told.kept[1].split()[seller.LANES.index(lane)] != basket:
        told.painted_too_early.append(rest)
    told.where = "between intents"


def _closed(told: Told, rest: str) -> None:
    told.is_closed = True


READERS: dict[str, Callable[[Told, str], None]] = {
    "open": _open, "intent": _intent, "commit": _commit, "kept": _kept, "printed": _printed, "paid": _paid,
    "shown": _shown, "closed": _closed,
}  # fmt: skip


# ------------------------------------------------------------------ the verdict


@dataclass(slots=True)
class Tally:
    """Faults by kind, with a sentence for each; and where the blows fell."""

    runs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    where: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    kinds: tuple[str, ...] = KINDS

    def fault(self, kind: str, count: int, note: str) -> None:
        if count:
            self.faults[kind] += count
            self.notes.append(f"{kind}: {note}")

    def add(self, other: "Tally") -> None:
        self.runs += other.runs
        self.faults += other.faults
        self.where += other.where
        self.notes += other.notes

    def line(self) -> str:
        return ", ".join([f"{self.runs} runs", *[f"{kind} {self.faults[kind]}" for kind in self.kinds]])

    @property
    def in_tender(self) -> int:
        """How many blows fell between a tender's COMMIT and its return."""
        return sum(self.where[place] for place in IN_TENDER)

    def blows(self) -> str:
        return ", ".join(f"{count} {where}" for where, count in self.where.most_common())


@dataclass(slots=True)
class Found:
    """What a store holds when it is opened again."""

    paid: list[str]
    baskets: str
    problems: list[str]
    gaps: int
    without_job: int


def look(path: Path) -> Found:
    """Read a store as a restart would, on a read-only connection: the WAL stays for the next run to recover."""
    with Store(path, connect(path, read_only=True), SystemClock(), SystemIds()) as store:
        return Found(
            paid=list(numbers(store)),
            baskets=_restored(store),
            problems=verify(store.connection).problems,
            gaps=_one_figure(store, GAPS),
            without_job=_one_figure(store, WITHOUT_JOB),
        )


GAPS = """
SELECT count(*) FROM (SELECT counter, row_number() OVER (PARTITION BY series_no ORDER BY counter) AS n FROM receipts)
WHERE counter != n
"""
WITHOUT_JOB = """
SELECT count(*) FROM journal WHERE kind = 'sale'
AND (SELECT count(*) FROM print_jobs WHERE journal_id = journal.id AND kind = 'receipt') != 1
"""


def _restored(store: Store) -> str:
    """The digests as the seller tells them; the open baskets are those that the two lanes start with."""
    baskets = seller.baskets(store.connection).split()
    for position, skin in enumerate((CASHIER, SELF_CHECKOUT)):
        shop = Shop(store, demo_shop.lane_config(skin), *seller.no_devices(), LANGUAGES["zh"])
        baskets[position] = seller.digest(LaneRunner(shop).state.basket)
    return " ".join(baskets)


def _one_figure(store: Store, sql: str) -> int:
    return int(store.connection.execute(sql).fetchone()[0])


def judge(tally: Tally, name: str, told: Told, found: Found, before: set[str]) -> None:
    """Compare what was told with what is found; `before` are the sales that the store had held when the run began."""
    paid = set(found.paid)
    lost = (before | told.acknowledged | told.sales_kept) - paid
    tally.fault("lost", len(lost), f"{name}: {sorted(lost)} acknowledged and not in the store")
    unheard = paid - before - told.acknowledged
    doubled = len(found.paid) - len(paid) + len(unheard - told.sales_kept - {told.in_flight}) + max(0, len(unheard) - 1)
    tally.fault("doubled", doubled, f"{name}: {sorted(unheard)} paid and not acknowledged, in flight {told.in_flight!r}")
    tally.fault("half", len(found.problems), f"{name}: {found.problems}")
    tally.fault("half", found.without_job, f"{name}: {found.without_job} sales without exactly one receipt to print")
    tally.fault("gaps", found.gaps, f"{name}: {found.gaps} numbers out of place")
    tally.fault("astray", len(told.painted_too_early), f"{name}: painted before it was kept: {told.painted_too_early}")
    _judge_moment(tally, name, told, found)
    tally.runs += 1
    tally.where[_place(told, found)] += 1


def _place(told: Told, found: Found) -> str:
    """Where the blow fell, and on which side of the commit it left the sale."""
    if not told.in_flight:
        return told.where
    return f"{told.where} ({'sold' if told.in_flight in found.paid else 'not sold'})"


def _judge_moment(tally: Tally, name: str, told: Told, found: Found) -> None:
    """The sales and baskets found are those of one moment: all of the commit in flight, or nothing of it."""
    moments = [told.kept] + ([told.asked] if told.asked else [])
    is_moment = any(
        found.baskets == baskets and (not told.in_flight or (told.in_flight in found.paid) == (number == told.in_flight))
        for number, baskets in moments
    )
    tally.fault("astray", not is_moment, f"{name}: baskets {found.baskets}, told {moments}, in flight {told.in_flight!r}")


# ------------------------------------------------------------------ SIGKILL at a seeded moment


@dataclass(frozen=True, slots=True)
class Blow:
    """When to kill: so many lines told, then a line that holds `awaited`, then `spin_us` microseconds."""

    lines: int
    awaited: bytes
    spin_us: int

    def is_due(self, told: bytes) -> bool:
        rest = told.split(b"\n", self.lines)[self.lines :]
        return bool(rest) and self.awaited in rest[0]


IN_TENDER = ("in a tender's commit (sold)", "in a tender's commit (not sold)")
COMMIT, TENDER = b"commit -", b"commit " + demo_shop.STORE.encode()


def blow(seed: int) -> Blow:
    """At any moment, or from the start of any commit on, of a tender's commit, or from the paper on."""
    chance = random.Random(f"blow:{seed}")
    awaited, spin_max_us = chance.choice(((b"", 600), (COMMIT, 150), (TENDER, 250), (b"printed", 100)))
    return Blow(chance.randrange(1, 150), awaited, chance.randrange(spin_max_us))


def sell_until(path: Path, seed: int, moment: Blow, *, is_early: bool = False) -> list[str]:
    """Sell in a process of its own, kill it at the moment, and return the lines it had told.

    Raises AssertionError when the process ended by itself: a kill that did not fall proves nothing.
    """
    read_fd, write_fd = os.pipe()
    pid = os.fork()
    if pid == 0:  # pragma: no cover - the process that dies
        _sell_in_child(path, seed, read_fd, write_fd, is_early)
    os.close(write_fd)
    try:
        told = _strike(pid, read_fd, moment)
    finally:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.close(read_fd)
    lines = told.decode().splitlines()
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, f"ended by itself: {lines[-3:]}"
    return lines


def _sell_in_child(path: Path, seed: int, read_fd: int, write_fd: int, is_early: bool) -> None:
    try:
        os.close(read_fd)
        seller.sell_on(path, seller.to_fd(write_fd), seed, None, is_early=is_early)
    except BaseException:
        os.write(write_fd, traceback.format_exc().encode())
    finally:
        os._exit(1)


def _strike(pid: int, fd: int, moment: Blow) -> bytes:
    """Read without blocking until the moment, spin, kill; then everything that was told up to the end."""
    os.set_blocking(fd, False)
    told = b""
    while not moment.is_due(told):
        chunk = _read(fd)
        if chunk == b"":
            break
        told += chunk or b""
    until_ns = time.perf_counter_ns() + moment.spin_us * 1000
    while time.perf_counter_ns() < until_ns:
        pass
    os.kill(pid, signal.SIGKILL)
    os.set_blocking(fd, True)
    return told + b"".join(iter(lambda: os.read(fd, 65_536), b""))


def _read(fd: int) -> bytes | None:
    """What there is; None when nothing is there yet, empty at the end."""
    try:
        return os.read(fd, 65_536)
    except BlockingIOError:
        return None


def kill_often(paths: list[Path], seeds: Iterable[int], *, moment: Callable[[int], Blow] = blow, is_early: bool = False) -> Tally:
    """Kill once for each seed, the stores in turn; each goes on where it was killed."""
    tally = Tally()
    known: dict[Path, set[str]] = {path: set() for path in paths}
    for path, seed in zip(itertools.cycle(paths), seeds, strict=False):
        told = listen(sell_until(path, seed, moment(seed), is_early=is_early))
        found = look(path)
        judge(tally, f"seed {seed}", told, found, known[path])
        known[path] |= set(found.paid)
    return tally
