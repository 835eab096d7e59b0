"""The checker accepts a right answer of every mechanic, and refuses it when one number, one name or one condition is another."""

import ast
import random
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pos_app.domain.basket import Basket, Line
from pos_app.domain.goods import Item
from pos_app.domain.money import tax_included_fen
from pos_app.domain.pricing import checker
from pos_app.domain.pricing.checker import check
from pos_app.domain.pricing.mechanics import MECHANICS, mechanic_of
from pos_app.domain.pricing.mechanics.buy_x_get_y import BuyXGetY
from pos_app.domain.pricing.mechanics.cheapest_free import CheapestFree
from pos_app.domain.pricing.mechanics.combo_amount_off import ComboAmountOff
from pos_app.domain.pricing.mechanics.coupon_amount_off import CouponAmountOff
from pos_app.domain.pricing.mechanics.coupon_percent_off import CouponPercentOff
from pos_app.domain.pricing.mechanics.coupon_reward import CouponReward
from pos_app.domain.pricing.mechanics.event import EventRule
from pos_app.domain.pricing.mechanics.fixed_price_bundle import FixedPriceBundle
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.mechanics.member_percent_off import MemberPercentOff
from pos_app.domain.pricing.mechanics.nth_unit_percent_off import NthUnitPercentOff
from pos_app.domain.pricing.mechanics.points_earn import PointsEarn
from pos_app.domain.pricing.mechanics.points_redeem import PointsRedeem
from pos_app.domain.pricing.mechanics.punch_card import PunchCard
from pos_app.domain.pricing.mechanics.quantity_percent_tiers import QuantityPercentTiers, QuantityTier
from pos_app.domain.pricing.mechanics.sets import Slot
from pos_app.domain.pricing.mechanics.shelf_amount_off import ShelfAmountOff
from pos_app.domain.pricing.mechanics.shelf_percent_off import ShelfPercentOff
from pos_app.domain.pricing.mechanics.shelf_price import ShelfPrice
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers, SpendTier
from pos_app.domain.pricing.model import (
    COUPON,
    EVENT,
    GIFT,
    GROUP,
    POINTS,
    SETS,
    SHELF,
    SPEND,
    STRANGER,
    Applied,
    Customer,
    Gift,
    Limits,
    LineShare,
    Package,
    Priced,
    PricedLine,
    Promotion,
    Raised,
    Reward,
    Scope,
    StageShare,
    Stamps,
    TaxShare,
    Use,
    Used,
    When,
    Who,
)
from tests.domain.pricing.mutate import mutations

NOON_10_MAY_MS = 1_778_385_600_000  # Sunday 10 May 2026, 12:00 in the shop
MEMBER = Customer("m", "gold", points=350, stamps=(("P", 3),))
A, B = Item("A", "coffee", 2_800), Item("B", "cake", 2_200, tax_code="R9", tax_bp=900)
ONLY_A, ONLY_B = Scope(skus=("A",)), Scope(skus=("B",))
MUTANTS = 150


class Case(NamedTuple):
    """A basket of coffee and cake under one promotion, and the trace worked out by hand."""

    rule: Any
    units: tuple[int, ...]  # of A, of B
    applied: tuple[Applied, ...]
    after_fen: int  # after stage 4
    rest: dict[str, Any] = {}
    promotion: dict[str, Any] = {}
    unit_fen: int | None = None  # of A, where a shelf promotion made it cheaper


def shelf(saving_fen: int, before_fen: int, units: int) -> Applied:
    uses, shares = (Use(1, units, 2_800, units),), (StageShare(1, before_fen, saving_fen),)
    return Applied(SHELF, "P", saving_fen, before_fen, units, uses=uses, shares=shares)


def whole(stage: int, saving_fen: int, befores: tuple[int, int], fens: tuple[int, int], **rest: Any) -> Applied:
    shares = tuple(StageShare(n, before, fen) for n, before, fen in zip((1, 2), befores, fens, strict=True))
    return Applied(stage, "P", saving_fen, sum(befores), shares=shares, **rest)


