"""Self-checkout: the same machine in another skin; what needs staff waits for staff, nobody's basket is thrown away."""

import json
from collections.abc import Callable

import pytest

from pos_app.domain.lane.intents import Press, Scan
from pos_app.domain.lane.state import PAYMENT, SELF_CHECKOUT, SELLING
from pos_app.services.shop import Shop
from store_db.drafts import held_drafts
from tests.shop_kit import (
    APPLES,
    BEER,
    CASHIER_BADGE,
    CIGARETTES,
    COLA,
    FLOWERS,
    MILK,
    SUPERVISOR_BADGE,
    WATER,
    WINE,
    Till,
    label,
)

Factory = Callable[..., Shop]


@pytest.fixture
def sco(shop_factory: Factory) -> Till:
    return Till(shop_factory(SELF_CHECKOUT))


def pay(till: Till) -> Till:
    """To the question how to pay, past the bags."""
    till.press("pay")
    if till.kind == "bags":
        till.press("back", "pay")
    return till


def staff(till: Till, badge: str = SUPERVISOR_BADGE, pin: str = "2222") -> Till:
    return till.scan(badge).type(f"{pin}\n")


def test_any_scan_begins_without_a_login(sco: Till) -> None:
    assert sco.scan(WATER, MILK).sold == [("WATER", 1), ("MILK", 1)]


def test_a_card_sale_needs_a_member_of_staff_and_no_drawer(sco: Till) -> None:
    pay(sco.scan(WATER)).press("enter")
    assert (sco.state.phase, sco.state.needs_help) == (PAYMENT, True)
    staff(sco).press("take_card").type("4711\n")
    assert sco.state.last_sale is not None
    assert (sco.state.last_sale.total_fen, sco.drawer.pulses) == (200, [])
    assert not sco.state.needs_help
    sco.prove()


def test_the_shopper_alone_can_take_no_money(sco: Till) -> None:
    pay(sco.scan(WATER)).press("enter", "pay", "pay", "card", "note_1", "enter").type("500\n").press("void")
    assert sco.state.last_sale is None
    assert sco.state.basket.tenders == ()


@pytest.mark.parametrize("code", [CIGARETTES, FLOWERS, APPLES])
def test_tobacco_asked_prices_and_unlabelled_weights_are_not_sold_here(sco: Till, code: str) -> None:
    sco.scan(code)
    assert (sco.sold, sco.kind) == ([], "")
    assert sco.says in ("POS-2108", "POS-2116")


def test_tobacco_is_refused_through_the_search_too(sco: Till) -> None:
    sco.press("find").type("香烟\n")
    assert sco.sold == []


def test_a_labelled_weight_is_sold(sco: Till) -> None:
    assert sco.scan(label("22", APPLES, weight_g=846)).sold == [("APPLES", 1)]


def test_alcohol_waits_for_the_staff_visit_while_scanning_goes_on(sco: Till) -> None:
    sco.scan(BEER)
    assert sco.says == "banner.age_self"
    pay(sco.scan(MILK))
    assert (sco.kind, sco.says, sco.state.needs_help) == ("", "banner.staff_needed", True)
    assert sco.scan(COLA).sold[-1] == ("COLA", 1)
    staff(sco).press("approve_age", "leave")
    pay(sco)
    assert sco.kind == "ways"


def test_a_label_whose_amount_is_not_that_of_its_weight_waits_for_the_staff_visit(sco: Till) -> None:
    """0.01 for a kilogram of apples: nobody stands by to look at it."""
    pay(sco.scan(label("23", APPLES, amount_fen=1, weight_g=1_000)))
    assert (sco.kind, sco.says, sco.state.needs_help) == ("", "banner.staff_needed", True)
    staff(sco).press("take_card")
    assert (sco.kind, sco.says) == ("visit", "POS-4002")
    sco.press("approve_age", "leave").scan(label("23", APPLES, amount_fen=990, weight_g=1_000))
    assert pay(sco).kind == "ways"
    sco.press("back").scan(label("23", APPLES, amount_fen=1, weight_g=1_000))
    assert pay(sco).says == "banner.staff_needed"


def test_staff_that_saw_a_label_stands_in_the_sale(sco: Till) -> None:
    staff(sco.scan(label("23", APPLES, amount_fen=1, weight_g=1_000))).press("approve_age", "take_card").type("4711\n")
    (payload,) = sco.shop.store.connection.execute("SELECT payload FROM journal WHERE kind = 'sale'").fetchone()
    assert [(line["flagged"], line["approved_by"]) for line in json.loads(payload)["lines"]] == [(True, "1002")]


def test_alcohol_added_after_the_approval_waits_again(sco: Till) -> None:
    staff(sco.scan(BEER)).press("approve_age", "leave")
    sco.scan(MILK, WINE)
    assert pay(sco).says == "banner.staff_needed"


def test_a_line_that_staff_took_off_comes_back_without_an_approval(sco: Till) -> None:
    """Staff removes the wine, sees proof of age for the beer and goes; the shopper's undo must not bring approved wine."""
    staff(sco.scan(WINE, BEER)).press("up", "remove_line", "approve_age", "leave")
    assert sco.sold == [("BEER", 1)]
    sco.press("undo", "undo")
    assert all(line.item.sku != "WINE" or not sco.state.basket.is_approved(line) for line in sco.state.basket.lines)


def test_staff_cannot_take_a_card_before_the_proof_of_age(sco: Till) -> None:
    staff(sco.scan(BEER)).press("take_card")
    assert (sco.says, sco.kind) == ("POS-4002", "visit")


