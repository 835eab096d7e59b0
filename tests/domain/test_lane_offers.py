"""Offers at the machine: savings as they arise, why this price, and hints that no scan waits for."""

import random
from dataclasses import replace

import pytest

from pos_app.domain.basket import AddCode, AttachMember
from pos_app.domain.lane import LaneConfig, LaneState, start, why
from pos_app.domain.lane import intents as i
from pos_app.domain.lane.state import CASHIER, Person
from pos_app.domain.pricing.mechanics.coupon_amount_off import CouponAmountOff
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.mechanics.member_percent_off import MemberPercentOff
from pos_app.domain.pricing.mechanics.nth_unit_percent_off import NthUnitPercentOff
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers, SpendTier
from pos_app.domain.pricing.model import Applied, Customer, Package, Promotion, Refused, Scope, Who
from tests.domain.lane_world import World
from tests.shop_kit import COLA, MILK, WATER

SECOND_HALF = Promotion("A-half", "第二件半价", NthUnitPercentOff(2, 50), scope=Scope(skus=("MILK",)))
GOLD = Promotion("B-gold", "金卡95折", MemberPercentOff(5), who=Who(tiers=("gold",)))
SPEND = Promotion("C-spend", "满20减5", SpendSaveTiers((SpendTier(2_000, 500),)))
TEN = Promotion("TEN", "1元券", CouponAmountOff(100), code="TEN")
PACKAGE = Package(promotions=(SECOND_HALF, GOLD, SPEND, TEN))
MEMBER = i.MemberFound(AttachMember(Customer(alias="anna", tier="gold"), "林* 8821"))


def lane(*intents: i.Intent | i.Reply) -> LaneState:
    """An open cashier's lane under the package, after some intents."""
    state = start(LaneConfig(skin=CASHIER, package=PACKAGE), now_ms=0, shift=(1, 0))
    return run(replace(state, dialog=None, person=Person("1001", "n", "cashier")), *intents)


def run(state: LaneState, *intents: i.Intent | i.Reply) -> LaneState:
    world = World(random.Random(1))
    for intent in intents:
        state = world.run(state, intent)
    return state


def rested(state: LaneState, now_ms: int) -> LaneState:
    """The state when nothing has come for so long that every trial price is made."""
    state = run(state, i.Tick(now_ms, at_rest=True))
    while state.is_looking:
        state = run(state, i.Tick(now_ms, at_rest=True))
    return state


def shares(state: LaneState) -> list[list[tuple[str, int]]]:
    return [[(share.promotion, share.fen) for share in line.shares] for line in state.priced.lines]


def test_a_line_tells_what_each_promotion_took_off_as_soon_as_it_does() -> None:
    assert shares(lane(i.Scan(MILK))) == [[]]
    assert shares(lane(i.Scan(MILK), i.Scan(MILK))) == [[("A-half", 175)]]
    assert [name for name, _ in shares(lane(i.Scan(MILK), i.Scan(MILK), MEMBER))[0]] == ["A-half", "B-gold"]


def test_a_coupon_lowers_the_price_by_the_promotion_that_it_opens() -> None:
    state = lane(i.Scan(WATER), i.CouponFound(AddCode("C-1", "TEN")))
    assert (state.priced.total_fen, shares(state)) == (100, [[("TEN", 100)]])


# ------------------------------------------------------------------ why


def entries(state: LaneState) -> tuple[why.Why, ...]:
    dialog = run(state, i.Press("why")).dialog
    assert dialog is not None and dialog.kind == "why"
    return dialog.rows


def test_why_begins_with_the_highlighted_line_and_tells_of_the_whole_basket_after_it() -> None:
    rows = entries(lane(i.Scan(MILK), i.Scan(MILK), i.Scan(WATER), i.Press("up")))
    headings = [row.line.item.sku if row.line else "" for row in rows if isinstance(row, why.About)]
    assert headings == ["MILK", ""]
    assert isinstance(rows[1], Applied) and rows[1].promotion == "A-half"


