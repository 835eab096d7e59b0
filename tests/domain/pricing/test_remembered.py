"""A price with what the last one left is the price made afresh, to the byte, whatever is scanned, voided or changed between."""

import random
from dataclasses import replace

import pytest

from pos_app.domain.basket import Basket, Line
from pos_app.domain.goods import Item
from pos_app.domain.pricing import choose
from pos_app.domain.pricing.engine import price, price_again
from pos_app.domain.pricing.mechanics.shelf_amount_off import ShelfAmountOff
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers, SpendTier
from pos_app.domain.pricing.model import STRANGER, Customer, Package, Promotion, Scope, Used, When
from pos_app.domain.pricing.remembered import NOTHING_REMEMBERED, Remembered
from tests.domain.pricing.worlds import World, a_big_world, a_world

EFFORTS = (40, 600, 600, 600, 3_000)


def told(world: World, basket: Basket, effort: int, last: Remembered) -> Remembered:
    """Price a basket both ways and hold them against each other."""
    _, customer, package, now_ms, codes, used = world
    priced, left = price_again(basket, customer, package, now_ms, codes, effort, used, last)
    assert repr(priced) == repr(price(basket, customer, package, now_ms, codes, effort, used))
    as_asked, _ = price_again(basket, customer, package, now_ms, codes, effort, used, last, is_whole=False)
    assert repr(as_asked) == repr(priced)
    return left


def changed(rng: random.Random, basket: Basket, goods: list[Line]) -> Basket:
    """A scan, most of the time; or another quantity, a void, lines in another order."""
    lines, kind = basket.lines, rng.random()
    if kind < 0.6 or not lines:
        line = replace(rng.choice(goods), line_id=max((line.line_id for line in lines), default=0) + 1)
        return replace(basket, lines=(*lines, line))
    n = rng.choice((rng.randrange(len(lines)), len(lines) - 1))
    if kind < 0.8 and lines[n].weight_g is None:
        return replace(basket, lines=(*lines[:n], replace(lines[n], quantity=rng.randint(1, 4)), *lines[n + 1 :]))
    if kind < 0.95:
        return replace(basket, lines=(*lines[:n], *lines[n + 1 :]))
    return replace(basket, lines=tuple(rng.sample(lines, len(lines))))


def walked(rng: random.Random, world: World, steps: int) -> None:
    """A basket that grows and shrinks; now and then another shopper, offers that others used, the effort of a payment."""
    basket, last, goods, effort = Basket(), NOTHING_REMEMBERED, list(world.basket.lines), 600
    for _ in range(steps):
        basket = changed(rng, basket, goods)
        if rng.random() < 0.1:
            world = world._replace(customer=rng.choice((STRANGER, Customer("m", "gold", points=350), world.customer)))
        if rng.random() < 0.1:
            world = world._replace(
                used={p.id: Used(rng.randint(0, 2), rng.choice((0, 10, 100, 500))) for p in world.package.promotions}
            )
        if rng.random() < 0.2:
            effort = rng.choice(EFFORTS)
        last = told(world, basket, effort, last)


@pytest.mark.parametrize("first", range(0, 400, 50))
def test_every_mechanic_step_by_step(first: int) -> None:
    for seed in range(first, first + 50):
        rng = random.Random(f"steps {seed}")
        walked(rng, a_world(rng), 8)


@pytest.mark.parametrize("first", range(0, 18, 6))
def test_every_mechanic_in_long_baskets(first: int) -> None:
    for seed in range(first, first + 6):
        rng = random.Random(f"long {seed}")
        walked(rng, a_world(rng, 8), 30)


@pytest.mark.parametrize("seed", range(6))
def test_a_dense_calendar_scan_by_scan(seed: int) -> None:
    rng = random.Random(f"dense {seed}")
    walked(rng, a_big_world(rng, 25, 60), 30)


@pytest.mark.parametrize("seed", range(6))
def test_one_scan_after_the_other_under_a_calendar_of_many_parts(seed: int) -> None:
    rng = random.Random(f"parts {seed}")
    world = a_big_world(rng, 30, 40)
    kept = tuple(p for p in world.package.promotions if p.scope.skus)
    world = world._replace(package=world.package._replace(promotions=kept))
    last = NOTHING_REMEMBERED
    for n in range(1, 31):
        last = told(world, replace(world.basket, lines=world.basket.lines[:n]), 600, last)


def test_a_scan_solves_only_the_part_it_touches(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random("count")
    world = a_big_world(rng, 30, 40)
    package = Package(promotions=tuple(p for p in world.package.promotions if p.scope.skus))
    runs: list[int] = []
    run = choose._SetSearch.run
    monkeypatch.setattr(choose._SetSearch, "run", lambda self: runs.append(len(self.sets.offers)) or run(self))
    asked = STRANGER, package, world.now_ms, frozenset[str](), 600, {}
    _, last = price_again(replace(world.basket, lines=world.basket.lines[:29]), *asked, NOTHING_REMEMBERED)
    afresh = len([1 for offers in runs if offers])
    runs.clear()
    price_again(world.basket, *asked, last)
    assert len([1 for offers in runs if offers]) <= 1 < afresh


def test_another_package_begins_anew() -> None:
    """The very same promotions on the very same lines, but rounded and shared in another way."""
    for seed in range(200):
        world = a_world(random.Random(f"packages {seed}"))
        last = told(world, world.basket, 600, NOTHING_REMEMBERED)
        other = world.package._replace(rounding="net_up", leftover="last_line")
        told(world._replace(package=other), world.basket, 600, last)


def test_another_promotion_with_the_same_price_counts() -> None:
    """The evening's markdown takes off what the day's did, but leaves nothing to spend-and-save."""
    noon = 1_791_000_000_000
    goods, rule = Scope(skus=("S",)), ShelfAmountOff(100)
    day = Promotion("D", "", rule, scope=goods, when=When(to_ms=noon))
    evening = Promotion("E", "", rule, scope=goods, when=When(from_ms=noon), exclusive=True)
    save = Promotion("S", "", SpendSaveTiers((SpendTier(500, 50),)))
    lines = tuple(Line(n, Item(sku, sku, 400), "c") for n, sku in enumerate(("S", "T"), 1))
    world = World(Basket(lines=lines), STRANGER, Package(promotions=(day, evening, save)), noon - 1)
    last = told(world, world.basket, 600, NOTHING_REMEMBERED)
    told(world._replace(now_ms=noon), world.basket, 600, last)


def test_what_others_used_in_between_counts() -> None:
    """The same basket again, with less left of its limits and budgets."""
    for seed in range(1_000):
        rng = random.Random(f"used {seed}")
        world, last = a_world(rng), NOTHING_REMEMBERED
        for _ in range(3):
            used = {p.id: Used(rng.randint(0, 3), rng.choice((0, 10, 100, 500))) for p in world.package.promotions}
            last = told(world._replace(used=used), world.basket, 600, last)