def test_what_the_shopper_typed_is_not_the_amount_that_staff_takes(sco: Till) -> None:
    """Digits left in the entry line are no amount: the card pays the basket."""
    staff(sco.scan(MILK).type("1")).press("take_card").type("4711\n")
    assert sco.state.last_sale is not None
    assert sco.state.last_sale.paid_fen == 350


def test_the_visit_needs_a_right_pin(sco: Till) -> None:
    sco.scan(BEER, CASHIER_BADGE).type("9999\n")
    assert (sco.kind, sco.says) == ("visit_pin", "POS-4001")
    sco.press("approve_age", "take_card")
    assert sco.state.unapproved()


def test_staff_removes_the_marked_line_and_the_sale_says_who(sco: Till) -> None:
    staff(sco.scan(WATER, MILK, COLA)).press("up", "remove_line", "leave")
    assert sco.sold == [("WATER", 1), ("COLA", 1)]
    assert [voided.staff for voided in sco.state.basket.voided] == ["1002"]


def test_a_bag_is_its_own_line_and_the_question_comes_once(sco: Till) -> None:
    sco.scan(WATER).press("pay")
    assert sco.kind == "bags"
    sco.press("enter")
    assert sco.sold == [("WATER", 1), ("BAG", 1)]
    sco.press("pay")
    assert sco.kind == "ways"


def test_paying_at_a_till_moves_the_basket_there(shop_factory: Factory, sco: Till) -> None:
    pay(sco.scan(WATER)).press("down", "enter")
    assert (sco.says, sco.sold) == ("banner.held_self", [])
    till = Till(shop_factory(lane="01")).open().press("hold", "enter")
    assert till.sold == [("WATER", 1)]
    assert till.press("pay", "pay").state.last_sale is not None


# ------------------------------------------------------------------ idle


def test_60_idle_seconds_warn_and_120_put_the_basket_aside(sco: Till) -> None:
    sco.scan(WATER).wait(59_999)
    assert sco.kind == ""
    sco.wait(1)
    assert sco.kind == "idle"
    sco.wait(59_999)
    assert sco.sold == [("WATER", 1)]
    sco.wait(1)
    assert (sco.sold, sco.kind, sco.says) == ([], "", "banner.held_self")
    assert len(held_drafts(sco.shop.store.connection)) == 1


@pytest.mark.parametrize("intent", [Press("touch"), Press("back"), Scan(MILK)])
def test_any_touch_or_scan_starts_the_idle_time_again(sco: Till, intent: Press | Scan) -> None:
    sco.scan(WATER).wait(119_000).do(intent).wait(59_000)
    assert ("WATER", 1) in sco.sold
    assert sco.kind == ""


def test_an_empty_lane_is_never_idle_and_a_call_for_help_is_never_put_aside(sco: Till) -> None:
    assert sco.wait(10_000_000).kind == ""
    sco.scan(WATER).press("call_staff").wait(10_000_000)
    assert sco.sold == [("WATER", 1)]


def test_a_basket_is_not_put_aside_while_staff_takes_the_card(sco: Till) -> None:
    """The terminal may take two minutes: a basket held meanwhile is paid on the terminal and again at a till."""
    staff(sco.scan(WATER)).press("take_card").wait(300_000)
    assert sco.kind == "card"
    sco.type("4711\n")
    assert sco.state.last_sale is not None


def test_a_shopper_who_gives_up_paying_and_leaves_is_put_aside_like_any_other(sco: Till) -> None:
    pay(sco.scan(WATER)).press("enter", "back")
    assert sco.state.phase == SELLING
    sco.wait(60_000).wait(60_000)
    assert sco.says == "banner.held_self"


def test_a_basket_put_aside_while_paying_does_not_leave_the_payment_screen_to_the_next_shopper(sco: Till) -> None:
    pay(sco.scan(WATER)).press("enter")
    sco.press("back").wait(400_000)
    assert sco.state.phase == SELLING


# ------------------------------------------------------------------ what a shopper must not reach


def test_a_shopper_cannot_fetch_a_held_basket(shop_factory: Factory, sco: Till) -> None:
    """Somebody else's basket, with somebody else's proof of age, is not one key away."""
    till = Till(shop_factory(lane="01")).open()
    till.scan(WATER).press("hold")
    sco.press("hold", "enter")
    assert sco.sold == []


def test_a_shopper_cannot_print_somebodys_receipt(sco: Till) -> None:
    staff(sco.scan(WATER)).press("take_card").type("4711\n")
    sco.press("reprint")
    assert sco.paper.names("copy") == []


@pytest.mark.parametrize("action", ["shift", "x_report", "close_shift", "no_sale", "cancel_sale", "void", "lock"])
def test_what_belongs_to_staff_does_nothing_without_staff(sco: Till, action: str) -> None:
    sco.scan(WATER).press(action).type("1\n")
    assert sco.sold == [("WATER", 1)]
    assert (sco.drawer.pulses, sco.paper.jobs) == ([], [])


def test_language_and_letters_are_the_shoppers_choice_and_change_nothing_else(sco: Till) -> None:
    sco.scan(WATER).press("language", "big_text")
    assert (sco.state.lang, sco.state.big, sco.sold) == ("en", True, [("WATER", 1)])


def test_undo_takes_the_last_good_off_and_staff_sees_it(sco: Till) -> None:
    sco.scan(WATER, MILK).press("backspace")
    assert sco.sold == [("WATER", 1)]
    assert [voided.line.item.sku for voided in sco.state.basket.voided] == ["MILK"]


def test_a_restart_keeps_the_basket_and_its_approval(sco: Till) -> None:
    staff(sco.scan(BEER)).press("approve_age", "leave")
    again = sco.reopened()
    assert again.sold == [("BEER", 1)]
    assert not again.state.unapproved()
