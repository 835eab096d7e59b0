"""Members, coupons and points at the machine: what attaches, what counts, what is refused; nothing of it loses the basket."""

import random
from dataclasses import replace

import pytest

from pos_app.domain.basket import AddCode, AttachMember, DropCode, SpendPoints
from pos_app.domain.errors import refuse
from pos_app.domain.lane import LaneConfig, LaneState, start, step
from pos_app.domain.lane import intents as i
from pos_app.domain.lane.state import CASHIER, PAYMENT, SELF_CHECKOUT, Person
from pos_app.domain.pricing.mechanics.points_redeem import PointsRedeem
from pos_app.domain.pricing.model import Customer, Package, Promotion
from tests.domain.lane_world import ANNA, COUPON, MEMBER_CARD, World
from tests.shop_kit import APPLES, ITEMS, MILK, WATER

POINTS = Promotion("P", "积分", PointsRedeem(100, 500))
PACKAGE = Package(promotions=(POINTS,))
PHONE = "13800138821"


def lane(skin: str = CASHIER, package: Package = PACKAGE) -> LaneState:
    """An open lane: somebody is logged in, the shift is open."""
    state = start(LaneConfig(skin=skin, package=package), now_ms=0, shift=(1, 0))
    return replace(state, dialog=None, person=Person("1001", "n", "cashier") if skin == CASHIER else None)


def run(state: LaneState, *intents: i.Intent | i.Reply) -> LaneState:
    world = World(random.Random(1))
    for intent in intents:
        state = world.run(state, intent)
    return state


def typed(text: str) -> list[i.Intent]:
    return [i.Press("enter") if char == "\n" else i.Char(char) for char in text]


def found(may_spend: bool = False, customer: Customer = ANNA) -> i.MemberFound:
    return i.MemberFound(AttachMember(customer, "林* 8821", may_spend))


def test_f3_and_a_phone_number_ask_for_the_member() -> None:
    state = run(lane(), i.Press("member"), *typed(PHONE))
    _, effects = step(state, i.Press("enter"))
    assert effects == (i.FindMember(PHONE),)
    assert PHONE not in repr(effects)


def test_a_member_found_is_saved_with_the_basket_and_closes_the_question() -> None:
    state, effects = step(run(lane(), i.Scan(WATER), i.Press("member")), found())
    assert i.SaveOp(found().attach) in effects
    assert (state.dialog, state.basket.member) == (None, found().attach)


def test_a_member_lowers_the_price_at_once_and_a_stranger_pays_the_list_again() -> None:
    state = run(lane(), i.Scan(MILK), found())
    assert state.priced.total_fen == ITEMS["MILK"].member_price_fen
    state = run(state, i.Press("member"), i.Press("row_1"))
    assert (state.basket.member, state.priced.total_fen) == (None, ITEMS["MILK"].price_fen)


def test_another_member_takes_the_place_of_the_first() -> None:
    other = Customer(alias="ben")
    state = run(lane(), found(), i.Press("member"), i.Press("row_0"), found(customer=other))
    assert state.basket.customer == other


def test_a_member_who_is_not_known_is_refused_in_the_question_and_the_basket_stays() -> None:
    state = run(lane(), i.Scan(WATER), i.Press("member"))
    state = run(state, i.OfferRefused(refuse("POS-4001")))
    assert state.dialog is not None and state.dialog.refusal == refuse("POS-4001")
    assert len(state.basket.lines) == 1


@pytest.mark.parametrize("dialog", ["", "member", "offers"])
def test_a_card_attaches_on_the_basket_screen_and_answers_the_questions_that_ask_for_it(dialog: str) -> None:
    state = run(lane(), *([i.Press(dialog)] if dialog else []), i.Scan(MEMBER_CARD))
    assert state.basket.member is not None and state.basket.member.may_spend


def test_a_good_scanned_under_the_question_waits_and_is_sold_when_it_is_answered() -> None:
    state = run(lane(), i.Press("member"), i.Scan(WATER))
    assert (state.basket.lines, state.waiting) == ((), (WATER,))
    state = run(state, i.Scan(MEMBER_CARD))
    assert [line.item.sku for line in state.basket.lines] == ["WATER"]


