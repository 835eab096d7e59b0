"""Shifts: opened with a float, counted blind, closed whatever the count; an X changes nothing."""

from collections.abc import Callable

import pytest

from pos_app.services.shop import Shop
from store_db import journal, shifts
from tests.shop_kit import CASHIER_PIN, MILK, SUPERVISOR_PIN, TINY, WATER, Till

Factory = Callable[..., Shop]


def last_event(till: Till):  # type: ignore[no-untyped-def]
    connection = till.shop.store.connection
    entry = journal.entry_by_id(connection, journal.head(connection)[0])
    assert entry is not None
    return entry.event()


def head(till: Till) -> object:
    return journal.head(till.shop.store.connection)


def count(till: Till, *pieces: str) -> Till:
    """Type the pieces of the denominations from 100 yuan down; the others stay at nothing."""
    till.press("close_shift")
    for text in (*pieces, *("",) * (8 - len(pieces))):
        till.type(f"{text}\n")
    return till


def test_the_float_is_the_first_cash_of_the_drawer(till: Till) -> None:
    assert (till.state.shift_no, till.state.float_fen) == (1, 50_000)


@pytest.mark.parametrize("typed", ["1.2.3", ".", "99999999999"])
def test_a_float_that_cannot_be_is_asked_again(shop_factory: Factory, typed: str) -> None:
    till = Till(shop_factory()).type(CASHIER_PIN).type(f"{typed}\n")
    assert (till.kind, till.says) == ("float", "POS-2112")


def test_a_shift_stays_open_over_a_restart(till: Till) -> None:
    till.sell(WATER)
    again = till.reopened()
    assert (again.state.shift_no, again.state.float_fen) == (1, 50_000)
    again.type(CASHIER_PIN)
    assert again.kind == ""


def test_the_count_comes_before_any_expected_figure(till: Till) -> None:
    till.sell(WATER)
    till.press("close_shift")
    for _ in range(8):
        assert "50200" not in repr(till.state.dialog)
        till.type("1\n")
    assert till.kind == "count_done"
    assert "50200" not in repr(till.state.dialog)


def test_a_small_difference_closes_at_once_and_stands_on_the_z(till: Till) -> None:
    till.sell(WATER)
    count(till, "5").type("y")
    z = last_event(till)
    assert (z.counted_fen, z.expected_fen, z.difference_fen, z.reason) == (50_000, 50_200, -200, "")
    assert till.kind == "report_z"
    assert len(till.paper.names("z_report")) == 1


def test_a_large_difference_asks_for_its_reason(till: Till) -> None:
    count(till).type("y")
    assert till.kind == "reason_difference"
    till.type("2")
    assert (last_event(till).reason, last_event(till).difference_fen) == ("wrong_change", -50_000)


def test_a_difference_that_was_shown_cannot_be_counted_away(till: Till) -> None:
    """Esc at the reason, a second "blind" count with the known figure: the till would be even and the money gone."""
    count(till, "4").type("y")
    assert till.kind == "reason_difference"
    till.press("back", "back")
    if till.kind in ("reason_difference", "count_done"):
        while till.kind != "reason_difference":
            till.type("y")
        till.type("1")
    else:
        count(till, "5").type("y")
    assert last_event(till).kind == "shift_closed"
    assert "-10000" in repr(last_event(till)), "the first count is on no record"


@pytest.mark.parametrize("pieces", ["0", "1", "99999", "9" * 12, "9" * 18, "9" * 19, "9" * 40])
def test_the_shift_closes_with_any_count(till: Till, pieces: str) -> None:
    till.sell(WATER)
    count(till, pieces)
    for _ in range(12):  # a count that cannot be is asked again: then the cashier types one that can
        if till.kind != "count":
            break
        till.type("1\n")
    till.type("y")
    if till.kind == "reason_difference":
        till.press("enter")
    assert last_event(till).kind == "shift_closed"
    till.prove()


