"""Random walks on a real store, with batches, restarts and two lanes: what is shown is stored, and the store always verifies."""

import random
from collections import Counter
from pathlib import Path

import pytest

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.events import Return, Sale, ShiftClosed
from pos_app.domain.lane.intents import Char, Intent, Press, Scan, Tick
from pos_app.domain.lane.state import CASHIER, SELF_CHECKOUT
from pos_app.domain.tender import CASH
from pos_app.services import check_pin
from store_db import drafts, journal, stock
from store_db.store import Store
from store_db.verify import verify
from tests.domain.lane_world import random_intent
from tests.shop_kit import (
    CASHIER_PIN,
    MANAGER_PIN,
    MILK,
    SUPERVISOR_BADGE,
    SUPERVISOR_PIN,
    WATER,
    Till,
    make_shop,
    make_store,
    quick_hash,
)

BATCHES = 4_000
SEEDS = (1, 2, 3)
LANES = ((CASHIER, "01"), (CASHIER, "02"), (SELF_CHECKOUT, "S1"))


def typed(text: str) -> list[Intent]:
    return [Press("enter") if char == "\n" else Char(char) for char in text]


# What people do in one go; a walk of single keys would hardly ever know a PIN or get to the end of a count.
HABITS: tuple[list[Intent], ...] = (
    typed(CASHIER_PIN), typed(MANAGER_PIN), typed(SUPERVISOR_PIN), typed("500\n"),
    [Scan(WATER), Scan(MILK), Press("pay"), Press("pay")],
    [Scan(MILK), Press("pay"), Press("card"), Press("back"), Press("back"), Press("hold")],
    [Press("hold"), Press("enter"), Press("pay"), Press("pay")],
    [Press("pay"), Press("card"), *typed("77\n")], [Press("pay"), Char("1"), Press("card"), *typed("78\n")],
    [Press("close_shift"), *[Press("enter")] * 8, Press("yes"), Press("enter"), Press("back"), Press("lock")],
    [Scan(SUPERVISOR_BADGE), *typed("2222\n"), Press("approve_age"), Press("take_card"), *typed("79\n")],
    [Press("cancel_sale"), *typed(SUPERVISOR_PIN), Press("enter")], [Press("x_report"), Press("back")], [Press("back")] * 3,
)  # fmt: skip


class StoreWalk:
    """Three lanes on one file, each with its own connection, driven by one seed."""

    def __init__(self, path: Path, seed: int) -> None:
        self.draw = random.Random(f"store walk {seed}")
        self.clock = DayClock()
        self.path = path
        make_store(path, self.clock, SeededIds(seed)).close()
        self.tills = [self._opened(skin, lane) for skin, lane in LANES]
        self.here = ""

    def _opened(self, skin: str, lane: str) -> Till:
        ids = SeededIds(self.draw.randrange(10**9))
        return Till(make_shop(Store.open(self.path, clock=self.clock, ids=ids), skin, lane))

    def batch(self, n: int) -> Till:
        """One lane gets a batch of intents, or its process ends and starts again."""
        at = self.draw.randrange(len(self.tills))
        till = self.tills[at]
        if self.draw.random() < 0.01:
            till.shop.store.close()
            till = self.tills[at] = self._opened(*LANES[at])
        habit = list(self.draw.choice(HABITS)) if self.draw.random() < 0.6 else []
        if till.kind == "login_number" and self.draw.random() < 0.7:
            habit = typed(self.draw.choice((CASHIER_PIN, CASHIER_PIN, SUPERVISOR_PIN, MANAGER_PIN)))
        intents = habit or [random_intent(self.draw, till.state) for _ in range(self.draw.randint(1, 6))]
        moved = [intent for intent in intents if not isinstance(intent, Tick)]
        self.here = f"batch {n} at {till.shop.lane}: {intents}"
        if len(moved) < len(intents):
            till.wait(self.draw.choice((700, 61_000, 121_000)))
        self.clock.now_ms += 700
        till.lane.handle(Tick(self.clock.now_ms), *moved)
        return till


