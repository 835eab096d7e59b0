"""The process that dies: it sells on a store file and tells, line by line, what it is about to do and what is safe.

| line | told |
| --- | --- |
| `open <baskets>` | the store is open: what the lanes restored |
| `intent <lane>` | before an intent is handled |
| `commit <number or -> <baskets>` | inside the transaction, just before COMMIT: what it makes durable, and the sale in it |
| `kept` | COMMIT has returned |
| `printed <job>` | the printer was given a job |
| `paid <number>` | the lane shows the sale as paid |
| `shown <lane> <basket>` | what the lane shows when an intent has been handled |
| `closed` | the store was closed without a fault |

`<baskets>` is three digests: the open basket of each lane and all the held ones.
"""

import contextlib
import hashlib
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hardware.file_devices import NoDrawer, NoPrinter
from pos_app.demo import shop as demo_shop
from pos_app.demo.day import DAY_START_MS, Day, DayClock, SeededIds
from pos_app.domain.events import Event, Sale
from pos_app.services.run_lane import LaneRunner
from store_db import connection as store_connection
from store_db import drafts
from store_db.connection import Connection
from store_db.journal import Entry
from store_db.store import Store

Tell = Callable[[str], None]
LANES = (demo_shop.CASHIER_LANE, demo_shop.SELF_CHECKOUT_LANE)
OTHER_GOODS = 200
NEXT_RUN_MS = 60_000


# ------------------------------------------------------------------ what is told


def digest(value: object) -> str:
    """A short name for a basket: equal exactly when the baskets are, line for line."""
    return hashlib.blake2b(repr(value).encode(), digest_size=8).hexdigest()


def baskets(connection: Connection) -> str:
    """The digests of what a restart would find, as this connection sees it."""
    found = [drafts.open_draft(connection, lane) for lane in LANES]
    ids = [draft.id if draft else 0 for draft in found]
    opened = [digest(drafts.basket_of(connection, draft_id)) for draft_id in ids]
    held = [(draft.id, drafts.basket_of(connection, draft.id)) for draft in drafts.held_drafts(connection)]
    return " ".join([*opened, digest(held)])


class TellingStore(Store):
    """A store that tells of every commit. `is_early` is the control: it calls a sale paid while its transaction is open."""

    tell: Tell = staticmethod(lambda line: None)
    is_early = False

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            before = _head_id(connection)
            yield connection
            number = _sale_after(connection, before)
            self.tell(f"commit {number} {baskets(connection)}")
        self.tell("kept")

    def append(self, event: Event, *, lane: str = "", uid: bytes | None = None) -> Entry:
        if self.is_early and isinstance(event, Sale):
            self.tell(f"paid {event.number}")
        return super().append(event, lane=lane, uid=uid)


def _head_id(connection: Connection) -> int:
    return int(connection.execute("SELECT ifnull(max(id), 0) FROM journal").fetchone()[0])


def _sale_after(connection: Connection, entry_id: int) -> str:
    """The number of the sale that the open transaction appended, or `-`."""
    row = connection.execute("SELECT payload FROM journal WHERE id > ? AND kind = 'sale'", (entry_id,)).fetchone()
    return str(json.loads(row[0])["number"]) if row else "-"


class TellingPrinter:
    def __init__(self, tell: Tell) -> None:
        self.tell = tell

    def print_text(self, job: str, text: str) -> None:
        self.tell(f"printed {job}")


def no_devices() -> tuple[NoPrinter, NoDrawer]:
    return NoPrinter(), NoDrawer()


