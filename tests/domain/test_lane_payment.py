"""The payment screen: only a deliberate key takes money; a number taken is kept; paid means committed."""

import pytest

from pos_app.domain.lane.intents import CommitSale, Press, PulseDrawer, Scan
from pos_app.domain.lane.machine import step
from pos_app.domain.lane.state import PAYMENT, SELLING
from pos_app.services.print_paper import sale_by_id
from store_db import sales
from tests.shop_kit import BEER, FLOWERS, MILK, PAYMENT_CODE, SUPERVISOR_PIN, TINY, UNKNOWN, WATER, Till


def last_sale(till: Till):  # type: ignore[no-untyped-def]
    sale_id = sales.last_sale_id(till.shop.store.connection, till.shop.lane)
    assert sale_id is not None
    return sale_by_id(till.shop, sale_id)


def test_f9_twice_is_exact_cash_and_nothing_more_is_asked(till: Till) -> None:
    till.scan(WATER, MILK).press("pay", "pay")
    assert till.kind == ""
    assert till.state.is_idle
    assert till.says == "banner.paid"
    assert till.drawer.pulses == ["sale"]
    assert last_sale(till).total_fen == 550


def test_enter_alone_takes_nothing_because_scanners_send_it(till: Till) -> None:
    till.scan(WATER).press("pay", "enter", "enter", "enter")
    assert (till.state.phase, till.state.last_sale) == (PAYMENT, None)


def test_amount_and_enter_is_cash_with_its_change(till: Till) -> None:
    till.scan(WATER).press("pay").type("5\n")
    assert till.state.last_sale is not None
    assert (till.state.last_sale.tendered_fen, till.state.last_sale.change_fen) == (500, 300)


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("1.99", "POS-3002"), ("0", "POS-3002"), (".", "POS-2112"), ("1.2.3", "POS-2112"), ("1.999", "POS-2112"),
        ("9999999999", "POS-3007"), ("690123", "POS-3007"), ("²", ""),
    ],
)  # fmt: skip
def test_an_amount_that_cannot_be_is_refused_and_takes_nothing(till: Till, typed: str, refusal: str) -> None:
    till.scan(WATER).press("pay").type(f"{typed}\n")
    assert till.state.last_sale is None
    assert till.state.phase == PAYMENT
    if refusal:
        assert till.says == refusal


def test_the_suggested_notes_are_taken_by_their_key(till: Till) -> None:
    till.scan(WATER, TINY).press("pay", "note_2")
    assert till.state.last_sale is not None
    assert till.state.last_sale.tendered_fen == 1_000  # 2.00 due: 5, 10, 20, 50


def test_cash_rounds_down_and_the_rest_is_the_rounding_line(till: Till) -> None:
    till.scan(WATER, TINY).press("pay", "pay")
    sale = last_sale(till)
    assert (sale.total_fen, sale.rounding_fen, sale.tenders[0].amount_fen) == (203, -3, 200)


def test_a_basket_below_the_smallest_coin_completes_with_one_key(till: Till) -> None:
    till.scan(TINY).press("pay", "pay")
    assert last_sale(till).rounding_fen == -3


def test_esc_goes_back_to_the_basket_and_forgets_a_typed_amount_first(till: Till) -> None:
    till.scan(WATER).press("pay").type("12").press("back")
    assert (till.state.entry, till.state.phase) == ("", PAYMENT)
    till.press("back")
    assert (till.state.phase, till.sold) == (SELLING, [("WATER", 1)])


@pytest.mark.parametrize("code", [WATER, UNKNOWN, PAYMENT_CODE, "10000"])
def test_a_scan_while_paying_takes_nothing_and_adds_nothing(till: Till, code: str) -> None:
    till.scan(WATER).press("pay").do(Scan(code), Press("enter"))
    assert (till.says, till.state.phase, till.sold) == ("POS-2115", PAYMENT, [("WATER", 1)])


def test_an_empty_basket_cannot_be_paid(till: Till) -> None:
    assert till.press("pay").says == "POS-3001"
    assert till.state.phase == SELLING


def test_proof_of_age_is_asked_before_paying_and_for_goods_added_later_again(till: Till) -> None:
    till.scan(BEER).press("pay")
    assert till.kind == "age"
    till.type("n")
    assert till.state.phase == SELLING
    till.press("pay").type("y")
    assert till.state.phase == PAYMENT
    till.press("back").scan(MILK, BEER).press("pay")
    assert till.kind == "age"


def test_drawer_and_paper_come_after_the_commit(till: Till) -> None:
    till.scan(WATER).press("pay")
    state, effects = step(till.state, Press("pay"))
    assert [type(effect) for effect in effects] == [CommitSale]
    assert state.last_sale is None


def test_a_drawer_that_does_not_open_loses_no_sale(till: Till) -> None:
    till.drawer.is_broken = True
    till.scan(WATER).press("pay", "pay")
    assert till.says == "POS-6002"
    assert last_sale(till).total_fen == 200


# ------------------------------------------------------------------ the card terminal


