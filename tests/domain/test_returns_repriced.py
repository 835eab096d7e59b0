"""Returns under a package that prices again: what goes back is what was paid less what the goods kept cost alone."""

from dataclasses import replace

import pytest

from pos_app.domain.basket import AttachMember, Basket, Line
from pos_app.domain.events import Sale
from pos_app.domain.goods import Item
from pos_app.domain.pricing.engine import NOTHING_USED, price
from pos_app.domain.pricing.mechanics.buy_x_get_y import BuyXGetY
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.mechanics.member_percent_off import MemberPercentOff
from pos_app.domain.pricing.mechanics.points_redeem import PointsRedeem
from pos_app.domain.pricing.mechanics.shelf_percent_off import ShelfPercentOff
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers, SpendTier
from pos_app.domain.pricing.model import REPRICE, STRANGER, Customer, Package, Promotion, TaxShare, Who
from pos_app.domain.return_kept import priced_for
from pos_app.domain.return_terms import terms_of
from pos_app.domain.return_values import Facts, ReturnPlan
from tests.domain.returns_kit import run_once
from tests.domain.returns_world import NOW_MS
from tests.domain.test_returns import SAVE, after, back, planned, sold

SEQUENCES = 800
THREE = Promotion("B2G1", "买2送1", BuyXGetY(2, 1))
GOLD = Customer("M1", "gold")


def facts(*promotions: Promotion) -> Facts:
    return Facts(package=Package(promotions=promotions, returns=REPRICE))


def one_by_one(sale: Sale, known: Facts, *lines: int) -> list[ReturnPlan]:
    """The plans of returns of a unit each."""
    plans: list[ReturnPlan] = []
    for n in lines:
        plans.append(planned(sale, back((n, 1)), after(sale, *plans), known))
    return plans


# ------------------------------------------------------------------ worked cases


def test_the_third_of_buy_three_pay_two_gives_nothing_back_and_the_others_all_of_it() -> None:
    """20.00 for three of 10.00: two alone cost 20.00, one 10.00. By shares it is 6.66, 6.67, 6.67."""
    sale = sold(("A", 3, 1_000), promotions=(THREE,), returns=REPRICE)
    plans = one_by_one(sale, facts(THREE), 0, 0, 0)
    assert [plan.refund_fen for plan in plans] == [0, 1_000, 1_000]
    assert [(plan.kept_fen, plan.goods_fen, plan.repriced_fen) for plan in plans] == [
        (2_000, 666, 666), (1_000, 667, -333), (None, 667, -333),
    ]  # fmt: skip
    assert plans[0].taxes == ()  # nothing goes back, and no VAT either
    shared = sold(("A", 3, 1_000), promotions=(THREE,))
    assert shared.priced_for is None
    assert [plan.goods_fen - plan.withheld_fen for plan in one_by_one(shared, facts(THREE), 0, 0, 0)] == [666, 667, 667]


def test_w37_priced_again_keeps_the_tier_that_the_goods_kept_still_reach() -> None:
    """150.00 and 80.00 with 50.00 off: 150.00 alone cost 130.00, so 50.00 go back and not the 62.61 of the share."""
    sale = sold(("A", 1, 15_000), ("B", 1, 8_000), promotions=(SAVE,), returns=REPRICE)
    plans = one_by_one(sale, facts(SAVE), 1, 0)
    assert [plan.refund_fen for plan in plans] == [5_000, 13_000]
    assert [plan.refund_fen for plan in one_by_one(sale, facts(SAVE), 0, 1)] == [10_000, 8_000]


def test_an_offer_that_the_goods_kept_have_now_gives_back_more_than_a_share() -> None:
    """Half price for one unit: 10.00 and 100.00 cost 60.00. The dear one back: the other has the offer and costs 5.00."""
    half = Promotion("HALF", "限一件半价", ShelfPercentOff(50, max_units=1))
    sale = sold(("A", 1, 1_000), ("B", 1, 10_000), promotions=(half,), returns=REPRICE)
    plan = planned(sale, back((1, 1)), facts=facts(half))
    assert (plan.goods_fen, plan.repriced_fen, plan.refund_fen) == (5_000, -500, 5_500)


