"""Codes that come under a dialog: afterwards in order, or refused; never lost, never in the next shopper's basket."""

from collections.abc import Callable

import pytest

from pos_app.domain.lane.intents import Scan
from pos_app.domain.lane.state import SELF_CHECKOUT, WAITING_MAX
from pos_app.services.shop import Shop
from tests.shop_kit import (
    APPLES,
    BEER,
    COLA,
    FLOWERS,
    MILK,
    SUPERVISOR_BADGE,
    UNKNOWN,
    WATER,
    Till,
)

Factory = Callable[..., Shop]


@pytest.fixture
def self_checkout(shop_factory: Factory) -> Till:
    return Till(shop_factory(SELF_CHECKOUT))


@pytest.mark.parametrize("opener", ["find", "help", "shift"])
def test_scans_under_a_dialog_come_in_order_when_it_closes(till: Till, opener: str) -> None:
    till.scan(WATER).press(opener).scan(MILK, COLA, MILK)
    assert till.sold == [("WATER", 1)]
    assert till.beeps[-3:] == ["look"] * 3
    till.press("back")
    assert till.sold == [("WATER", 1), ("MILK", 1), ("COLA", 1), ("MILK", 1)]
    assert till.state.waiting == ()


def test_the_good_that_was_asked_about_comes_before_the_ones_that_waited(till: Till) -> None:
    till.scan(FLOWERS, MILK, WATER).type("5\n")
    assert till.sold == [("FLOWERS", 1), ("MILK", 1), ("WATER", 1)]


def test_a_burst_that_opens_two_questions_asks_both_in_order(till: Till) -> None:
    till.do(Scan(FLOWERS), Scan(MILK), Scan(APPLES), Scan(WATER), Scan(FLOWERS), Scan(COLA))
    till.type("5\n").type("500\n").type("7\n")
    assert [sku for sku, _ in till.sold] == ["FLOWERS", "MILK", "APPLES", "WATER", "FLOWERS", "COLA"]


def test_the_good_chosen_in_find_comes_before_the_ones_that_waited(till: Till) -> None:
    till.press("find").scan(MILK, WATER).type("现烤\n")
    assert till.sold == [("BREAD", 1), ("MILK", 1), ("WATER", 1)]


def test_codes_that_wait_are_bounded_and_the_next_one_is_refused(till: Till) -> None:
    till.press("help").do(*[Scan(WATER)] * WAITING_MAX)
    assert till.says != "POS-2109"
    till.do(Scan(WATER))
    assert till.says == "POS-2109"
    till.press("back")
    assert till.sold == [("WATER", WAITING_MAX)]


def test_goods_that_came_under_the_age_question_are_in_the_basket_before_anything_is_paid(till: Till) -> None:
    till.scan(BEER).press("pay").scan(MILK, BEER).type("y")
    assert till.sold == [("BEER", 1), ("MILK", 1), ("BEER", 1)]
    assert till.state.phase == "selling"
    till.press("pay")
    assert till.kind == "age"


def test_ten_thousand_codes_while_dialogs_open_and_close_are_one_line_or_one_refusal_each(till: Till) -> None:
    """Pain 12, without its clock: every code counts once."""
    codes = [(WATER, MILK, COLA, UNKNOWN)[(n + n // 7) % 4] for n in range(10_000)]
    refused = waited = sold = 0
    for at in range(0, len(codes), 50):
        if at % 200 == 0:
            till.press("help")
        before = len(till.beeps)
        till.do(*map(Scan, codes[at : at + 50]))
        if at % 200 == 100:
            till.press("back")
        refused += till.beeps[before:].count("refused")
        waited += till.beeps[before:].count("look")
        if at % 200 == 150:
            sold += sum(quantity for _, quantity in till.sold)
            till.press("pay", "pay")
    assert sold + refused == len(codes)
    assert refused == codes.count(UNKNOWN)
    assert waited == 7_500


# ------------------------------------------------------------------ never lost, never the next shopper's


def finish(till: Till) -> None:
    """The shopper pays and goes; the next one comes, and a dialog opens and closes on the way."""
    if till.state.basket.lines:
        till.press("pay", "pay")
        assert till.state.last_sale is not None, (till.kind, till.says)
    till.press("find", "back")


def test_a_code_that_came_under_the_list_of_held_baskets_is_this_shoppers_or_refused(till: Till) -> None:
    till.scan(WATER).press("hold", "hold").scan(MILK)
    told = till.says.startswith("POS-")
    till.press("enter")
    assert told or till.sold == [("WATER", 1), ("MILK", 1)]
    finish(till)
    assert till.sold == []


def test_a_code_that_came_under_the_z_report_is_not_sold_without_a_shift(till: Till) -> None:
    till.close()
    assert till.kind == "report_z"
    till.scan(WATER).press("back", "back")
    assert till.sold == []


def test_a_code_that_came_under_the_bag_question_is_this_shoppers(self_checkout: Till) -> None:
    till = self_checkout.scan(WATER).press("pay")
    assert till.kind == "bags"
    till.scan(MILK)
    told = till.says.startswith("POS-")
    till.press("enter")
    assert told or ("MILK", 1) in till.sold
    assert till.state.waiting == ()


@pytest.mark.parametrize("where", ["visit", "card"])
def test_a_code_that_came_during_a_staff_visit_is_this_shoppers_or_refused(self_checkout: Till, where: str) -> None:
    """The staff member takes the card while the shopper goes on scanning: that good is not the next shopper's."""
    till = self_checkout.scan(WATER, SUPERVISOR_BADGE).type("2222\n")
    assert till.kind == "visit"
    if where == "visit":
        till.scan(MILK)
    till.press("take_card")
    if where == "card":
        till.scan(MILK)
    told = till.says.startswith("POS-")
    sold = till.sold
    if till.kind == "card":
        till.type("4711\n")
    assert told or ("MILK", 1) in sold + till.sold
    while till.kind:
        till.press("back")
    if till.state.last_sale is not None:
        assert till.state.waiting == ()
        till.press("bags", "back")
        assert till.sold == []


def test_a_card_that_is_given_up_on_self_checkout_lets_the_waiting_codes_in(self_checkout: Till) -> None:
    till = self_checkout.scan(WATER, SUPERVISOR_BADGE).type("2222\n").scan(MILK)
    told = till.says.startswith("POS-")
    till.press("take_card", "back", "back")
    assert told or till.sold == [("WATER", 1), ("MILK", 1)]


def test_codes_that_waited_when_an_idle_basket_was_put_aside_are_not_the_next_shoppers(self_checkout: Till) -> None:
    till = self_checkout.scan(WATER).press("bags").scan(MILK).wait(120_000)
    assert till.says == "banner.held_self"
    till.press("bags", "back")
    assert till.sold == []