PAIR = (Use(1, 1, 2_800, 1), Use(2, 1, 2_200, 1))
CHEAPER = (Use(1, 1, 2_800), Use(2, 1, 2_200, 1))
COMPONENTS = (Slot(ONLY_A, 1), Slot(ONLY_B, 1))


def pair(uses: tuple[Use, ...], a_fen: int, b_fen: int) -> Applied:
    shares = (StageShare(1, 2_800, a_fen), StageShare(2, 2_200, b_fen))
    return Applied(SETS, "P", a_fen + b_fen, 5_000, uses=uses, shares=shares)


CASES = {
    "shelf_price": Case(ShelfPrice(2_000, 1), (2, 1), (shelf(800, 2_800, 1),), 7_000, {}, {"scope": ONLY_A}, 2_000),
    "shelf_percent_off": Case(ShelfPercentOff(25), (2, 1), (shelf(1_400, 5_600, 2),), 6_400, {}, {"scope": ONLY_A}, 2_100),
    "shelf_amount_off": Case(ShelfAmountOff(300), (1, 1), (shelf(300, 2_800, 1),), 4_700, {}, {"scope": ONLY_A}, 2_500),
    "quantity_percent_tiers": Case(
        QuantityPercentTiers((QuantityTier(2, 10), QuantityTier(3, 20))), (3, 1), (shelf(1_680, 8_400, 3),), 8_920, {},
        {"scope": ONLY_A}, 2_240,
    ),
    "nth_unit_percent_off": Case(NthUnitPercentOff(2, 50), (1, 1), (pair(CHEAPER, 616, 484),), 3_900),
    "buy_x_get_y": Case(
        BuyXGetY(1, 1, 50, ONLY_B, ONLY_A), (1, 1), (pair((Use(1, 1, 2_800, 1), Use(2, 1, 2_200)), 784, 616),), 3_600
    ),
    "cheapest_free": Case(CheapestFree(2), (1, 1), (pair(CHEAPER, 1_232, 968),), 2_800),
    "fixed_price_bundle": Case(FixedPriceBundle(4_500, COMPONENTS), (2, 1), (pair(PAIR, 280, 220),), 7_300),
    "combo_amount_off": Case(ComboAmountOff(500, COMPONENTS), (1, 2), (pair(PAIR, 280, 220),), 6_700),
    "member_percent_off": Case(
        MemberPercentOff(10), (1, 1), (whole(GROUP, 500, (2_800, 2_200), (280, 220)),), 4_500, {}, {"who": Who(member=True)}
    ),
    "spend_save_tiers": Case(
        SpendSaveTiers((SpendTier(2_500, 400), SpendTier(5_000, 1_000))), (1, 1),
        (whole(SPEND, 1_000, (2_800, 2_200), (560, 440), tier=2),), 4_000,
    ),
    "coupon_amount_off": Case(
        CouponAmountOff(777), (1, 1), (whole(COUPON, 777, (2_800, 2_200), (435, 342)),), 4_223, {"coupons": ("K",)},
        {"code": "K", "min_spend_fen": 5_000},
    ),
    "coupon_percent_off": Case(
        CouponPercentOff(20, 600), (1, 1), (whole(COUPON, 600, (2_800, 2_200), (336, 264)),), 4_400, {"coupons": ("K",)},
        {"code": "K"},
    ),
    "points_redeem": Case(
        PointsRedeem(100, 1_000), (1, 1), (whole(POINTS, 3_000, (2_800, 2_200), (1_680, 1_320), times=3),), 5_000,
        {"points_spent": 300},
    ),
    "points_earn": Case(PointsEarn(1, 150), (1, 1), (), 5_000, {"points_earned": 75}),
    "gift": Case(
        GiftRule("CUP", 2, 3, 990, "MUG"), (3, 2), (Applied(GIFT, "P", 0, 12_800, 6, value="CUP"),), 12_800,
        {"gifts": (Gift("P", "CUP", 6, 990, "MUG"),)},
    ),
    "event": Case(
        EventRule("invite", 24), (1, 1), (Applied(EVENT, "P", 0, 5_000, value="invite"),), 5_000,
        {"raised": (Raised("P", "invite", 24),)}, {"min_spend_fen": 5_000},
    ),
    "coupon_reward": Case(
        CouponReward("C20", 2, 14), (1, 1), (Applied(EVENT, "P", 0, 5_000, 2, value="C20"),), 5_000,
        {"rewards": (Reward("P", "C20", 2, 14),)},
    ),
    "punch_card": Case(
        PunchCard(5, "FREE"), (3, 1), (Applied(EVENT, "P", 0, 8_400, 3, value="P"),), 10_600,
        {"stamps": (Stamps("P", "P", 3, 1),), "rewards": (Reward("P", "FREE", 1),)}, {"scope": ONLY_A},
    ),
}  # fmt: skip