def test_a_card_under_another_dialog_waits_and_attaches_after_it() -> None:
    state = run(lane(), i.Scan(APPLES), i.Scan(MEMBER_CARD))
    assert state.basket.member is None
    state = run(state, *typed("500\n"))
    assert state.basket.member is not None and len(state.basket.lines) == 1


def test_without_a_shift_nobody_is_attached() -> None:
    closed = replace(lane(), shift_no=None)
    for intent in (i.Press("member"), i.Press("offers"), found(), i.CouponFound(AddCode("C", "TEN"))):
        state = run(closed, intent)
        assert state.basket.member is None and state.basket.codes == ()
        assert state.banner is not None and state.banner.key == "POS-4003"


def test_money_taken_for_a_price_keeps_that_price() -> None:
    before = run(lane(), i.Scan(MILK), i.Press("pay"), *typed("1.00"), i.Press("card"), *typed("4711\n"))
    assert len(before.basket.tenders) == 1
    for intent in (i.Press("member"), i.Press("offers"), found(), i.CouponFound(AddCode("C", "TEN"))):
        state = run(before, intent)
        assert state.priced == before.priced
        assert state.banner is not None and state.banner.key == "POS-3012"


# ------------------------------------------------------------------ coupons


def test_a_coupon_scanned_on_the_basket_screen_is_added_once() -> None:
    state = run(lane(), i.Scan(WATER), i.Scan(COUPON))
    assert [code.code for code in state.basket.codes] == [COUPON]
    again = run(state, i.Scan(COUPON))
    assert again.basket.codes == state.basket.codes
    assert again.banner is not None and again.banner.key == "POS-3201"


def test_a_typed_coupon_is_checked_and_the_list_stays_open_with_it() -> None:
    state = run(lane(), i.Press("offers"), *typed("C-9"))
    state, effects = step(state, i.Press("enter"))
    assert effects == (i.CheckCoupon("C-9"),)
    state = run(state, i.CouponFound(AddCode("C-9", "TEN")))
    assert state.dialog is not None
    assert (state.dialog.kind, state.dialog.text, state.dialog.rows) == ("offers", "", (AddCode("C-9", "TEN"),))


def test_a_chosen_coupon_is_taken_out() -> None:
    state = run(lane(), i.Scan(COUPON), i.Press("offers"))
    state, effects = step(state, i.Press("enter"))
    assert i.SaveOp(DropCode(COUPON)) in effects
    assert state.basket.codes == ()


def test_a_coupon_that_was_spent_meanwhile_comes_out_and_the_sale_goes_on() -> None:
    state = run(lane(), i.Scan(WATER), i.Scan(COUPON), i.Press("pay"))
    state = run(state, i.OffersChanged(refuse("POS-3201", code=COUPON), (DropCode(COUPON),)))
    assert (state.basket.codes, len(state.basket.lines), state.phase) == ((), 1, PAYMENT)
    assert state.banner is not None and state.banner.key == "POS-3201"


def test_a_basket_takes_no_more_than_twenty_coupons() -> None:
    state = lane()
    for n in range(25):
        state = run(state, i.CouponFound(AddCode(f"C-{n}", "TEN")))
    assert len(state.basket.codes) == 20


def test_a_coupon_is_taken_while_paying_only_in_the_list() -> None:
    paying = run(lane(), i.Scan(WATER), i.Press("pay"))
    assert run(paying, i.Scan(COUPON)).basket.codes == ()
    assert len(run(paying, i.Press("offers"), i.Scan(COUPON)).basket.codes) == 1


def test_a_good_among_the_coupons_is_refused_while_paying() -> None:
    paying = run(lane(), i.Scan(WATER), i.Press("pay"), i.Press("offers"), i.Scan(MILK), i.Press("back"))
    assert (len(paying.basket.lines), paying.waiting, paying.phase) == (1, (), PAYMENT)


# ------------------------------------------------------------------ points


