"""A scanned unit of a gift's product becomes the gift: against enumeration on small worlds, and case by case."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pos_app.domain.basket import Basket, Line
from pos_app.domain.goods import Item, Restricted
from pos_app.domain.pricing.checker import check
from pos_app.domain.pricing.engine import price
from pos_app.domain.pricing.hints import hints
from pos_app.domain.pricing.mechanics.combo_amount_off import ComboAmountOff
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.mechanics.points_earn import PointsEarn
from pos_app.domain.pricing.mechanics.points_redeem import PointsRedeem
from pos_app.domain.pricing.mechanics.sets import Slot
from pos_app.domain.pricing.model import GIFT, STRANGER, Customer, Package, Priced, Promotion, Scope, Use
from tests.domain.pricing.judge import priced_of, sorted_out, sums, unchecked
from tests.domain.pricing.oracle import every_price
from tests.domain.pricing.oracle_after import after
from tests.domain.pricing.oracle_shelf import goods_of, of_stage
from tests.domain.pricing.worlds import World, a_world

NOW_MS = 1_791_000_000_000
CUP, RICE, BAG = Item("CUP", "杯子", 1_990), Item("RICE", "米", 5_000), Item("BAG", "袋", 30, restricted=Restricted.BAG)
FROM_200 = Promotion("P-CUP", "满200送杯子", GiftRule("CUP", value_fen=1_990), min_spend_fen=20_000)


def basket(*goods: tuple[Item, int]) -> Basket:
    return Basket(lines=tuple(Line(n, item, item.sku, quantity) for n, (item, quantity) in enumerate(goods, 1)))


def priced(some: Basket, *promotions: Promotion, customer: Customer = STRANGER) -> Priced:
    """The price, which the checker accepts."""
    package = Package(promotions=promotions)
    found = price(some, customer, package, NOW_MS)
    assert check(some, customer, package, NOW_MS, frozenset(), {}, found) == () and sums(found) == []
    return found


def given(found: Priced) -> list[tuple[str, int, int]]:
    """(promotion, units given, of them scanned)."""
    return [(gift.promotion, gift.quantity, gift.scanned) for gift in found.gifts]


# ------------------------------------------------------------------ case by case


def test_the_scanned_cup_is_the_gift_and_costs_nothing() -> None:
    found = priced(basket((RICE, 4), (CUP, 1)), FROM_200)
    assert (found.total_fen, found.item_count, given(found)) == (20_000, 4, [("P-CUP", 1, 1)])
    assert [(line.list_fen, line.net_fen, line.gift_units) for line in found.lines] == [(20_000, 20_000, 0), (0, 0, 1)]
    assert [one.uses for one in found.applied if one.stage == GIFT] == [(Use(2, 1, 1_990, 1),)]


def test_of_two_scanned_cups_one_is_paid_for() -> None:
    found = priced(basket((CUP, 2), (RICE, 4)), FROM_200)
    assert (found.total_fen, given(found)) == (21_990, [("P-CUP", 1, 1)])
    cups = found.lines[0]
    assert (cups.list_fen, cups.gift_units, cups.paid_units(2), cups.list_unit_fen(2)) == (1_990, 1, 1, 1_990)


def test_a_cup_that_the_threshold_needs_is_paid_for_and_a_second_one_handed_out() -> None:
    """185.00 and a cup of 19.90 are over 200.00, 185.00 alone are not."""
    some = basket((replace_price(RICE, 18_500), 1), (CUP, 1))
    found = priced(some, FROM_200)
    assert (found.total_fen, given(found)) == (20_490, [("P-CUP", 1, 0)])


def test_no_more_scanned_units_become_gifts_than_the_rest_earns() -> None:
    """One free for every two: of five scanned four are paid for, which earn two: the fifth, and one that is handed out."""
    two = Promotion("P-RICE", "每2送1", GiftRule("RICE", per_units=2), scope=Scope(("RICE",)))
    counts = {n: given(priced(basket((RICE, n)), two)) for n in (1, 2, 3, 5, 6)}
    assert counts == {n: [("P-RICE", *units)] if units else [] for n, units in
                      {1: (), 2: (1, 0), 3: (1, 1), 5: (2, 1), 6: (2, 2)}.items()}  # fmt: skip


def test_a_unit_stays_in_the_basket_where_the_rest_without_it_is_dearer() -> None:
    """The cup opens 30.00 off a pair: with it 219.90 - 30.00, without it 200.00."""
    pair = Promotion("C", "", ComboAmountOff(3_000, (Slot(Scope(("CUP",)), 1), Slot(Scope(("RICE",)), 1))))
    found = priced(basket((RICE, 4), (CUP, 1)), replace_min(FROM_200, 10_000), pair)
    assert (found.total_fen, given(found)) == (18_990, [("P-CUP", 1, 0)])


def test_two_gifts_share_the_scanned_units_in_order_of_id() -> None:
    also = Promotion("Q-CUP", "", GiftRule("CUP"), min_spend_fen=10_000)
    assert given(priced(basket((RICE, 4), (CUP, 1)), FROM_200, also)) == [("P-CUP", 1, 1), ("Q-CUP", 1, 0)]
    assert given(priced(basket((RICE, 4), (CUP, 2)), FROM_200, also)) == [("P-CUP", 1, 1), ("Q-CUP", 1, 1)]


def test_of_units_at_two_prices_the_cheapest_becomes_the_gift() -> None:
    some = basket((RICE, 4), (CUP, 1), (CUP, 1))
    some = replace(some, lines=(*some.lines[:2], replace(some.lines[2], label_fen=990)))
    assert [line.gift_units for line in priced(some, FROM_200).lines] == [0, 0, 1]


def test_goods_that_may_not_be_discounted_stay_paid_for() -> None:
    bag = Promotion("P-BAG", "", GiftRule("BAG"), min_spend_fen=10_000)
    assert given(priced(basket((RICE, 4), (BAG, 1)), bag)) == [("P-BAG", 1, 0)]


def test_points_neither_pay_for_the_gift_nor_are_earned_on_it() -> None:
    redeem, earn = Promotion("PR", "", PointsRedeem(100, 10_000)), Promotion("PE", "", PointsEarn())
    found = priced(basket((RICE, 4), (CUP, 1)), FROM_200, redeem, earn, customer=Customer("m", points=900))
    assert (found.points_spent, found.total_fen, found.points_earned) == (200, 0, 0)
    found = priced(basket((RICE, 4), (CUP, 1)), FROM_200, earn, customer=Customer("m"))
    assert found.points_earned == 200


def test_a_hint_may_say_that_so_much_more_brings_the_cup_as_a_gift() -> None:
    some = basket((replace_price(RICE, 19_500), 1), (CUP, 1))
    package = Package(promotions=(replace_min(FROM_200, 22_000),))
    assert [(hint.promotion, hint.need_fen) for hint in hints(some, STRANGER, package, NOW_MS)] == [("P-CUP", 510)]


def replace_price(item: Item, price_fen: int) -> Item:
    return item._replace(price_fen=price_fen)


def replace_min(promotion: Promotion, min_spend_fen: int) -> Promotion:
    return promotion._replace(min_spend_fen=min_spend_fen)


# ------------------------------------------------------------------ against enumeration


def a_gift_world(seed: int) -> World:
    """A small world whose gifts are goods that it may hold, with one gift more."""
    world, rng = a_world(random.Random(seed), promotions=3), random.Random(seed)
    skus = sorted({line.item.sku for line in world.basket.lines})
    more = Promotion(f"{rng.choice('PQR')}9", "gift", GiftRule(rng.choice(skus), rng.choice((0, 0, 1, 2)), rng.choice((1, 1, 2))))
    made = (*world.package.promotions, more._replace(min_spend_fen=rng.choice((0, 0, 200, 500))))
    made = tuple(p._replace(rule=p.rule._replace(gift_sku=rng.choice(skus))) if isinstance(p.rule, GiftRule) else p for p in made)
    return world._replace(package=world.package._replace(promotions=made))


class Unsure(Exception):
    """Two sets of lines cost the same: what they give may differ."""


def outcome(world: World) -> tuple[int, dict[str, int]]:
    """What enumeration says: the amount after stage 4, and units of each gift."""
    if not world.basket.lines:
        return 0, {}
    found = every_price(world)
    gifts = [sorted_out(after(world, amounts)).gifts for amounts in sorted(found.amounts)]
    if any(other != gifts[0] for other in gifts):
        raise Unsure
    return found.best.amount_fen, {name: units for name, _, units in gifts[0]}


def fewer(world: World, sku: str, units: int) -> World | None:
    """The world without so many scanned units of a good, the cheapest first; None where there are not so many."""
    lines = list(world.basket.lines)
    for one in goods_of(world.basket.lines):
        if one.sku == sku and one.units and one.is_open:
            n, at = min(units, one.units), lines.index(one.line)
            lines[at], units = replace(one.line, quantity=one.units - n), units - n
    rest = tuple(line for line in lines if line.quantity)
    return None if units else world._replace(basket=replace(world.basket, lines=rest))


def by_enumeration(world: World) -> tuple[int, dict[str, int], dict[str, int]]:
    """The rule said again: (amount after stage 4, units of each gift, scanned units of each gift)."""
    (amount_fen, gifts), scanned, rest = outcome(world), Counter[str](), world
    for p in [p for p in of_stage(world, GIFT) if p.id in gifts]:
        for units in range(gifts.get(p.id, 0), 0, -1):
            trial = fewer(rest, p.rule.gift_sku, units)
            if trial is None:
                continue
            then_fen, then = outcome(trial)
            if then_fen <= amount_fen and all(then.get(name, 0) >= n for name, n in {**scanned, p.id: units}.items()):
                amount_fen, gifts, rest, scanned[p.id] = then_fen, then, trial, units
                break
    return amount_fen, gifts, dict(scanned)


def gift_worlds(first: int, count: int) -> Iterator[tuple[int, World]]:
    return ((seed, a_gift_world(seed)) for seed in range(first, first + count))


@pytest.mark.parametrize("first", range(0, 1_200, 200))
def test_the_engine_sets_the_same_units_aside_as_enumeration(first: int) -> None:
    scanned_in = 0
    for seed, world in gift_worlds(first, 200):
        found = priced_of(world)
        try:
            expected = by_enumeration(world)
        except Unsure:
            continue
        scanned = {gift.promotion: gift.scanned for gift in found.gifts if gift.scanned}
        gifts = {gift.promotion: gift.quantity for gift in found.gifts}
        assert (found.after_coupons_fen, gifts, scanned) == expected, f"seed {seed}"
        assert unchecked(world, found) == [] and sums(found) == [], f"seed {seed}"
        scanned_in += bool(scanned)
    assert scanned_in > 20


def without_scanned_gifts(world: World) -> World:
    """The same offers; their gifts are goods that nobody scans."""
    rules = ((p, p.rule) for p in world.package.promotions)
    made = tuple(p._replace(rule=rule._replace(gift_sku="NONE")) if isinstance(rule, GiftRule) else p for p, rule in rules)
    return world._replace(package=world.package._replace(promotions=made))


def test_the_rest_of_the_basket_is_priced_as_if_the_gift_had_never_been_scanned() -> None:
    for seed, world in gift_worlds(5_000, 150):
        found = priced_of(world)
        gone = Counter({line.line_id: line.gift_units for line in found.lines})
        lines = (replace(line, quantity=line.quantity - gone[line.line_id]) for line in world.basket.lines)
        basket = replace(world.basket, lines=tuple(line for line in lines if line.quantity))
        rest = priced_of(without_scanned_gifts(world)._replace(basket=basket))
        kept = tuple(line._replace(gift_units=0) for line in found.lines if line.line_id in {one.line_id for one in rest.lines})
        assert kept == tuple(line._replace(gift_units=0) for line in rest.lines), seed
        assert (found.total_fen, found.taxes, found.item_count) == (rest.total_fen, rest.taxes, rest.item_count), seed
        assert len(found.lines) == len(world.basket.lines), seed


@pytest.mark.parametrize("seed", range(40))
def test_the_order_of_lines_makes_no_difference(seed: int) -> None:
    world, rng = a_gift_world(seed), random.Random(seed)
    first = priced_of(world)
    for _ in range(5):
        lines = list(world.basket.lines)
        rng.shuffle(lines)
        other = priced_of(world._replace(basket=replace(world.basket, lines=tuple(lines))))
        assert other._replace(lines=tuple(sorted(other.lines, key=lambda line: line.line_id))) == first._replace(
            lines=tuple(sorted(first.lines, key=lambda line: line.line_id))
        )


def test_the_checker_refuses_a_gift_that_the_rest_does_not_earn() -> None:
    some, package = basket((replace_price(RICE, 18_500), 1), (CUP, 1)), Package(promotions=(FROM_200,))
    cheap = price(some, STRANGER, Package(promotions=(replace_min(FROM_200, 10_000),)), NOW_MS)
    assert cheap.total_fen == 18_500
    assert check(some, STRANGER, package, NOW_MS, frozenset(), {}, cheap) != ()