def test_what_was_given_back_is_never_asked_for_again() -> None:
    """111.00 less 50.00 from 110.00 on. One at 1.00 back: 1.00; then one at 10.00: 100.00 alone would be dearer than all was."""
    save = Promotion("MJ", "满110减50", SpendSaveTiers((SpendTier(11_000, 5_000),)))
    sale = sold(("A", 1, 10_000), ("B", 1, 1_000), ("C", 1, 100), promotions=(save,), returns=REPRICE)
    assert [plan.refund_fen for plan in one_by_one(sale, facts(save), 2, 1, 0)] == [100, 0, 6_000]
    assert [plan.refund_fen for plan in one_by_one(sale, facts(save), 1, 2, 0)] == [0, 0, 6_100]


def test_tax_is_that_of_what_the_goods_kept_cost_alone() -> None:
    """60.00 at 13 % and 60.00 at 9 % less 50.00 cost 70.00. The second back: the first alone is 60.00, all of it at 13 %."""
    save = Promotion("MJ", "满100减50", SpendSaveTiers((SpendTier(10_000, 5_000),)))
    package = Package(promotions=(save,), returns=REPRICE)
    lines = (Line(1, Item("A", "A", 6_000), "A"), Line(2, Item("B", "B", 6_000, tax_code="S09", tax_bp=900), "B"))
    basket = Basket(lines=lines)
    priced = price(basket, STRANGER, package, NOW_MS)
    sale = sold(("A", 1, 3_500), ("B", 1, 3_500))
    sale = replace(
        sale, lines=(sale.lines[0], replace(sale.lines[1], tax_code="S09", tax_bp=900)), taxes=priced.taxes,
        priced_for=priced_for(basket, priced, package, NOW_MS, frozenset(), NOTHING_USED),
    )  # fmt: skip
    plans = one_by_one(sale, facts(save), 1, 0)
    assert [plan.refund_fen for plan in plans] == [1_000, 6_000]
    assert plans[0].taxes == (TaxShare("S09", 900, 3_500, 289), TaxShare("S13", 1300, -2_500, -287))
    assert plans[1].taxes == (TaxShare("S13", 1300, 6_000, 690),)


# ------------------------------------------------------------------ shopper, points, gifts


def test_the_goods_kept_are_priced_for_the_same_member() -> None:
    """Gold members have 10 % off: 90.00 and 90.00. The member is gone from the till by now, and keeps that price."""
    gold = Promotion("GOLD", "金卡9折", MemberPercentOff(10), who=Who(tiers=("gold",)))
    sale = sold(("A", 1, 10_000), ("B", 1, 10_000), promotions=(gold,), customer=GOLD, returns=REPRICE)
    plan = planned(sale, back((0, 1)), facts=facts(gold))
    assert (plan.kept_fen, plan.refund_fen) == (9_000, 9_000)


def test_points_that_paid_stay_with_the_goods_kept_by_their_shares() -> None:
    """200 points paid 20.00 of 40.00. B back: 50 points and 5.00, as 30.00 less the 15.00 of 150 points are kept."""
    pay = Promotion("PAY", "100积分抵10元", PointsRedeem(100, 1_000))
    sale = sold(("A", 1, 3_000), ("B", 1, 1_000), promotions=(pay,), customer=GOLD._replace(points=200), returns=REPRICE)
    plan = planned(sale, back((1, 1)), facts=facts(pay))
    assert (plan.kept_fen, plan.refund_fen, plan.points_given) == (1_500, 500, 50)


