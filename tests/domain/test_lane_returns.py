"""Returns at the lane: every step can be left with Esc, the permission is lent at the end, money moves after the commit."""

from collections.abc import Callable

import pytest

from pos_app.domain.lane.state import SELF_CHECKOUT
from pos_app.domain.pricing.mechanics.buy_x_get_y import BuyXGetY
from pos_app.domain.pricing.model import REPRICE, Package, Promotion
from pos_app.services.shop import Shop
from tests.shop_kit import CASHIER_PIN, COLA, MILK, ODD, SUPERVISOR_PIN, UNKNOWN, WATER, WINE, Till

Factory = Callable[..., Shop]


@pytest.fixture
def till(shop_factory: Factory) -> Till:
    return Till(shop_factory()).open()


def chosen(till: Till, text: str = "1\n") -> Till:
    """The newest receipt, with units typed for its first line, and the first reason: the plan is shown."""
    return till.press("return").type("\n\n").type(text).press("pay").press("enter")


def test_a_unit_comes_back_by_number_line_reason_and_a_lent_permission(till: Till) -> None:
    number = till.sell(WATER, WATER, MILK)
    till.press("return").type(f"{number}\n")
    assert till.kind == "return_lines"
    till.type("1\n").press("pay")
    assert till.kind == "return_reason"
    till.press("enter")
    assert till.kind == "return_plan" and till.state.returning and till.state.returning.plan
    assert till.state.returning.plan.refund_fen == 200
    till.type("y")
    assert till.kind == "approve_number" and till.drawer.pulses == ["sale"]
    till.type(SUPERVISOR_PIN)
    assert till.says == "banner.returned" and till.kind == "" and till.state.returning is None
    assert till.drawer.pulses == ["sale", "return"]
    assert "退货单" in till.paper.jobs[-1][1]
    (approver,) = till.shop.store.connection.execute(
        "SELECT json_extract(payload, '$.approver') FROM journal WHERE kind = 'return'"
    ).fetchone()
    assert approver == "1002"
    till.prove()


def test_the_counter_on_the_receipt_is_enough_and_a_scanned_number_is_the_same(till: Till) -> None:
    number = till.sell(WATER)
    for by in (lambda: till.press("return").type("1\n"), lambda: till.press("return").scan(number)):
        by()
        assert till.kind == "return_lines"
        till.press("back", "back")
        assert till.kind == "" and till.state.returning is None


def test_enter_alone_lists_the_latest_sales_and_an_unknown_number_says_so(till: Till) -> None:
    first, second = till.sell(WATER), till.sell(MILK)
    till.press("return").type("77\n")
    assert till.says == "POS-3301" and till.kind == "return_find"
    till.press("backspace", "enter")
    assert till.state.dialog and [row.number for row in till.state.dialog.rows] == [second, first]
    till.press("down", "enter")
    assert till.state.returning and till.state.returning.found and till.state.returning.found.sale.number == first


def test_more_units_than_are_left_cannot_be_chosen(till: Till) -> None:
    till.sell(WATER, WATER)
    till.press("return").type("1\n3\n")
    assert till.says == "POS-3302"
    till.press("pay")
    assert till.says == "POS-3303"  # nothing is chosen yet
    till.press("enter")  # Enter alone: all of the line
    assert till.state.returning and till.state.returning.chosen == (2,)


def test_esc_leads_back_step_by_step_and_gives_nothing_back(till: Till) -> None:
    till.sell(WATER)
    chosen(till)
    kinds = [till.kind]
    while till.kind:
        till.press("back")
        kinds.append(till.kind)
    assert kinds == ["return_plan", "return_reason", "return_lines", "return_find", ""]
    assert till.state.returning is None and till.drawer.pulses == ["sale"]


def test_a_permission_that_is_not_lent_leaves_the_plan_to_come_back_to(till: Till) -> None:
    till.sell(WATER)
    chosen(till).type("y").press("back").press("return")
    assert till.kind == "return_plan"
    till.type("y").type(CASHIER_PIN)
    assert till.says == "POS-4002" and till.drawer.pulses == ["sale"]


def test_damaged_goods_are_waste_by_their_reason_and_the_key_changes_it(till: Till) -> None:
    till.sell(WATER)
    till.press("return").type("1\n\n").press("pay", "down", "down", "enter")
    assert till.state.returning and till.state.returning.plan and till.state.returning.plan.lines[0].to_waste
    till.type("w")
    assert till.state.returning.plan and not till.state.returning.plan.lines[0].to_waste


