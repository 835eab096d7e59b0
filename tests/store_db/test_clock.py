"""Clocks are guests: a wrong one changes no order, stops no sale, and is not accepted by just anybody."""

import pytest

from pos_app.domain.lane.state import SELF_CHECKOUT
from store_db import journal
from tests.shop_kit import CASHIER_PIN, MANAGER_PIN, MILK, SUPERVISOR_BADGE, WATER, Till, make_shop

YEAR_MS = 365 * 86_400_000
HOUR_MS = 3_600_000


def rows(till: Till) -> list[tuple[int, int, str]]:
    found = till.shop.store.connection.execute("SELECT seq, wall_ms, business_date FROM journal ORDER BY id").fetchall()
    return [tuple(row) for row in found]


def test_sales_go_on_when_the_clock_is_set_back_a_year_and_seq_keeps_the_order(till: Till) -> None:
    first = till.sell(WATER)
    till.clock.now_ms -= YEAR_MS
    second = till.sell(MILK)
    assert first < second
    seqs, clocks, dates = zip(*rows(till), strict=True)
    assert list(seqs) == list(range(1, len(seqs) + 1))
    assert clocks[-1] < clocks[-2]
    assert dates[-1] < dates[-2]
    till.prove()


def test_a_lane_that_opens_on_a_clock_set_back_says_so(till: Till) -> None:
    till.sell(WATER)
    till.clock.now_ms -= YEAR_MS
    assert till.reopened().says == "POS-4007"


def closed_and_set_back(till: Till, by_ms: int) -> Till:
    till.sell(WATER)
    till.close().press("back", "lock")
    till.clock.now_ms -= by_ms
    return till


def test_a_cashier_opens_no_shift_on_a_clock_set_back_and_a_manager_does(till: Till) -> None:
    closed_and_set_back(till, YEAR_MS)
    till.type(CASHIER_PIN).type("100\n")
    assert (till.says, till.state.shift_no) == ("POS-4007", None)
    till.press("lock").type(MANAGER_PIN).type("100\n")
    assert till.state.shift_no == 2


@pytest.mark.parametrize(("by_ms", "is_open"), [(HOUR_MS, True), (3 * HOUR_MS, False)])
def test_an_hour_back_is_winter_time_and_three_are_not(till: Till, by_ms: int, is_open: bool) -> None:
    closed_and_set_back(till, by_ms)
    till.type(CASHIER_PIN).type("100\n")
    assert (till.state.shift_no is not None) is is_open


def test_a_sale_at_the_self_checkout_does_not_make_a_wrong_clock_right(till: Till) -> None:
    """The newest event carries the wrong time now; the cashier's shift still needs somebody who may accept the clock."""
    closed_and_set_back(till, YEAR_MS)
    sco = Till(make_shop(till.shop.store, SELF_CHECKOUT, "S1"))
    sco.scan(WATER, SUPERVISOR_BADGE).type("2222\n").press("take_card").type("1\n")
    assert sco.state.last_sale is not None
    till.type(CASHIER_PIN).type("100\n")
    assert till.state.shift_no is None


def test_the_business_date_is_the_shops_day_with_its_cutoff(till: Till) -> None:
    midnight_ms = 1_790_092_800_000  # 2026-09-23 00:00 in the shop's zone
    for at_ms, date in (
        (-60_000, "2026-09-22"),
        (60_000, "2026-09-22"),
        (4 * HOUR_MS - 60_000, "2026-09-22"),
        (4 * HOUR_MS, "2026-09-23"),
    ):
        till.clock.now_ms = midnight_ms + at_ms
        till.sell(WATER)
        entry = journal.entry_by_id(till.shop.store.connection, journal.head(till.shop.store.connection)[0])
        assert entry is not None
        assert entry.header.business_date == date