def test_a_gift_that_is_kept_is_taken_off_what_is_left_of_the_refund() -> None:
    """Three for two of 100.00 and a cup of 19.90 from 200.00 on: two back, one and the cup are kept: 100.00 less 19.90."""
    cup = Promotion("CUP", "满200送杯子", GiftRule("CUP", value_fen=1_990), min_spend_fen=20_000)
    sale = sold(("A", 3, 10_000), promotions=(THREE, cup), returns=REPRICE)
    known = facts(THREE, cup)
    known = known._replace(terms=terms_of(sale, known.package, {}))
    plan = planned(sale, back((0, 2)), facts=known)
    assert (plan.repriced_fen, plan.withheld_fen, plan.goods_fen) == (3_333, 3_333 + 1_990, 13_333)
    assert plan.refund_fen == 8_010
    rest = planned(sale, back((0, 1), gifts=(("CUP", 1),)), after(sale, plan), known)
    assert plan.refund_fen + rest.refund_fen == 20_000


# ------------------------------------------------------------------ where it cannot be


def test_without_its_package_shares_go_back_and_the_plan_says_why() -> None:
    sale = sold(("A", 3, 1_000), promotions=(THREE,), returns=REPRICE)
    first, second, third = one_by_one(sale, Facts(), 0, 0, 0)
    assert (first.by_shares, first.refund_fen, first.repriced_fen, first.kept_fen) == ("no_package", 670, 0, None)
    assert second.by_shares == "no_package" and third.by_shares == ""  # all of it is back: there is nothing to price
    assert first.refund_fen + second.refund_fen + third.refund_fen == 2_000


def test_a_package_that_is_gone_after_a_first_return_changes_nothing_of_the_sum() -> None:
    sale = sold(("A", 3, 1_000), promotions=(THREE,), returns=REPRICE)
    first = planned(sale, back((0, 1)), facts=facts(THREE))
    second = planned(sale, back((0, 1)), after(sale, first))
    third = planned(sale, back((0, 1)), after(sale, first, second))
    assert [plan.goods_fen - plan.withheld_fen for plan in (first, second, third)] == [0, 1_333, 667]


@pytest.mark.parametrize("change", ["offer", "goods"])
def test_a_package_that_no_longer_gives_the_price_of_the_sale_is_not_asked_for_a_part(change: str) -> None:
    sale = sold(("A", 3, 1_000), promotions=(THREE,), returns=REPRICE)
    asked = sale.priced_for
    assert asked is not None
    if change == "goods":
        sale = replace(sale, priced_for=replace(asked, goods=()))
    plan = planned(sale, back((0, 1)), facts=facts(THREE) if change == "goods" else facts())
    assert (plan.by_shares, plan.refund_fen) == ("differs", 670)


# ------------------------------------------------------------------ the record


def test_of_a_birthday_only_what_an_offer_asks_for_is_kept() -> None:
    born = GOLD._replace(birthday_week=True, points=50, stamps=(("CARD", 1),))
    basket = Basket(lines=(Line(1, Item("A", "A", 100), "A"),), member=AttachMember(born))

    def shopper(*promotions: Promotion) -> Customer | None:
        package = Package(promotions=promotions, returns=REPRICE)
        kept = priced_for(basket, price(basket, born, package, NOW_MS), package, NOW_MS, frozenset(), NOTHING_USED)
        return kept.shopper if kept else None

    assert shopper(THREE) == GOLD
    assert shopper(THREE, Promotion("B", "生日", MemberPercentOff(5), who=Who(birthday_week=True))) == GOLD._replace(
        birthday_week=True
    )


# ------------------------------------------------------------------ any order


@pytest.mark.parametrize("part", range(4))
def test_over_any_order_of_partial_returns_what_is_kept_costs_what_it_costs_alone(part: int) -> None:
    """Never below zero, never above what was paid, all of it in the end, VAT by code: see `judge`."""
    less = more = by_shares = whole = 0
    for seed in range(part * SEQUENCES // 4, (part + 1) * SEQUENCES // 4):
        run = run_once(seed, reprices=True)
        less += any((one.repriced_fen or 0) > 0 for one in run.returns)
        more += any((one.repriced_fen or 0) < 0 for one in run.returns)
        by_shares += any(one.by_shares is not None for one in run.returns)
        whole += sum(line.quantity for line in run.sale.lines) == sum(one.units for b in run.returns for one in b.lines)
    assert min(less, more, by_shares, whole) > SEQUENCES // 80  # all of it happens
