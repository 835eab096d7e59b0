"""Returns: what goes back is what the units carry; no order of partial returns gives more than was paid, or less in the end."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from pos_app.domain import points
from pos_app.domain.basket import AttachMember, Basket, Line
from pos_app.domain.errors import Refusal
from pos_app.domain.events import IssuedCoupon, PointsMove, Sale, SaleLine
from pos_app.domain.goods import Item
from pos_app.domain.points import Lot
from pos_app.domain.pricing.earning import line_rates
from pos_app.domain.pricing.engine import NOTHING_USED, price
from pos_app.domain.pricing.mechanics.coupon_reward import CouponReward
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.mechanics.nth_unit_percent_off import NthUnitPercentOff
from pos_app.domain.pricing.mechanics.points_earn import PointsEarn
from pos_app.domain.pricing.mechanics.points_redeem import PointsRedeem
from pos_app.domain.pricing.mechanics.punch_card import PunchCard
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers, SpendTier
from pos_app.domain.pricing.model import SHARES, STRANGER, Customer, Package, Promotion
from pos_app.domain.return_kept import priced_for
from pos_app.domain.return_points import points_moves, punch_moves
from pos_app.domain.return_terms import terms_of
from pos_app.domain.return_values import Before, CouponNow, Facts, Ledger, ReturnLine, ReturnPlan, Wanted
from pos_app.domain.returns import before_of, exchanged, payment_of, plan_return
from pos_app.domain.tender import Payment, Tender
from tests.domain.returns_kit import event, run_once
from tests.domain.returns_world import LATER, NOW_MS, SALE_UID, TODAY

SEQUENCES = 5_000
CARD = Payment("card_terminal", "A1")
MEMBER = Customer("M1", "gold")
SAVE = Promotion("MJ", "满100减20, 满200减50", SpendSaveTiers((SpendTier(10_000, 2_000), SpendTier(20_000, 5_000))))
EARN = Promotion("PE", "1元1积分", PointsEarn())


def sold(
    *goods: tuple[str, int, int], promotions: tuple[Promotion, ...] = (), customer: Customer = STRANGER, card_fen: int = 0,
    returns: str = SHARES,
) -> Sale:  # fmt: skip
    """A sale of (SKU, units, price), paid with a card up to `card_fen` and the rest in cash."""
    package = Package(promotions=promotions, returns=returns)
    lines = tuple(Line(n, Item(sku, sku, fen), sku, units) for n, (sku, units, fen) in enumerate(goods, 1))
    basket = Basket(lines=lines, member=AttachMember(customer) if customer.alias else None)
    priced = price(basket, customer, package, NOW_MS)
    rates = line_rates(basket, customer, package, NOW_MS, frozenset(), NOTHING_USED, priced)
    cash_fen = (priced.total_fen - card_fen) // 10 * 10
    tenders = [Tender("card_terminal", card_fen, card_fen, 0, "A1")] if card_fen else []
    if cash_fen:
        tenders.append(Tender("cash", cash_fen, cash_fen))
    spent = (PointsMove(points.REDEEM, "old", -priced.points_spent, LATER),) if priced.points_spent else ()
    earned = points.earn(SALE_UID, priced.points_earned, TODAY, 365)
    issued = [IssuedCoupon(f"Q{n}", reward.coupon, LATER) for reward in priced.rewards for n in range(reward.quantity)]
    return Sale(
        1, 1, "S001-01-AAAA-000001", "01", 1, "1001",
        tuple(
            SaleLine(
                line.item.sku, line.code, line.item.name, line.quantity, money.unit_fen, money.list_fen, money.net_fen, "S13",
                1300, shares=money.shares or None, points_rate=rate or None,
            )
            for line, money, rate in zip(lines, priced.lines, rates, strict=True)
        ),
        priced.list_fen, priced.discount_fen, priced.total_fen, card_fen + cash_fen - priced.total_fen, priced.item_count,
        priced.taxes, tuple(tenders), package.digest, customer=customer.alias or None, offers=priced.applied or None,
        gifts=priced.gifts or None, stamps=priced.stamps or None, issued=tuple(issued) or None,
        points=(*spent, *earned) or None, priced_for=priced_for(basket, priced, package, NOW_MS, frozenset(), NOTHING_USED),
    )  # fmt: skip


def back(*lines: tuple[int, int], gifts: tuple[tuple[str, int], ...] = (), exchange_fen: int = 0) -> Wanted:
    return Wanted(tuple(ReturnLine(n, units, "not_wanted") for n, units in lines), gifts, exchange_fen)


def planned(sale: Sale, wanted: Wanted, before: Before | None = None, facts: Facts | None = None) -> ReturnPlan:
    plan = plan_return(sale, before or Before(), wanted, facts or Facts())
    assert not isinstance(plan, Refusal), plan
    return plan


def code_of(plan: ReturnPlan | Refusal) -> str:
    assert isinstance(plan, Refusal)
    return plan.code


def after(sale: Sale, *plans: ReturnPlan) -> Before:
    return before_of(event(sale, plan, n) for n, plan in enumerate(plans))


# ------------------------------------------------------------------ the worked cases


def test_w37_a_line_of_a_spend_and_save_basket_refunds_its_share_and_takes_back_the_points_not_due() -> None:
    sale = sold(("A", 1, 15_000), ("B", 1, 8_000), promotions=(SAVE, EARN), customer=MEMBER)
    assert sale.total_fen == 18_000
    plan = planned(sale, back((1, 1)))
    assert (plan.goods_fen, plan.points_taken) == (6_261, 63)
    rest = planned(sale, back((0, 1)), after(sale, plan))
    assert (rest.goods_fen, rest.points_taken, rest.is_whole) == (11_739, 117, True)


def test_w38_one_of_a_half_price_pair_refunds_half_of_what_the_pair_cost() -> None:
    half = Promotion("H2", "第二件半价", NthUnitPercentOff(2, 50))
    sale = sold(("A", 2, 5_900), promotions=(half,))
    assert planned(sale, back((0, 1))).goods_fen == 4_425


# ------------------------------------------------------------------ goods and money


def test_the_last_units_of_a_line_come_back_first_and_carry_the_smaller_shares() -> None:
    sale = sold(("A", 3, 100))
    sale = replace(
        sale, lines=(replace(sale.lines[0], net_fen=100),), total_fen=100, taxes=(sale.taxes[0]._replace(net_fen=100),)
    )
    one = planned(sale, back((0, 1)))
    two = planned(sale, back((0, 2)), after(sale, one))
    assert (one.goods_fen, two.goods_fen) == (33, 67)


def test_a_unit_comes_back_once() -> None:
    sale = sold(("A", 2, 500), ("B", 1, 300))
    first = after(sale, planned(sale, back((0, 2))))
    assert code_of(plan_return(sale, first, back((0, 1)))) == "POS-3302"
    assert code_of(plan_return(sale, Before(), back((0, 1), (0, 2)))) == "POS-3302"
    everything = after(sale, planned(sale, back((0, 2), (1, 1))))
    assert code_of(plan_return(sale, everything, back((0, 1)))) == "POS-3305"


@pytest.mark.parametrize("wanted", [back(), back((0, 0)), back((0, -1)), back((5, 1)), back((-1, 1))])
def test_what_cannot_be_returned_is_refused_with_a_code(wanted: Wanted) -> None:
    refusal = plan_return(sold(("A", 2, 500)), Before(), wanted)
    assert code_of(refusal) in ("POS-3302", "POS-3303")


def test_cash_is_rounded_towards_the_shopper_and_never_beyond_what_was_paid() -> None:
    sale = sold(("A", 1, 6_261), ("B", 1, 822))
    assert (sale.total_fen, sale.rounding_fen) == (7_083, -3)
    one = planned(sale, back((0, 1)))
    two = planned(sale, back((1, 1)), after(sale, one))
    assert (one.refund_fen, one.rounding_fen) == (6_270, 9)
    assert (two.refund_fen, two.rounding_fen) == (810, -12)


def test_a_refund_goes_to_the_card_that_paid_with_its_reference_and_only_the_rest_is_cash() -> None:
    sale = sold(("A", 1, 5_000), ("B", 1, 3_000), card_fen=6_000)
    one = planned(sale, back((0, 1))._replace(slip="R9"))
    assert [(r.kind, r.amount_fen, r.state, r.reference, r.slip) for r in one.refunds] == [
        ("card_terminal", 5_000, "done", "A1", "R9")
    ]
    two = planned(sale, back((1, 1)), after(sale, one))
    assert [(r.kind, r.amount_fen) for r in two.refunds] == [("card_terminal", 1_000), ("cash", 2_000)]


def test_a_tender_that_is_cut_off_leaves_its_refund_queued_and_cash_is_done() -> None:
    sale = sold(("A", 1, 5_000), ("B", 1, 3_000), card_fen=6_000)
    plan = planned(sale, back((0, 1), (1, 1))._replace(cut_off=("card_terminal",), slip="R9"))
    assert [(r.kind, r.state, r.slip) for r in plan.refunds] == [("card_terminal", "queued", ""), ("cash", "done", "")]


def test_an_exchange_takes_what_the_new_sale_needs_to_the_fen_and_the_rest_goes_back() -> None:
    sale = sold(("A", 1, 5_003), card_fen=3_000)
    plan = planned(sale, back((0, 1), exchange_fen=1_999))
    assert [(r.kind, r.amount_fen) for r in plan.refunds] == [("exchange", 1_999), ("card_terminal", 3_000), ("cash", 1)]
    assert plan.refund_fen == sale.total_fen + sale.rounding_fen == 5_000


def test_an_exchange_passes_on_the_payments_that_are_not_reversed_now() -> None:
    """80.00, 60.00 of them by card, for goods of 70.00: 10.00 go back by card; 50.00 by card and 20.00 in cash paid for these."""
    sale = sold(("A", 1, 8_000), card_fen=6_000)
    plan = planned(sale, back((0, 1), exchange_fen=7_000))
    assert [(r.kind, r.amount_fen, r.payment.reference) for r in plan.refunds] == [
        ("exchange", 5_000, "A1"), ("exchange", 2_000, ""), ("card_terminal", 1_000, "A1"),
    ]  # fmt: skip
    then = replace(sold(("B", 1, 7_000)), tenders=exchanged(event(sale, plan)))
    assert [(t.kind, t.amount_fen, t.behind) for t in then.tenders] == [("exchange", 5_000, CARD), ("exchange", 2_000, None)]
    refunds = planned(then, back((0, 1))).refunds
    assert [(r.kind, r.amount_fen, r.reference) for r in refunds] == [("card_terminal", 5_000, "A1"), ("cash", 2_000, "")]


def test_what_was_passed_on_by_an_exchange_is_not_reversed_a_second_time() -> None:
    sale = sold(("A", 2, 4_000), card_fen=6_000)
    first = planned(sale, back((0, 1), exchange_fen=4_000))
    assert [(r.amount_fen, r.behind) for r in first.refunds] == [(4_000, CARD)]
    second = planned(sale, back((0, 1)), after(sale, first))
    assert [(r.kind, r.amount_fen) for r in second.refunds] == [("card_terminal", 2_000), ("cash", 2_000)]


@pytest.mark.parametrize("seed", range(200))
def test_money_leaves_the_way_it_came_however_often_goods_are_exchanged(seed: int) -> None:
    rng = random.Random(seed)
    total_fen = rng.randint(1, 900) * 10
    sale = sold(("A", 1, total_fen), card_fen=rng.choice((0, total_fen, rng.randint(0, total_fen // 10) * 10)))
    back_again = Counter[Payment | None]()
    paid = Counter({payment_of(tender): tender.amount_fen for tender in sale.tenders})
    for n in range(rng.randint(1, 5)):
        dearer_fen = rng.randint(1, 900) * 10
        plan = planned(sale, back((0, 1), exchange_fen=min(dearer_fen, sale.total_fen)))
        old = exchanged(event(sale, plan))
        left_fen = dearer_fen - sum(tender.amount_fen for tender in old)
        kind, slip = rng.choice((("cash", ""), ("card_terminal", f"C{n}")))
        new = (Tender(kind, left_fen, left_fen, 0, slip),) if left_fen else ()
        paid.update({payment_of(tender): tender.amount_fen for tender in new})
        back_again.update(money_back(plan))
        sale = replace(sold(("B", 1, dearer_fen)), tenders=(*old, *new))
    back_again.update(money_back(planned(sale, back((0, 1)))))
    assert +back_again == +paid, seed


def money_back(plan: ReturnPlan) -> Counter[Payment | None]:
    """What left the shop, by the payment it went to; None for cash."""
    found = Counter[Payment | None]()
    for refund in plan.refunds:
        if refund.kind != "exchange":
            found[refund.payment if refund.reference else None] += refund.amount_fen
    return found


def test_tax_is_taken_back_as_the_difference_of_what_is_kept() -> None:
    sale = sold(("A", 3, 5))
    assert sale.taxes[0].tax_fen == 2  # 0.15 at 13 %; one unit alone would be 0.01, three of them 0.03
    plans: list[ReturnPlan] = []
    for _ in range(3):
        plans.append(planned(sale, back((0, 1)), after(sale, *plans)))
    assert sum(share.tax_fen for plan in plans for share in plan.taxes) == 2


# ------------------------------------------------------------------ gifts, coupons, stamps


CUP = Promotion("CUP", "满200送杯子", GiftRule("200001", value_fen=1_990), min_spend_fen=20_000)


def terms(sale: Sale, *promotions: Promotion) -> Facts:
    return Facts(terms_of(sale, Package(promotions=promotions), {}))


def test_a_gift_stays_while_the_goods_kept_reach_its_threshold() -> None:
    sale = sold(("A", 1, 20_000), ("B", 1, 1_000), promotions=(CUP,))
    assert planned(sale, back((1, 1)), facts=terms(sale, CUP)).gifts == ()


def test_a_gift_comes_back_with_its_goods_or_its_value_is_taken_off() -> None:
    sale = sold(("A", 1, 19_500), ("B", 1, 1_500), promotions=(CUP,))
    facts = terms(sale, CUP)
    with_gift = planned(sale, back((1, 1), gifts=(("CUP", 1),)), facts=facts)
    assert (with_gift.refund_fen, with_gift.withheld_fen, with_gift.gifts[0].back) == (1_500, 0, 1)
    without = planned(sale, back((1, 1)), facts=facts)
    assert (without.refund_fen, without.withheld_fen, without.gifts[0].missing) == (0, 1_500, 1)  # never below zero
    later = planned(sale, back((0, 1), gifts=(("CUP", 1),)), after(sale, without), facts)
    assert (later.refund_fen, later.withheld_fen) == (21_000, -1_500)


def test_a_gift_for_every_two_goods_comes_back_pair_by_pair() -> None:
    jam = Promotion("JAM", "每2个送1", GiftRule("200002", per_units=2, value_fen=450))
    sale = sold(("A", 4, 1_000), promotions=(jam,))
    assert sale.gifts is not None and sale.gifts[0].quantity == 2
    facts = terms(sale, jam)
    one = planned(sale, back((0, 1)), facts=facts)
    assert [(gift.missing, gift.withheld_fen) for gift in one.gifts] == [(1, 450)]
    three = planned(sale, back((0, 3)), facts=facts)
    assert [(gift.missing, gift.withheld_fen) for gift in three.gifts] == [(2, 900)]


def test_a_reward_coupon_is_void_unspent_and_taken_off_spent() -> None:
    reward = Promotion("NEXT", "满100返券", CouponReward("C20"), min_spend_fen=10_000)
    sale = sold(("A", 1, 9_000), ("B", 1, 4_000), promotions=(reward,))
    facts = terms(sale, reward)
    assert planned(sale, back((1, 1)), facts=facts).coupons == ("Q0",)
    spent = facts._replace(coupons=(CouponNow("Q0", is_spent=True, is_used_up=True, saved_fen=1_500),))
    plan = planned(sale, back((1, 1)), facts=spent)
    assert (plan.coupons, plan.coupons_withheld_fen, plan.refund_fen) == ((), 1_500, 2_500)
    assert planned(sale, back((1, 1)), facts=facts._replace(coupons=(CouponNow("Q0", is_void=True),))).coupons == ()


def test_a_full_card_whose_stamps_are_short_counts_as_stamps_again() -> None:
    card = Promotion("CARD", "买5送1", PunchCard(5, "CUP"))
    sale = sold(("coffee", 6, 1_500), promotions=(card,), customer=MEMBER)
    got = points.earn(SALE_UID, 6, TODAY, 183, "CARD")
    sale = replace(sale, punches=(*got, PointsMove("CARD", f"{SALE_UID}:CARD", -5, got[0].expires)))
    lots = (Lot(f"{SALE_UID}:CARD", 1, got[0].expires),)
    facts = terms(sale, card)._replace(stamps={"CARD": 1})
    plan = planned(sale, back((0, 2)), facts=facts)
    assert [(c.stamps, c.undone) for c in plan.cards] == [(2, 1)] and plan.coupons == ("Q0",)
    moves = punch_moves(sale, Before(), plan.cards[0], Ledger(SALE_UID, "bb", lots, TODAY))
    assert {move.rule for move in moves} == {"CARD"}
    assert points.balance(points.after(lots, moves), TODAY) == 4


# ------------------------------------------------------------------ points


def test_points_that_paid_for_a_unit_go_back_to_their_lots() -> None:
    pay = Promotion("PR", "100积分抵10元", PointsRedeem(100, 1_000))
    sale = sold(("A", 1, 3_000), ("B", 1, 1_000), promotions=(pay, EARN), customer=MEMBER._replace(points=200))
    assert sale.total_fen == 2_000  # B carries 5.00 of the 20.00: 50 of the 200 points
    plan = planned(sale, back((1, 1)))
    assert (plan.goods_fen, plan.points_given, plan.points_taken) == (500, 50, 5)
    lots = (Lot("old", 100, LATER), Lot(f"{SALE_UID}:earn", 20, LATER))
    moves = points_moves(sale, Before(), plan, Ledger(SALE_UID, "bb", lots, TODAY))
    assert {lot.lot: lot.points_left for lot in points.after(lots, moves)} == {"old": 150, f"{SALE_UID}:earn": 15}


def test_a_line_that_earned_nothing_takes_no_points_back() -> None:
    sale = sold(("A", 1, 3_000), ("B", 1, 1_000), promotions=(EARN,), customer=MEMBER)
    sale = replace(
        sale, lines=(sale.lines[0], replace(sale.lines[1], points_rate=None)), points=points.earn(SALE_UID, 30, TODAY, 9)
    )
    assert planned(sale, back((1, 1))).points_taken == 0


def test_points_spent_elsewhere_meanwhile_become_a_debt_that_the_next_points_pay() -> None:
    sale = sold(("A", 1, 5_000), promotions=(EARN,), customer=MEMBER)
    plan = planned(sale, back((0, 1)))
    lots = (Lot(f"{SALE_UID}:earn", 20, LATER),)
    moves = points_moves(sale, Before(), plan, Ledger(SALE_UID, "bb", lots, TODAY))
    assert points.balance(points.after(lots, moves), TODAY) == -30


# ------------------------------------------------------------------ any order


@pytest.mark.parametrize("part", range(4))
def test_over_any_order_of_partial_returns_all_sums_hold(part: int) -> None:
    """Refunds never above what was paid and equal to it in the end, points, stamps and taxes as if never bought: see `judge`."""
    returns = whole = 0
    for seed in range(part * SEQUENCES // 4, (part + 1) * SEQUENCES // 4):
        run = run_once(seed)
        returns += len(run.returns)
        whole += sum(line.quantity for line in run.sale.lines) == sum(one.units for b in run.returns for one in b.lines)
    assert returns > SEQUENCES // 4 and whole > SEQUENCES // 10  # the harness does return things, and all of them