def wealthy(points: int = 1_250, may_spend: bool = True, milk: int = 10) -> LaneState:
    state = run(lane(), found(may_spend, ANNA._replace(points=points)), *typed(str(milk)), i.Press("multiply"), i.Scan(MILK))
    return replace(state, priced=state.priced._replace(after_coupons_fen=state.priced.total_fen))


def test_points_are_offered_in_whole_blocks_that_the_member_has_and_the_basket_can_take() -> None:
    """10 x 3.20 = 32.00: six blocks of 5.00; 350 points: three."""
    rows = run(wealthy(), i.Press("offers")).dialog
    assert rows is not None and [row.points for row in rows.rows] == [0, 100, 200, 300, 500, 600]
    rows = run(wealthy(350), i.Press("offers")).dialog
    assert rows is not None and [(row.points, row.worth_fen) for row in rows.rows][-1] == (300, 1_500)


@pytest.mark.parametrize(
    "state", [wealthy(may_spend=False), wealthy(99), wealthy(milk=1)], ids=["by phone", "too few", "too cheap"]
)
def test_no_points_are_offered_where_none_may_be_spent(state: LaneState) -> None:
    dialog = run(state, i.Press("offers")).dialog
    assert dialog is not None and dialog.rows == ()


def test_chosen_points_are_saved_with_the_basket_and_none_takes_them_back() -> None:
    state, effects = step(run(wealthy(), i.Press("offers")), i.Press("row_2"))
    assert i.SaveOp(SpendPoints(200)) in effects
    assert state.basket.customer.points == 200
    assert run(state, i.Press("row_0")).basket.customer.points == 0


def test_another_member_spends_no_points_of_the_first() -> None:
    state = run(wealthy(), i.Press("offers"), i.Press("row_2"), i.Press("back"), found(may_spend=True))
    assert state.basket.points == 0


# ------------------------------------------------------------------ self-checkout


def usual(sku: str = "MILK") -> i.Usual:
    return i.Usual(ITEMS[sku], 5, 320)


WITH_USUAL = i.MemberFound(found().attach, (usual(), usual("WATER")))


@pytest.mark.parametrize("hand", [i.Press("row_1"), i.Char("2")], ids=["touch", "key"])
def test_usual_goods_show_before_the_first_good_and_one_touch_takes_one(hand: i.Intent) -> None:
    state = run(lane(SELF_CHECKOUT), WITH_USUAL)
    assert state.dialog is not None and state.dialog.rows == WITH_USUAL.usual
    state = run(state, hand)
    assert ([line.item.sku for line in state.basket.lines], state.dialog) == (["WATER"], None)


def test_a_scan_goes_past_the_usual_goods() -> None:
    state = run(lane(SELF_CHECKOUT), WITH_USUAL, i.Scan(MILK))
    assert ([line.item.sku for line in state.basket.lines], state.dialog) == (["MILK"], None)


def test_usual_goods_are_shown_to_no_cashier_and_not_over_a_basket_that_has_begun() -> None:
    assert run(lane(), WITH_USUAL).dialog is None
    assert run(lane(SELF_CHECKOUT), i.Scan(MILK), WITH_USUAL).dialog is None


def test_a_shopper_who_leaves_before_the_first_good_leaves_no_member_behind() -> None:
    state = run(lane(SELF_CHECKOUT), WITH_USUAL, i.Tick(60_000))
    assert (state.basket.member, state.dialog) == (None, None)


def test_a_phone_number_half_typed_is_not_left_for_the_next_shopper() -> None:
    state = run(lane(SELF_CHECKOUT), i.Press("member"), *typed("1380013"), i.Tick(60_000))
    assert state.dialog is None


def test_the_next_shopper_finds_no_member_no_coupon_no_points() -> None:
    state = run(wealthy(), i.Scan(COUPON), i.Press("offers"), i.Press("row_1"), i.Press("back"), i.Press("pay"), i.Press("pay"))
    assert state.last_sale is not None
    assert (state.basket.member, state.basket.codes, state.basket.points) == (None, (), 0)