class World(NamedTuple):
    basket: Basket
    customer: Customer
    package: Package
    now_ms: int = NOON_10_MAY_MS
    codes: frozenset[str] = frozenset({"K"})
    used: dict[str, Used] = {}


def world_of(case: Case, **changes: Any) -> World:
    lines = tuple(Line(n, item, item.sku, units) for n, (item, units) in enumerate(zip((A, B), case.units, strict=True), 1))
    promotion = Promotion("P", "by hand", case.rule, **case.promotion | changes)
    return World(Basket(lines=lines), MEMBER, Package(promotions=(promotion,)))


def answer_of(case: Case) -> Priced:
    """The answer around a trace: lines, sums and taxes add up what its rows say."""
    lines = []
    for n, (item, units) in enumerate(zip((A, B), case.units, strict=True), 1):
        off_fen = sum(share.fen for row in case.applied for share in row.shares if share.line_id == n)
        shares = (LineShare("P", off_fen),) if off_fen else ()
        list_fen = item.price_fen * units
        is_made = n == 1 and case.unit_fen is not None
        unit_fen = case.unit_fen if is_made and case.unit_fen is not None else item.price_fen
        net_fen = list_fen - off_fen
        lines.append(PricedLine(n, unit_fen, list_fen, net_fen, "promotion" if is_made else "list", shares))
    list_fen, total_fen = sum(line.list_fen for line in lines), sum(line.net_fen for line in lines)
    taxed = ((B, lines[1].net_fen), (A, lines[0].net_fen))
    taxes = tuple(TaxShare(item.tax_code, item.tax_bp, fen, tax_included_fen(fen, item.tax_bp)) for item, fen in taxed)
    return Priced(
        tuple(lines), list_fen, list_fen - total_fen, total_fen, sum(case.units), taxes,
        after_coupons_fen=case.after_fen, applied=case.applied, **case.rest,
    )  # fmt: skip


def wrong(world: World, priced: Priced) -> tuple[str, ...]:
    return check(*world, priced)