def test_a_card_takes_all_and_opens_no_drawer(till: Till) -> None:
    till.scan(MILK).press("pay", "card").type("004711\n")
    sale = last_sale(till)
    assert [(t.kind, t.amount_fen, t.reference) for t in sale.tenders] == [("card_terminal", 350, "004711")]
    assert (sale.rounding_fen, till.drawer.pulses) == (0, [])


def test_a_card_without_a_reference_is_asked_again(till: Till) -> None:
    till.scan(MILK).press("pay", "card", "enter")
    assert (till.kind, till.says) == ("card", "POS-3003")


def test_a_card_that_failed_keeps_its_number_and_cash_uses_it(till: Till) -> None:
    first = till.sell(WATER)
    till.scan(MILK).press("pay", "card", "back")
    assert till.state.basket.number is not None
    taken = till.shop.store.number(*till.state.basket.number)
    till.press("pay")
    assert (last_sale(till).number, last_sale(till).tenders[0].kind) == (taken, "cash")
    assert taken != first
    till.prove()


def test_ten_failed_card_attempts_take_one_number(till: Till) -> None:
    till.scan(MILK).press("pay")
    for _ in range(10):
        till.press("card", "back")
    till.press("pay")
    assert last_sale(till).counter == 1
    till.prove()


def test_the_number_of_a_failed_card_survives_a_restart(till: Till) -> None:
    till.scan(MILK).press("pay", "card", "back")
    number = till.state.basket.number
    again = till.reopened()
    assert again.state.basket.number == number
    again.open().press("pay", "pay")
    sale = last_sale(again)
    assert (sale.series_no, sale.counter) == number


def test_a_cancel_after_a_failed_card_keeps_the_number(till: Till) -> None:
    till.scan(MILK).press("pay", "card", "back", "back", "cancel_sale").type(SUPERVISOR_PIN).type("1")
    assert till.says == "banner.cancelled"
    rows = till.shop.store.connection.execute("SELECT counter, state FROM receipts").fetchall()
    assert [tuple(row) for row in rows] == [(1, "cancelled")]
    till.prove()


def test_a_card_amount_and_cash_for_the_rest_are_one_sale(till: Till) -> None:
    till.scan(MILK).press("pay").type("2.03").press("card").type("1\n")
    assert (till.says, till.state.left_fen) == ("banner.card_part", 147)
    till.press("pay")
    sale = last_sale(till)
    assert [t.amount_fen for t in sale.tenders] == [203, 140]
    assert sale.rounding_fen == -7


@pytest.mark.parametrize("typed", ["9.99", "0"])
def test_a_card_amount_that_is_not_due_is_refused_in_yuan(till: Till, typed: str) -> None:
    till.scan(MILK).press("pay").type(typed).press("card")
    assert till.says == "POS-2112"
    assert till.state.banner is not None
    assert dict(till.state.banner.args)["amount"] in (typed, f"{typed}.00")


def test_money_that_was_taken_keeps_the_basket_on_the_payment_screen(till: Till) -> None:
    till.scan(MILK).press("pay").type("1").press("card").type("1\n")
    for action in ("back", "hold", "cancel_sale", "undo"):
        till.press(action)
        assert till.state.phase == PAYMENT
        assert till.sold == [("MILK", 1)]


def test_a_card_amount_is_given_back_only_with_permission(till: Till) -> None:
    till.scan(MILK).press("pay").type("1").press("card").type("1\n").press("void")
    assert till.kind == "approve_number"
    till.type(SUPERVISOR_PIN)
    assert till.state.basket.tenders == ()
    assert till.state.left_fen == 350


def test_after_a_restart_money_that_was_taken_still_counts_and_the_basket_cannot_shrink_under_it(till: Till) -> None:
    """A power cut after a part payment by card: nothing may lead to a total below what the card has paid."""
    till.scan(MILK, WATER).press("pay").type("4.00").press("card").type("1\n")
    again = till.reopened().open()
    assert sum(t.amount_fen for t in again.state.basket.tenders) == 400
    again.press("void", "void", "undo", "undo", "undo", "back", "back")
    assert again.state.left_fen >= 0
    again.press("pay", "pay")
    again.press("pay")
    sale = last_sale(again)
    assert all(t.amount_fen >= 0 for t in sale.tenders)
    assert sale.total_fen == 550
    again.prove()


def test_an_asked_price_of_the_largest_amount_can_be_paid(till: Till) -> None:
    till.scan(FLOWERS).type("99999.99\n").press("pay", "pay")
    assert last_sale(till).total_fen == 9_999_999


def test_the_sales_of_the_day_are_counted_over_a_restart(till: Till) -> None:
    till.sell(WATER)
    till.sell(MILK)
    assert till.state.sales_today == 2
    assert till.reopened().state.sales_today == 2


def test_no_effect_of_a_paid_sale_pulses_twice(till: Till) -> None:
    till.scan(WATER).press("pay").do(Press("pay"), Press("pay"), Press("pay"))
    assert till.drawer.pulses == ["sale"]
    assert till.state.sales_today == 1
    assert not [effect for effect in step(till.state, Press("pay"))[1] if isinstance(effect, PulseDrawer | CommitSale)]