def test_a_card_refund_asks_for_its_slip_and_without_one_it_waits(till: Till) -> None:
    till.scan(WINE).press("pay").type("y").press("card").type("A77\n")
    chosen(till).type("y").type(SUPERVISOR_PIN)
    assert till.kind == "return_slip" and till.state.dialog and till.state.dialog.data == 8_900
    till.press("enter")
    assert till.says == "banner.returned_queued" and till.drawer.pulses == []
    till.prove()
    till.press("return").type("2\n")  # the return's own number: what waits of it
    assert till.kind == "return_settle"
    till.press("enter")
    assert till.says == "POS-3003"
    till.type("R4\n")
    assert till.says == "banner.settled"
    till.press("return").type("2\n")
    assert till.says == "POS-3309"
    till.press("back")
    till.prove()
    till.scan(WINE).press("pay").type("y").press("card").type("A78\n")
    chosen(till).type("y").type(SUPERVISOR_PIN).type("R5\n")
    assert till.says == "banner.returned"
    till.prove()


def test_the_last_sale_is_made_void_whole_with_a_reason_and_a_permission(till: Till) -> None:
    till.sell(WATER, MILK)
    till.press("void_sale")
    assert till.kind == "return_reason"
    till.press("enter").type("y").type(SUPERVISOR_PIN)
    assert till.says == "banner.returned"
    assert "作废单" in till.paper.jobs[-1][1].splitlines()[0]
    till.press("void_sale")
    assert till.says == "POS-3305"
    till.prove()


def test_goods_without_a_receipt_come_back_at_their_lowest_price_up_to_the_days_limit(shop_factory: Factory) -> None:
    till = Till(shop_factory(no_receipt_day_max_fen=1_000)).open()
    till.press("return").scan(MILK, COLA)
    assert till.kind == "return_goods" and till.state.returning
    assert [good.fen for good in till.state.returning.goods] == [320, 250]  # the member's price, the promotional one
    till.press("pay", "enter").type("y").type(SUPERVISOR_PIN)
    assert till.says == "banner.returned" and till.drawer.pulses == ["return"]
    till.press("return").scan(MILK, MILK).press("pay", "enter")
    assert till.says == "POS-3307"
    flagged = till.shop.store.connection.execute("SELECT flagged FROM returns").fetchall()
    assert [tuple(row) for row in flagged] == [(1,)]
    till.prove()


def test_an_unknown_code_among_goods_without_receipt_is_refused_and_the_others_stay(till: Till) -> None:
    till.press("return").scan(MILK, UNKNOWN)
    assert till.says == "POS-2101" and till.state.returning and len(till.state.returning.goods) == 1


def test_the_open_basket_stays_through_a_return(till: Till) -> None:
    till.sell(WATER)
    till.scan(MILK)
    chosen(till).type("y").type(SUPERVISOR_PIN)
    assert till.says == "banner.returned" and till.sold == [("MILK", 1)]


def test_no_return_at_self_checkout_or_while_a_shopper_pays(shop_factory: Factory, till: Till) -> None:
    till.scan(WATER).press("pay", "return")
    assert till.kind == ""
    unattended = Till(shop_factory(SELF_CHECKOUT, lane="05"))
    unattended.press("return", "void_sale")
    assert unattended.kind == "" and unattended.state.returning is None


# ------------------------------------------------------------------ exchange


def exchanged(till: Till, text: str = "1\n") -> Till:
    return chosen(till, text).type("x").type(SUPERVISOR_PIN)


def refunds_of(till: Till) -> list[tuple[str, int]]:
    sql = "SELECT kind, amount_fen FROM refunds ORDER BY journal_id, n"
    return [tuple(row) for row in till.shop.store.connection.execute(sql)]


def test_dearer_goods_are_paid_by_what_comes_back_and_the_rest_in_cash(till: Till) -> None:
    till.sell(WATER)
    exchanged(till)
    assert till.says == "banner.exchange" and till.drawer.pulses == ["sale"]
    till.scan(MILK).press("pay")
    assert (till.state.exchange_fen, till.state.left_fen) == (200, 150)
    till.press("pay")
    assert till.says == "banner.paid"
    assert refunds_of(till) == [("exchange", 200)]
    assert till.state.last_sale and till.state.last_sale.paid_fen == 350
    titles = [text.splitlines()[0].strip() for _, text in till.paper.jobs[-2:]]
    assert titles == ["*** 退货单 ***", "购物小票"]
    till.prove()
    till.close()
    assert till.state.dialog and till.state.dialog.data.expected_cash_fen == 50_000 + 200 + 150


