"""Nothing says "paid" before the commit has returned: not the screen, not the drawer, not the printer, not a sound.

The connection is watched: the test looks at everything a shopper or a cashier can notice at the last moment before COMMIT is
carried out, and at what another process reads from the file when the drawer opens and the paper comes out.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pos_app.demo import shop as demo_shop
from pos_app.demo.day import Day, DayClock, SeededIds, numbers
from pos_app.services.run_lane import LaneRunner
from store_db.connection import connect, sqlite
from store_db.store import Store
from tests.kill.harness import fresh_copy
from tests.kill.seller import few_goods

ALL = 1 << 30


class WatchedConnection:
    """A connection that calls `before_commit` at the last moment before each COMMIT; so many of the next ones fail."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.before_commit: Callable[[], None] = lambda: None
        self.failing = 0

    def execute(self, sql: str, *parameters: Any) -> Any:
        if sql == "COMMIT":
            self.before_commit()
            if self.failing:
                self.failing -= 1
                raise sqlite.OperationalError("database or disk is full")
        return self.connection.execute(sql, *parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


class Till:
    """A lane whose drawer, printer and sounds are written down, each with the sales that another process reads by then."""

    def __init__(self, store: Store, day: Day, lane: LaneRunner) -> None:
        self.store, self.day, self.lane = store, day, lane
        self.noticed: list[tuple[str, list[str]]] = []
        lane.shop.printer = lane.shop.drawer = self
        lane._beep = lambda kind: self.note(f"beep {kind}")

    def pulse(self, why: str) -> None:
        self.note(f"drawer {why}")

    def print_text(self, job: str, text: str) -> None:
        self.note("paper")

    def note(self, what: str) -> None:
        self.noticed.append((what, self.sold()))

    def sold(self) -> list[str]:
        """The paid numbers, read through a connection of its own."""
        with Store(self.store.path, connect(self.store.path, read_only=True), self.day.clock, self.store.ids) as outside:
            return list(numbers(outside))

    def is_silent(self) -> bool:
        """Whether nobody could think that a sale is done."""
        banner = self.lane.state.banner
        says_paid = self.lane.state.last_sale is not None or (banner is not None and banner.key == "banner.paid")
        return not says_paid and not self.noticed and bool(self.lane.state.basket.lines)

    def press(self, *actions: str) -> None:
        self.day.press(self.lane, *actions)

    def type(self, text: str) -> None:
        self.day.type(self.lane, text)

    def fill(self) -> None:
        """Two goods in the basket and the payment screen open; what was noticed on the way is forgotten."""
        for row in self.day.packed[:2]:
            self.day.scan(self.lane, row["codes"][0])
        self.press("pay", "back", "pay")  # self-checkout asks for bags first
        self.noticed.clear()


def exact_cash(till: Till) -> None:
    till.press("pay")


def big_note(till: Till) -> None:
    till.type("50\n")


def card(till: Till) -> None:
    till.press("card")
    till.noticed.clear()
    till.type("123456\n")


def card_then_cash(till: Till) -> None:
    till.type("0.10")
    till.press("card")
    till.type("123456\n")
    till.noticed.clear()
    till.press("pay")


def card_at_self_checkout(till: Till) -> None:
    till.type("1")
    till.day.scan(till.lane, demo_shop.badge_of("1002"))
    till.type("2222\n3")
    till.noticed.clear()
    till.type("123456\n")


WAYS = {
    "exact cash": ("cashier", exact_cash),
    "a big note": ("cashier", big_note),
    "card": ("cashier", card),
    "card, then cash": ("cashier", card_then_cash),
    "self-checkout": ("self_checkout", card_at_self_checkout),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[str, Callable[[Till], None]]:
    return WAYS[request.param]


@pytest.fixture
def till(way: tuple[str, Any], built: Path, tmp_path: Path) -> Iterator[Till]:
    clock = DayClock()
    with few_goods(), Store.open(fresh_copy(built, tmp_path / "s.db"), clock=clock, ids=SeededIds(1)) as store:
        store.connection = WatchedConnection(store.connection)
        day = Day(store, clock, seed=1)
        day.open()
        till = Till(store, day, getattr(day, way[0]))
        till.fill()
        yield till


def watch_sale(till: Till, at_commit: Callable[[], None]) -> None:
    """Call `at_commit` just before the COMMIT that carries a sale."""

    def before_commit() -> None:
        newest = till.store.connection.execute("SELECT kind FROM journal ORDER BY id DESC LIMIT 1").fetchone()[0]
        if newest == "sale" and not till.sold():
            at_commit()

    till.store.connection.before_commit = before_commit


def test_until_the_commit_returns_nothing_says_paid(till: Till, way: tuple[str, Callable[[Till], None]]) -> None:
    """At the last moment before COMMIT no screen, drawer, paper or sound has said anything, and the basket is there."""
    silent: list[bool] = []
    watch_sale(till, lambda: silent.append(till.is_silent()))
    way[1](till)
    assert silent == [True]
    assert till.lane.state.last_sale is not None and not till.lane.state.basket.lines


def test_when_the_drawer_opens_and_the_paper_comes_another_process_reads_the_sale(
    till: Till, way: tuple[str, Callable[[Till], None]]
) -> None:
    """The drawer for cash alone, then the paper, then the sound; each after the sale is in the file, once."""
    way[1](till)
    state = till.lane.state
    assert state.last_sale is not None
    drawer = ["drawer sale"] if state.last_sale.change_fen or "cash" in way[1].__name__ else []
    assert [what for what, _ in till.noticed] == [*drawer, "paper", "beep done"]
    assert all(sold == [state.last_sale.number] for _, sold in till.noticed)


@pytest.mark.parametrize("failing", [1, ALL], ids=["once", "until it is mended"])
def test_a_commit_that_fails_leaves_the_basket_and_says_not_paid(
    failing: int, till: Till, way: tuple[str, Callable[[Till], None]]
) -> None:
    """No drawer, no paper, no sale in the file; the screen says that it was not saved, and nothing is lost of the basket."""
    lines = till.lane.state.basket.lines
    fail_sale(till, failing)
    way[1](till)
    state = till.lane.state
    assert {what for what, _ in till.noticed} == {"beep refused"}
    assert till.sold() == [] and state.last_sale is None
    assert state.basket.lines == lines
    assert state.banner is not None and state.banner.tone == "error"
    assert state.banner.key in ("POS-3006", "POS-1004")


def fail_sale(till: Till, failing: int) -> None:
    """Let the COMMIT that carries the sale fail, and the next ones up to so many."""
    watch_sale(till, lambda: setattr(till.store.connection, "failing", failing))


def test_after_a_commit_that_failed_the_next_try_sells_once(till: Till, way: tuple[str, Callable[[Till], None]]) -> None:
    """Paid again with what the failed try left: one sale, the first number, only what was tendered, the paper once."""
    fail_sale(till, 1)
    way[1](till)
    till.store.connection.before_commit = lambda: None
    till.noticed.clear()
    finish(till)
    state = till.lane.state
    assert state.last_sale is not None
    assert till.sold() == [state.last_sale.number] and state.last_sale.number.endswith("-000001")
    amounts = till.store.connection.execute("SELECT kind, amount_fen FROM tenders").fetchall()
    assert all(amount_fen > 0 for _, amount_fen in amounts)
    opened = ["drawer sale"] if any(kind == "cash" for kind, _ in amounts) else []
    assert [what for what, _ in till.noticed] == [*opened, "paper", "beep done"]


def finish(till: Till) -> None:
    """What money a card terminal took counts already; the rest is paid in cash, or by staff at self-checkout."""
    if not till.lane.state.is_self_checkout:
        return till.press("pay")
    till.day.scan(till.lane, demo_shop.badge_of("1002"))
    till.type("2222\n")
    till.noticed.clear()
    return till.type("3")