class TellingDay(Day):
    """The headless day, telling before and after every intent."""

    def __init__(self, store: TellingStore, clock: DayClock, seed: int) -> None:
        self.tell = store.tell
        super().__init__(store, clock, seed, acknowledge=lambda number: self.tell(f"paid {number}"))
        for lane in (self.cashier, self.self_checkout):
            lane.shop.printer = TellingPrinter(self.tell)

    def _handle(self, lane: LaneRunner, intent: Any) -> Any:
        self.tell(f"intent {lane.shop.lane}")
        state = super()._handle(lane, intent)
        self.tell(f"shown {lane.shop.lane} {digest(state.basket)}")
        return state

    def one_sale(self) -> None:
        """The same sale every time: three goods, one voided, part on a card (so a number is taken first), the rest in cash."""
        for _ in range(3):
            self.scan(self.cashier, self._packed_code(sober=True))
        self.press(self.cashier, "void", "pay")
        self.type(self.cashier, "0.10")
        self.press(self.cashier, "card")
        self.type(self.cashier, "123456\n")
        self.press(self.cashier, "pay")
        self._heard(self.cashier)


# ------------------------------------------------------------------ the shop it sells in


@contextlib.contextmanager
def few_goods() -> Iterator[None]:
    """The demo shop with its own goods and the first few of the others: built and opened in milliseconds."""
    all_goods = demo_shop.open_food_facts
    demo_shop.open_food_facts = lambda: itertools.islice(all_goods(), OTHER_GOODS)
    try:
        yield
    finally:
        demo_shop.open_food_facts = all_goods


@contextlib.contextmanager
def opened_day(path: Path, tell: Tell, seed: int, *, is_early: bool = False) -> Iterator[TellingDay]:
    """A day on a store that other runs may have left in any state; its clock goes on after theirs."""
    clock = DayClock()
    with few_goods(), TellingStore.open(path, clock=clock, ids=SeededIds(seed)) as store:
        clock.now_ms = _last_ms(store.connection) + NEXT_RUN_MS
        store.tell, store.is_early = tell, is_early
        day = TellingDay(store, clock, seed)
        held = baskets(store.connection).split()[-1]
        tell(f"open {digest(day.cashier.state.basket)} {digest(day.self_checkout.state.basket)} {held}")
        day.open()
        yield day
    tell("closed")


def _last_ms(connection: Connection) -> int:
    return int(connection.execute("SELECT ifnull(max(wall_ms), ?) FROM journal", (DAY_START_MS,)).fetchone()[0])


# ------------------------------------------------------------------ what it does


def sell_on(path: Path, tell: Tell, seed: int, orders: int | None, *, is_early: bool = False) -> None:
    """Sell so many orders; None: until killed."""
    with opened_day(path, tell, seed, is_early=is_early) as day:
        for _ in itertools.count() if orders is None else range(orders):
            day.sell()


def sell_once(path: Path, tell: Tell, seed: int, *, is_early: bool = False) -> None:
    """The one sale that is killed at every file operation."""
    with opened_day(path, tell, seed, is_early=is_early) as day:
        day.one_sale()


def to_fd(fd: int) -> Tell:
    """Lines to a descriptor; each is one write, so that none is ever cut."""

    def tell(line: str) -> None:
        os.write(fd, line.encode() + b"\n")

    return tell


def set_pragmas(**values: str) -> None:
    """Other pragmas for this process alone: a control that forgets to sync, or a checkpoint every few pages."""
    expected = {"OFF": 0, "NORMAL": 1, "FULL": 2}
    store_connection.PRAGMAS = tuple(
        (name, values[name], expected[values[name]] if values[name] in expected else int(values[name]))
        if name in values
        else (name, value, found)
        for name, value, found in store_connection.PRAGMAS
    )


def main(path: str, seed: int, orders: list[int], pragmas: dict[str, str], is_early: bool = False) -> None:
    """Sell in as many openings of the store as `orders` has numbers; 0 means the one sale."""
    set_pragmas(**pragmas)
    for run, count in enumerate(orders):
        if count:
            sell_on(Path(path), to_fd(1), seed + run, count, is_early=is_early)
        else:
            sell_once(Path(path), to_fd(1), seed + run, is_early=is_early)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