def test_cheaper_goods_leave_the_rest_to_be_given_back_with_the_drawer_open(till: Till) -> None:
    till.sell(MILK)
    exchanged(till)
    till.scan(WATER).press("pay")
    assert till.state.left_fen == 0
    till.press("pay")
    assert till.says == "banner.paid" and till.drawer.pulses == ["sale", "sale"]
    assert refunds_of(till) == [("exchange", 200), ("cash", 150)]
    assert till.state.last_sale and till.state.last_sale.change_fen == 150
    till.prove()


def test_goods_got_for_goods_paid_by_card_are_given_back_to_the_card(till: Till) -> None:
    """No cash leaves the drawer, though the second receipt was paid with goods and nothing else."""
    till.scan(WATER).press("pay", "card").type("A123\n")
    exchanged(till).scan(ODD).press("pay", "pay")
    assert till.says == "banner.paid" and till.drawer.pulses == []
    chosen(till).type("y").type(SUPERVISOR_PIN)
    assert till.kind == "return_slip" and till.drawer.pulses == []
    till.type("R9\n")
    assert till.says == "banner.returned" and till.drawer.pulses == []
    sql = "SELECT kind, amount_fen, reference, state FROM refunds ORDER BY journal_id, n"
    assert [tuple(row) for row in till.shop.store.connection.execute(sql)] == [
        ("exchange", 199, "", "done"), ("card_terminal", 1, "A123", "queued"), ("card_terminal", 199, "A123", "done"),
    ]  # fmt: skip
    till.prove()


def test_goods_kept_that_cost_more_alone_leave_nothing_to_give_back_and_then_pay_for_others(shop_factory: Factory) -> None:
    """Three waters for 4.00. One back: the two kept cost 4.00, so nothing; another one for milk: 2.00 of its 3.50 are paid."""
    three = Promotion("b2g1", "买2送1", BuyXGetY(2, 1))
    till = Till(shop_factory(package=Package(digest="three", returns=REPRICE, promotions=(three,)))).open()
    till.sell(WATER, WATER, WATER)
    chosen(till)
    plan = till.state.returning.plan if till.state.returning else None
    assert plan is not None and (plan.goods_fen, plan.kept_fen, plan.refund_fen) == (133, 400, 0)
    till.type("y").type(SUPERVISOR_PIN)
    assert till.says == "banner.returned" and till.drawer.pulses == ["sale"]
    chosen(till).type("x").type(SUPERVISOR_PIN).scan(MILK).press("pay")
    assert till.state.left_fen == 150
    till.press("pay")
    assert till.says == "banner.paid" and refunds_of(till) == [("exchange", 200)]
    till.prove()


def test_an_exchange_is_given_up_with_the_key_that_began_it_and_nothing_was_given_back(till: Till) -> None:
    till.sell(WATER)
    exchanged(till).press("return")
    assert till.says == "banner.no_exchange" and till.state.basket.exchange is None
    till.sell(MILK)
    assert refunds_of(till) == []
    till.prove()


def test_an_exchange_outlives_a_restart_of_the_lane(till: Till) -> None:
    till.sell(WATER)
    exchanged(till).scan(MILK)
    again = till.reopened().open()
    again.press("pay")
    assert again.state.left_fen == 150
    again.press("pay")
    assert again.says == "banner.paid" and refunds_of(again) == [("exchange", 200)]
    again.prove()


def test_goods_that_were_returned_elsewhere_meanwhile_pay_for_nothing_and_the_sale_goes_on(shop_factory: Factory) -> None:
    one = Till(shop_factory()).open()
    number = one.sell(WATER)
    exchanged(one).scan(MILK).press("pay")
    two = Till(shop_factory(lane="02")).open()
    two.press("return").type(number + "\n\n").press("pay", "enter").type("y").type(SUPERVISOR_PIN)
    assert two.says == "banner.returned"
    one.press("pay")
    assert one.says == "POS-3305" or one.says == "POS-3306"
    assert one.state.basket.exchange is None and one.state.left_fen == 350
    one.press("pay")
    assert one.says == "banner.paid"
    one.prove()


def test_goods_without_a_receipt_and_voids_are_no_exchange(till: Till) -> None:
    till.press("return").scan(MILK).press("pay", "enter").type("x")
    assert till.kind == "return_plan" and till.state.basket.exchange is None