def test_a_basket_with_goods_stops_the_close_and_says_so(till: Till) -> None:
    assert till.scan(WATER).press("close_shift").says == "POS-3004"


def test_a_close_can_be_left_and_begun_again(till: Till) -> None:
    count(till, "5").type("n")
    assert (till.kind, till.state.shift_no) == ("", 1)
    count(till, "5").type("y")
    assert till.state.shift_no is None


def test_after_the_close_nothing_is_sold_until_the_next_shift(till: Till) -> None:
    till.close().press("back")
    till.scan(WATER)
    assert (till.says, till.sold) == ("POS-4003", [])
    till.press("lock").open("100").scan(WATER)
    assert till.state.shift_no == 2
    assert till.sold == [("WATER", 1)]


@pytest.mark.parametrize("way", ["find", "recall", "undo"])
def test_no_way_in_sells_without_a_shift(till: Till, way: str) -> None:
    """A sale outside any shift is on no Z and its cash in no expected figure."""
    till.scan(MILK).press("hold").scan(WATER).press("void").close().press("back")
    if way == "undo":
        till.press("undo")
    elif way == "find":
        till.press("find").type("可乐\n")
    else:
        till.press("hold", "enter")
    till.press("back", "pay", "pay")
    assert till.state.last_sale is None


def test_an_x_changes_nothing_and_can_be_read_any_time(till: Till) -> None:
    till.sell(WATER)
    before = head(till)
    till.press("x_report")
    assert till.state.dialog is not None
    assert (till.state.dialog.data.sales, till.state.dialog.data.expected_cash_fen) == (1, 50_200)
    till.press("back", "shift").type("1").press("back")
    assert head(till) == before
    assert len([job for job, _ in till.paper.jobs if job.endswith("-x")]) == 2
    assert till.state.shift_no == 1


def test_an_x_without_paper_says_so(till: Till) -> None:
    till.paper.is_broken = True
    till.press("x_report")
    assert till.kind == "report_x"
    assert till.says.startswith("POS-6")


def test_the_z_counts_sales_cancels_rounding_and_tenders(till: Till) -> None:
    till.sell(WATER, TINY)
    till.scan(MILK).press("pay", "card").type("1\n")
    till.scan(MILK).press("cancel_sale").type(SUPERVISOR_PIN).type("1")
    till.close()
    z = last_event(till)
    assert (z.sales, z.cancelled, z.total_fen, z.rounding_fen) == (2, 1, 553, -3)
    assert z.tenders == (("card_terminal", 1, 350), ("cash", 1, 200))
    assert z.expected_fen == 50_200


def test_a_second_shift_starts_from_nothing(till: Till) -> None:
    till.sell(WATER)
    till.close().press("back", "lock").open("0").sell(MILK)
    till.close()
    assert (last_event(till).sales, last_event(till).expected_fen) == (1, 350)


def test_two_lanes_have_two_shifts_and_two_figures(shop_factory: Factory) -> None:
    one, two = (Till(shop_factory(lane=lane)).open() for lane in ("01", "02"))
    one.sell(WATER)
    two.sell(MILK)
    assert (one.state.shift_no, two.state.shift_no) == (1, 2)
    one.close()
    assert (last_event(one).sales, last_event(one).total_fen) == (1, 200)
    assert shifts.open_shift(two.shop.store.connection, "02") == (2, 50_000)


def test_a_shift_that_is_open_already_is_not_opened_twice(shop_factory: Factory) -> None:
    one, other = Till(shop_factory()), Till(shop_factory())
    one.open()
    other.open()
    assert other.says == "POS-4004"
    one.prove()


def test_a_close_with_no_sale_at_all_works(till: Till) -> None:
    count(till, "5").type("y")
    assert (last_event(till).sales, last_event(till).difference_fen) == (0, 0)


def test_the_close_works_when_the_printer_does_not(till: Till) -> None:
    till.paper.is_broken = True
    count(till, "5").type("y")
    assert till.state.shift_no is None
    assert till.state.paper_waiting == 1