def test_why_tells_of_every_promotion_of_the_trace_once() -> None:
    state = lane(i.Scan(MILK), i.Scan(WATER), MEMBER)
    told = [row for row in entries(state) if isinstance(row, Applied | Refused)]
    trace = (*state.priced.applied, *(one for one in state.priced.refused if one.reason != "code"))
    assert sorted(told, key=repr) == sorted(trace, key=repr)


def test_why_gives_no_code_away_that_nobody_entered() -> None:
    assert "TEN" in {one.promotion for one in lane(i.Scan(MILK)).priced.refused}
    assert "TEN" not in {getattr(row, "promotion", "") for row in entries(lane(i.Scan(MILK)))}


def test_an_offer_that_names_the_good_is_refused_under_it_with_its_numbers() -> None:
    rows = entries(lane(i.Scan(COLA), i.Scan(MILK)))
    refused = rows[1]
    assert isinstance(refused, Refused)
    assert (refused.promotion, refused.reason, refused.need, refused.have) == ("A-half", "units", "2", "1")


def test_a_gift_is_told_by_the_name_that_the_store_knows() -> None:
    gift = Promotion("D-gift", "送铃铛", GiftRule("TINY"), min_spend_fen=100)
    state = lane(i.Scan(MILK))
    state = run(replace(state, package=Package(promotions=(gift,))), i.Scan(MILK))
    dialog = run(state, i.Press("why")).dialog
    assert dialog is not None and [item.sku for item in dialog.data] == ["TINY"]
    assert len(run(state, i.Press("why"), i.Press("back")).basket.lines) == len(state.basket.lines)


def test_why_can_be_asked_while_paying_and_changes_nothing() -> None:
    before = lane(i.Scan(MILK), i.Press("pay"))
    after = run(before, i.Press("why"), i.Press("down"), i.Press("page_down"), i.Press("back"))
    assert after == before


def test_reading_stops_at_both_ends() -> None:
    state = lane(i.Scan(MILK), i.Press("why"), i.Press("up"))
    assert state.dialog is not None and state.dialog.cursor == 0
    state = run(state, *[i.Press("page_down")] * 9)
    assert state.dialog is not None and state.dialog.cursor == len(state.dialog.rows) - 1


# ------------------------------------------------------------------ hints


def test_a_hint_comes_at_rest_and_is_about_the_basket_as_it_is() -> None:
    state = rested(lane(i.Scan(MILK)), 400)
    near = why.hint(state)
    assert near is not None and (near.promotion, near.need_units, near.sku) == ("A-half", 1, "MILK")


@pytest.mark.parametrize("tick", [i.Tick(399, at_rest=True), i.Tick(5_000)], ids=["too soon", "between scans"])
def test_no_scan_waits_for_hints(tick: i.Tick) -> None:
    state = run(lane(i.Scan(MILK)), tick)
    assert (state.hints, state.hints_for) == ((), None)


def test_a_scan_waits_for_one_trial_price_at_most() -> None:
    state = run(lane(i.Scan(MILK), i.Scan(WATER)), i.Tick(400, at_rest=True))
    before = len(state.near.trials)
    assert before > 0 and state.hints == ()
    assert len(run(state, i.Tick(400, at_rest=True)).near.trials) == before - 1


def test_a_hint_is_gone_with_the_next_change_until_the_lane_rests_again() -> None:
    state = run(rested(lane(i.Scan(MILK)), 400), i.Scan(WATER))
    assert why.hint(state) is None
    state = rested(state, 800)
    assert why.hint(state) is not None


def test_hints_are_looked_for_once_a_basket() -> None:
    state = rested(lane(i.Scan(MILK)), 400)
    again = rested(state, 1_400)
    assert again.hints is state.hints


def test_a_hint_is_told_with_the_explanation() -> None:
    state = rested(lane(i.Scan(MILK)), 400)
    assert entries(state)[-1] == state.hints[0]