def test_the_checker_is_small_and_shares_no_code_with_the_engine():
    source = Path(checker.__file__).read_text(encoding="utf-8")
    modules = {node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    ours = {name.removeprefix("pos_app.domain.") for name in modules if name and name.startswith("pos_app")}
    assert ours == {"basket", "goods", "money", "pricing", "pricing.model"}
    assert len(source.splitlines()) <= 300


def test_there_is_a_case_for_every_mechanic():
    assert {name: mechanic_of(case.rule) for name, case in CASES.items()} == {name: name for name in MECHANICS}


@pytest.mark.parametrize("name", CASES)
def test_a_right_answer_is_accepted(name: str):
    assert wrong(world_of(CASES[name]), answer_of(CASES[name])) == ()


@pytest.mark.parametrize("name", CASES)
def test_an_answer_with_one_thing_changed_is_refused(name: str):
    world, priced = world_of(CASES[name]), answer_of(CASES[name])
    mutants = list(islice(mutations(priced, random.Random(name)), MUTANTS))
    assert len(mutants) == MUTANTS
    assert [mutant for mutant in mutants if not wrong(world, mutant)] == []


# ------------------------------------------------------------------ conditions


BROKEN: dict[str, dict[str, Any]] = {
    "not yet": {"when": When(from_ms=NOON_10_MAY_MS + 60_000)},
    "over": {"when": When(to_ms=NOON_10_MAY_MS)},
    "weekday": {"when": When(weekdays=(1, 6))},
    "day of month": {"when": When(days_of_month=(9, 11))},
    "date": {"when": When(dates=("2026-05-11",))},
    "holiday": {"when": When(holidays=True)},
    "hour": {"when": When(hours=((0, 720), (721, 1440)))},
    "tier": {"who": Who(tiers=("platinum",))},
    "customer group": {"who": Who(groups=("workshop",))},
    "order": {"who": Who(nth_order=1)},
    "birthday": {"who": Who(birthday_week=True)},
    "code": {"code": "ANOTHER"},
    "goods": {"scope": Scope(skus=("Z",))},
    "goods taken out": {"scope": Scope(without_skus=("A", "B"))},
    "threshold": {"min_spend_fen": 100_000},
    "applications": {"limits": Limits(max_applications=0)},
    "in all": {"limits": Limits(total=4)},
    "a member": {"limits": Limits(per_member=3)},
    "a member and day": {"limits": Limits(per_member_day=2)},
    "budget": {"limits": Limits(budget_fen=900)},
}
HOLDING: dict[str, dict[str, Any]] = {
    "not yet": {"when": When(from_ms=NOON_10_MAY_MS)},
    "over": {"when": When(to_ms=NOON_10_MAY_MS + 60_000)},
    "weekday": {"when": When(weekdays=(1, 7))},
    "day of month": {"when": When(days_of_month=(10,))},
    "date": {"when": When(dates=("2026-05-10",))},
    "hour": {"when": When(hours=((0, 1), (720, 721)))},
    "tier": {"who": Who(tiers=("platinum", "gold"))},
    "in all": {"limits": Limits(total=100)},
    "budget": {"limits": Limits(budget_fen=100_000)},
}
USED = {"P": Used(times=4, fen=900, member_times=3, member_day_times=2)}
OWN_SCOPE = {"buy_x_get_y", "fixed_price_bundle", "combo_amount_off"}  # their goods are named by the rule


FAILING = [(name, condition) for name in CASES for condition in BROKEN if condition[:5] != "goods" or name not in OWN_SCOPE]


@pytest.mark.parametrize(("name", "condition"), FAILING)
def test_a_promotion_whose_condition_fails_is_refused(name: str, condition: str):
    world = world_of(CASES[name], **BROKEN[condition])._replace(used=USED)
    assert wrong(world, answer_of(CASES[name])) != ()


@pytest.mark.parametrize("condition", HOLDING)
@pytest.mark.parametrize("name", CASES)
def test_a_promotion_whose_condition_just_holds_is_accepted(name: str, condition: str):
    world = world_of(CASES[name], **HOLDING[condition])
    assert wrong(world, answer_of(CASES[name])) == ()


def test_what_is_for_members_is_refused_for_a_stranger():
    case = CASES["member_percent_off"]
    assert wrong(world_of(case)._replace(customer=STRANGER), answer_of(case)) != ()


# ------------------------------------------------------------------ answers that add up, and are not legal


def changed(name: str, **changes: Any) -> tuple[World, Priced]:
    case = CASES[name]._replace(**changes)
    return world_of(case), answer_of(case)


TWICE = Applied(
    SETS, "P", 1_000, 5_000, 2, uses=PAIR, shares=(StageShare(1, 5_600, 560), StageShare(2, 4_400, 440))
)  # fmt: skip


@pytest.mark.parametrize("limits", [Limits(), Limits(max_applications=2, budget_fen=1_000)])
def test_two_sets_alike_are_one_row(limits: Limits):
    promotion = {"limits": limits}
    assert wrong(*changed("combo_amount_off", units=(2, 2), applied=(TWICE,), after_fen=9_000, promotion=promotion)) == ()


ILLEGAL = {
    "a pair made of units that are not there": changed(
        "nth_unit_percent_off", applied=(pair(CHEAPER, 616, 484)._replace(times=2, saving_fen=2_200, shares=(
            StageShare(1, 5_600, 1_232), StageShare(2, 4_400, 968))),), after_fen=2_800,
    ),
    "the dearer unit reduced": changed(
        "nth_unit_percent_off", applied=(pair((Use(1, 1, 2_800, 1), Use(2, 1, 2_200)), 784, 616),), after_fen=3_600
    ),
    "units reduced below zero": changed(
        "nth_unit_percent_off", applied=(pair((Use(1, 1, 2_800, -1), Use(2, 1, 2_200, 1)), 616, 484),)
    ),
    "two units reduced": changed("nth_unit_percent_off", applied=(pair(PAIR, 1_400, 1_100),), after_fen=2_500),
    "a bundle of two equal goods": changed(
        "fixed_price_bundle", applied=(Applied(SETS, "P", 1_100, 5_600, uses=(Use(1, 2, 2_800, 2),), shares=(
            StageShare(1, 5_600, 1_100),)),), after_fen=6_700,
    ),
    "a tier that is not reached": changed(
        "spend_save_tiers", rule=SpendSaveTiers((SpendTier(2_500, 400), SpendTier(5_001, 1_000)))
    ),
    "more points than there are": changed("points_redeem", rule=PointsRedeem(120, 1_000), rest={"points_spent": 360}),
    "a coupon above its limit": changed("coupon_percent_off", rule=CouponPercentOff(20, 599)),
    "a share of the cheaper line at the dearer one": changed("combo_amount_off", applied=(pair(PAIR, 220, 280),)),
    "a set's units in another order": changed(
        "combo_amount_off", applied=(pair(PAIR, 280, 220)._replace(uses=PAIR[::-1], shares=(
            StageShare(2, 2_200, 220), StageShare(1, 2_800, 280))),),
    ),
    "a set of which not all is reduced": changed("combo_amount_off", applied=(pair(CHEAPER, 280, 220),)),
    "one pattern in two rows": changed(
        "combo_amount_off", units=(2, 2), applied=(pair(PAIR, 280, 220), pair(PAIR, 280, 220)), after_fen=9_000
    ),
    "more sets than the limit": changed(
        "combo_amount_off", units=(2, 2), applied=(TWICE,), after_fen=9_000,
        promotion={"limits": Limits(max_applications=1)},
    ),
    "sets over the budget": changed(
        "combo_amount_off", units=(2, 2), applied=(TWICE,), after_fen=9_000, promotion={"limits": Limits(budget_fen=999)}
    ),
    "too many gifts": changed("gift", rule=GiftRule("CUP", 3, 3, 990, "MUG")),
    "a full card too early": changed("punch_card", rule=PunchCard(7, "FREE")),
    "more units than the limit of a shelf price": changed(
        "shelf_price", applied=(shelf(1_600, 5_600, 2),), after_fen=6_200
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ILLEGAL)
def test_an_answer_that_adds_up_and_is_not_legal_is_refused(name: str):
    assert wrong(*ILLEGAL[name]) != ()


def two(one: Promotion, other: Promotion, applied: tuple[Applied, ...], net_fen: int) -> tuple[World, Priced]:
    """One coffee under two promotions."""
    shares = tuple(LineShare(row.promotion, row.saving_fen) for row in applied)
    tax = TaxShare("S13", 1_300, net_fen, tax_included_fen(net_fen, 1_300))
    line = PricedLine(1, 2_800, 2_800, net_fen, "list", shares)
    priced = Priced((line,), 2_800, 2_800 - net_fen, net_fen, 1, (tax,), after_coupons_fen=net_fen, applied=applied)
    return World(Basket(lines=(Line(1, A, "A", 1),)), MEMBER, Package(promotions=(one, other))), priced


def off(stage: int, name: str, before_fen: int, fen: int, begin_fen: int) -> Applied:
    return Applied(stage, name, fen, begin_fen, shares=(StageShare(1, before_fen, fen),))


@pytest.mark.parametrize("groups", [("one", "two"), ("one", "one")])
@pytest.mark.parametrize("stage", [GROUP, COUPON])
def test_two_of_one_group_never_share_a_line(stage: int, groups: tuple[str, str]):
    rules = {GROUP: MemberPercentOff(50), COUPON: CouponPercentOff(50)}
    one, other = (Promotion(name, name, rules[stage], group=group) for name, group in zip("PQ", groups, strict=True))
    applied = (off(stage, "P", 2_800, 1_400, 2_800), off(stage, "Q", 1_400, 700, 2_800))
    assert bool(wrong(*two(one, other, applied, 700))) == (groups == ("one", "one"))
    turned = (off(stage, "Q", 2_800, 1_400, 2_800), off(stage, "P", 1_400, 700, 2_800))
    assert bool(wrong(*two(one, other, turned, 700))) == (groups == ("one", "one") or stage == GROUP)  # coupons: any order


@pytest.mark.parametrize(("is_exclusive", "counts"), [(False, True), (True, True), (False, False)])
def test_what_an_exclusive_or_uncounted_set_took_is_out_of_spend_and_save(is_exclusive: bool, counts: bool):
    combo = ComboAmountOff(800, (Slot(ONLY_A, 1),))
    one = Promotion("P", "P", combo, exclusive=is_exclusive, counts_to_spend=counts)
    other = Promotion("Q", "Q", SpendSaveTiers((SpendTier(2_000, 500),)))
    use = Applied(SETS, "P", 800, 2_800, uses=(Use(1, 1, 2_800, 1),), shares=(StageShare(1, 2_800, 800),))
    applied = (use, off(SPEND, "Q", 2_000, 500, 2_000)._replace(tier=1))
    assert bool(wrong(*two(one, other, applied, 1_500))) == (is_exclusive or not counts)


def test_by_priority_nothing_that_could_apply_is_left_out():
    one, other = (Promotion(name, name, MemberPercentOff(50), priority=n) for n, name in enumerate("QP"))
    world, priced = two(one, other, (off(GROUP, "Q", 2_800, 1_400, 2_800),), 1_400)
    by_priority = world._replace(package=world.package._replace(policy="priority"))
    assert wrong(by_priority, priced) == ()
    _, nothing = two(one, other, (), 2_800)
    assert wrong(world, nothing) == ()
    assert wrong(by_priority, nothing) != ()


def test_a_member_price_is_for_members_and_all_or_none():
    lines = tuple(Line(n, A._replace(sku=sku, member_price_fen=2_000), sku) for n, sku in enumerate("AB", 1))
    made = tuple(PricedLine(n, fen, 2_800, fen, source) for n, fen, source in ((1, 2_000, "member"), (2, 2_800, "list")))
    tax = TaxShare("S13", 1_300, 4_800, tax_included_fen(4_800, 1_300))
    half = Priced(made, 5_600, 800, 4_800, 2, (tax,), after_coupons_fen=4_800)
    world = World(Basket(lines=lines), MEMBER, Package())
    assert wrong(world, half) != ()
    tax = TaxShare("S13", 1_300, 5_600, tax_included_fen(5_600, 1_300))
    none = Priced(tuple(PricedLine(n, 2_800, 2_800, 2_800, "list") for n in (1, 2)), 5_600, 0, 5_600, 2, (tax,))
    none = none._replace(after_coupons_fen=5_600)
    assert wrong(world, none) == ()
    assert wrong(world._replace(package=Package(policy="priority")), none) != ()
    both = tuple(line._replace(unit_fen=2_000, net_fen=2_000, source="member") for line in made)
    tax = TaxShare("S13", 1_300, 4_000, tax_included_fen(4_000, 1_300))
    right = Priced(both, 5_600, 1_600, 4_000, 2, (tax,), after_coupons_fen=4_000)
    assert wrong(world, right) == ()
    assert wrong(world._replace(customer=STRANGER), right) != ()