@pytest.fixture(scope="module", params=SEEDS)
def walked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StoreWalk:
    """A finished walk; on its way it has checked after each batch that the screen shows what the disk holds."""
    patch = pytest.MonkeyPatch()
    patch.setattr(check_pin, "_nobody", lambda: quick_hash("nobody"))  # the same refusal without the slow hash
    walk = StoreWalk(tmp_path_factory.mktemp("walk") / "shop.sqlite", request.param)
    for n in range(BATCHES):
        till = walk.batch(n)
        connection, lane = till.shop.store.connection, till.shop.lane
        draft = drafts.open_draft(connection, lane)
        stored = drafts.basket_of(connection, draft.id) if draft else None
        shown = till.state.basket
        assert (stored.lines if stored else ()) == shown.lines, walk.here
        assert (stored.tenders if stored else ()) == shown.tenders, walk.here
        assert (stored.number if stored else None) == shown.number, walk.here
        count = connection.execute("SELECT count(*) FROM drafts WHERE state = 'open' AND lane = ?", (lane,)).fetchone()[0]
        assert count <= 1, walk.here
    patch.undo()
    return walk


def events(walk: StoreWalk) -> list[object]:
    return [entry.event() for entry in journal.entries(walk.tills[0].shop.store.connection)]


def test_after_any_walk_the_store_verifies(walked: StoreWalk) -> None:
    connection = walked.tills[0].shop.store.connection
    assert verify(connection).is_ok, verify(connection).problems
    with walked.tills[0].shop.store.transaction():
        while stock.fold(connection):
            pass
    assert verify(connection).is_ok, verify(connection).problems


def test_the_walk_sold_closed_and_cancelled_enough_to_prove_something(walked: StoreWalk) -> None:
    kinds = Counter(getattr(event, "kind", "") for event in events(walked))
    assert kinds["sale"] > 100, kinds
    assert kinds["shift_closed"] > 3, kinds
    assert kinds["number_taken"] > 10, kinds
    assert kinds["sale_cancelled"] > 0, kinds


def test_no_number_and_no_uid_is_used_twice(walked: StoreWalk) -> None:
    numbers = [event.number for event in events(walked) if isinstance(event, Sale)]
    assert len(set(numbers)) == len(numbers)


def test_every_sale_of_a_cashier_is_in_a_shift_of_its_own_lane(walked: StoreWalk) -> None:
    opened = {event.shift_no: event.lane for event in events(walked) if getattr(event, "kind", "") == "shift_opened"}
    for sale in events(walked):
        if isinstance(sale, Sale) and sale.lane != "S1":
            assert opened.get(sale.shift_no) == sale.lane, sale.number


def test_every_z_is_the_sum_of_the_sales_that_name_its_shift(walked: StoreWalk) -> None:
    found = events(walked)
    floats = {event.shift_no: event.float_fen for event in found if getattr(event, "kind", "") == "shift_opened"}
    for z in found:
        if isinstance(z, ShiftClosed):
            sales = [sale for sale in found if isinstance(sale, Sale) and sale.shift_no == z.shift_no]
            cash = sum(t.amount_fen for sale in sales for t in sale.tenders if t.kind == CASH)
            backs = [back for back in found if isinstance(back, Return) and back.shift_no == z.shift_no]
            given = sum(refund.amount_fen for back in backs for refund in back.refunds if refund.kind == CASH)
            assert (z.sales, z.total_fen) == (len(sales), sum(sale.total_fen for sale in sales)), z.shift_no
            assert (z.returns or 0) == len(backs), z.shift_no
            assert z.expected_fen == floats[z.shift_no] + cash - given, z.shift_no


def test_every_pulse_of_a_drawer_is_a_cash_sale_or_a_recorded_opening(walked: StoreWalk) -> None:
    found = events(walked)
    cash = sum(any(t.kind == CASH for t in event.tenders) for event in found if isinstance(event, Sale))
    opened = sum(getattr(event, "kind", "") == "drawer_opened" for event in found)
    pulses = Counter(why for till in walked.tills for why in till.drawer.pulses)
    assert pulses["sale"] <= cash
    assert pulses["no_sale"] <= opened


def test_every_sale_that_was_shown_as_paid_is_in_the_journal(walked: StoreWalk) -> None:
    numbers = {event.number for event in events(walked) if isinstance(event, Sale)}
    for till in walked.tills:
        if till.state.last_sale is not None:
            assert till.state.last_sale.number in numbers
