"""Baskets under promotions, drawn by seed: small worlds that mix every mechanic and condition, and dense big ones.

`a_world(random.Random(7))` is the same world on every machine: up to 4 lines of 6 units in all, 1 to 5 promotions whose
thresholds lie near the basket's amounts. `a_big_world(rng, 20, 100)` is a shop's calendar: each good is in about four offers.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pos_app.domain.basket import Basket, Line
from pos_app.domain.goods import Item, Restricted
from pos_app.domain.money import weighed_amount_fen
from pos_app.domain.pricing.model import (
    ALWAYS,
    ANYONE,
    EVERYTHING,
    NO_LIMITS,
    STRANGER,
    Customer,
    Limits,
    Package,
    Promotion,
    Scope,
    Used,
    When,
    Who,
)
from tests.domain.pricing.world_rules import EARLY, LATE, a_rule

NOW_MS = 1_791_000_000_000  # in the shop:
DATE, DAY, WEEKDAY, MINUTE = "2026-10-03", 3, 6, 720
PRICES = (90, 100, 250, 333, 999, 5000)
CODE = "CODE"


class World(NamedTuple):
    """What `price` is asked."""

    basket: Basket
    customer: Customer
    package: Package
    now_ms: int = NOW_MS
    codes: frozenset[str] = frozenset()
    used: Mapping[str, Used] = {}


def a_world(rng: random.Random, promotions: int | None = None) -> World:
    """A small world; most are harmless, some are spiteful."""
    lines = _some_lines(rng)
    about_fen = sum(_list_fen(line) for line in lines)
    skus = sorted({line.item.sku for line in lines})
    made = tuple(a_promotion(rng, n, skus, about_fen) for n in range(promotions or rng.choice((1, 2, 3, 4, 4, 5, 5))))
    package = Package(
        rounding=rng.choice(("net_half_up", "net_half_up", "net_down", "net_up")),
        leftover=rng.choice(("largest_fraction", "largest_fraction", "first_line", "last_line")),
        holidays=(DATE,) if rng.random() < 0.5 else (),
        promotions=made,
    )
    used = {p.id: _some_use(rng) for p in made if rng.random() < 0.5}
    codes = frozenset({CODE}) if rng.random() < 0.9 else frozenset()
    return World(Basket(lines=tuple(lines)), a_customer(rng, made), package, NOW_MS, codes, used)


def _some_use(rng: random.Random) -> Used:
    times = rng.randint(0, 2)
    by_member = rng.randint(0, times)
    return Used(times, rng.choice((0, 10, 100)), by_member, rng.randint(0, by_member))


def _list_fen(line: Line) -> int:
    price_fen = line.item.price_fen
    return weighed_amount_fen(price_fen, line.weight_g) if line.weight_g is not None else price_fen * line.quantity


# ------------------------------------------------------------------ goods


def _some_lines(rng: random.Random) -> list[Line]:
    """1 to 4 lines with 6 units at most; the same good may come twice."""
    prices = rng.choice((PRICES, PRICES, (90, 100), (1, 7, 90)))
    items = [_an_item(rng, sku, prices) for sku in "ABCD"]
    left, lines = 6, []
    for n in range(1, rng.choice((1, 2, 2, 3, 3, 4)) + 1):
        item = rng.choice(items)
        quantity = min(left - 1 if n < 4 else left, rng.choice((1, 1, 2, 3, 4)))
        if quantity < 1:
            break
        line = _a_line(rng, n, item, quantity)
        left -= 0 if item.weighed else line.quantity
        lines.append(line)
    return lines


def _an_item(rng: random.Random, sku: str, prices: Sequence[int]) -> Item:
    price_fen = rng.choice(prices)
    kind = rng.random()
    restricted = Restricted.TOBACCO if kind < 0.05 else Restricted.BAG if kind < 0.08 else Restricted.NONE
    return Item(
        sku, sku, price_fen,
        category=rng.choice(("x", "y", "x;y", "")),
        member_price_fen=rng.choice((price_fen * 9 // 10, price_fen - 1, price_fen + 1)) if rng.random() < 0.2 else None,
        promo_price_fen=rng.choice((price_fen * 8 // 10, price_fen - 1)) if rng.random() < 0.15 else None,
        weighed=0.08 <= kind < 0.2,
        ask_price=0.2 <= kind < 0.23,
        restricted=restricted,
        earns_points=rng.random() > 0.05,
        discount_allowed=rng.random() > 0.03,
    )  # fmt: skip


def _a_line(rng: random.Random, n: int, item: Item, quantity: int) -> Line:
    if item.weighed:
        weight_g = rng.choice((100, 333, 500, 846, 2000))
        whole_fen = weighed_amount_fen(item.price_fen, weight_g)
        return Line(
            n, item, item.sku, 1, weight_g, rng.choice((None, None, whole_fen, whole_fen * 7 // 10, max(0, whole_fen - 1)))
        )
    if item.ask_price:
        return Line(n, item, item.sku, quantity, label_fen=item.price_fen)
    return Line(n, item, item.sku, quantity, label_fen=item.price_fen * 7 // 10 if rng.random() < 0.08 else None)


# ------------------------------------------------------------------ shoppers


def a_customer(rng: random.Random, promotions: Sequence[Promotion]) -> Customer:
    if rng.random() < 0.35:
        return STRANGER
    return Customer(
        "m",
        rng.choice(("", "gold", "platinum")),
        rng.choice(((), ("workshop",))),
        rng.choice((None, 0, 1, 4)),
        rng.random() < 0.5,
        rng.choice((0, 50, 100, 350)),
        tuple((p.id, rng.randint(0, 4)) for p in promotions if rng.random() < 0.5),
    )


# ------------------------------------------------------------------ promotions


def a_promotion(rng: random.Random, number: int, skus: Sequence[str], about_fen: int) -> Promotion:
    """Any mechanic, with conditions now and then. Ids are not in the order of the package."""
    kind = rng.choice(EARLY + EARLY + LATE)
    scope = a_scope(rng, skus)
    rule = a_rule(rng, kind, about_fen, lambda: a_scope(rng, skus))
    return Promotion(
        f"{rng.choice('PQR')}{number}", kind, rule, scope=scope,
        when=_some_time(rng) if rng.random() < 0.1 else ALWAYS,
        who=_someone(rng) if rng.random() < 0.2 else ANYONE,
        code=CODE if rng.random() < (0.5 if kind.startswith("coupon_") else 0.04) else "",
        min_spend_fen=near(rng, about_fen) if rng.random() < 0.25 else 0,
        threshold_on="list" if rng.random() < 0.15 else "left",
        limits=_some_limits(rng, about_fen) if rng.random() < 0.25 else NO_LIMITS,
        group=rng.choice(("basket", "basket", "one", "two")),
        exclusive=rng.random() < 0.15,
        counts_to_spend=rng.random() > 0.15,
        price_once=rng.random() < 0.1,
        priority=rng.choice((10, 100, 100)),
    )  # fmt: skip


def near(rng: random.Random, about_fen: int) -> int:
    """A threshold that this basket may just reach or just miss."""
    return max(1, about_fen * rng.choice((2, 3, 5, 6, 7, 8, 9, 10, 10, 11)) // 10 + rng.choice((-1, 0, 0, 1)))


def a_scope(rng: random.Random, skus: Sequence[str]) -> Scope:
    without = (rng.choice(skus),) if rng.random() < 0.08 else ()
    kind = rng.random()
    if kind < 0.4:
        return Scope(without_skus=without) if without else EVERYTHING
    if kind < 0.8:
        return Scope(tuple(rng.sample(skus, rng.randint(1, min(3, len(skus))))), without_skus=without)
    return Scope(tuple(rng.sample(skus, 1)) if rng.random() < 0.3 else (), (rng.choice("xy"),), without)


def _some_limits(rng: random.Random, about_fen: int) -> Limits:
    return rng.choice((
        Limits(max_applications=rng.randint(1, 2)),
        Limits(total=rng.randint(1, 4)),
        Limits(per_member=rng.randint(1, 3)),
        Limits(per_member_day=rng.randint(1, 2)),
        Limits(budget_fen=max(1, about_fen // rng.choice((2, 4, 10, 30)))),
    ))  # fmt: skip


def _someone(rng: random.Random) -> Who:
    return rng.choice((
        Who(member=True), Who(tiers=("gold", "platinum")), Who(tiers=("platinum",)), Who(groups=("workshop",)),
        Who(nth_order=1), Who(nth_order=2), Who(birthday_week=True), Who(member=True, groups=("workshop", "other")),
    ))  # fmt: skip


def _some_time(rng: random.Random) -> When:
    """Times around now, a Saturday noon, the 3rd; half of them hold."""
    return rng.choice((
        When(from_ms=NOW_MS), When(from_ms=NOW_MS + 60_000), When(to_ms=NOW_MS), When(to_ms=NOW_MS + 60_000),
        When(weekdays=(WEEKDAY,)), When(weekdays=(1, 7)), When(days_of_month=(DAY, 10)), When(days_of_month=(DAY + 1,)),
        When(dates=(DATE,)), When(dates=("2026-10-04",)), When(holidays=True),
        When(hours=((MINUTE, MINUTE + 1),)), When(hours=((0, MINUTE), (MINUTE + 1, 1440))),
    ))  # fmt: skip


# ------------------------------------------------------------------ a shop's calendar

GOODS_AN_OFFER = 1.5  # with about six goods an offer: a good is in four
SETS_OF_TEN = ("nth_unit_percent_off", "cheapest_free", "fixed_price_bundle", "buy_x_get_y", "combo_amount_off")
SHELF_KINDS = ("shelf_price", "shelf_percent_off", "shelf_amount_off", "quantity_percent_tiers")
BASKET_KINDS = ("member_percent_off", "spend_save_tiers", "coupon_amount_off", "coupon_percent_off")


def a_big_world(rng: random.Random, lines: int, promotions: int) -> World:
    """Different goods at 2.00 to 60.00, one to three of each; about one offer in eight is of stages 2 to 4."""
    goods = [_a_good(rng, n) for n in range(max(150, lines, int(promotions * GOODS_AN_OFFER)))]
    by_price = sorted(goods, key=lambda item: (item.price_fen, item.sku))
    offers = tuple(_an_offer(rng, n, by_price, 2_500 * lines) for n in range(promotions))
    chosen: dict[str, int] = {}
    known = {item.sku: item for item in goods}
    while len(chosen) < lines:
        near_offer = rng.random() < 0.5 and offers and rng.choice(offers).scope.skus
        chosen.setdefault(rng.choice(near_offer or tuple(known)), rng.choice((1, 1, 1, 2, 3)))
    made = tuple(Line(n, known[sku], sku, quantity) for n, (sku, quantity) in enumerate(chosen.items(), 1))
    customer = Customer("m", "gold") if rng.random() < 0.5 else STRANGER
    codes = sorted(p.code for p in offers if p.code)
    held = frozenset(rng.sample(codes, min(2, len(codes))))
    return World(Basket(lines=made), customer, Package(promotions=offers), NOW_MS, held)


def _a_good(rng: random.Random, n: int) -> Item:
    price_fen = rng.randint(20, 600) * 10 - rng.choice((0, 1))
    member_fen = price_fen * 95 // 100 if rng.random() < 0.05 else None
    return Item(f"G{n:05d}", f"G{n}", price_fen, category=f"c{n % 12}", member_price_fen=member_fen)


def _an_offer(rng: random.Random, n: int, by_price: Sequence[Item], about_fen: int) -> Promotion:
    """Goods that cost about the same go together, as in a shop."""
    size = rng.randint(3, 9)
    first = rng.randrange(len(by_price) - 3 * size)
    some = rng.sample(by_price[first : first + 3 * size], size)
    scope = Scope(tuple(sorted(item.sku for item in some)))
    if n % 8 == 7:
        kind = rng.choice(BASKET_KINDS)
        wide = rng.choice((EVERYTHING, Scope(categories=(f"c{rng.randrange(12)}", f"c{rng.randrange(12)}"))))
        rule = a_rule(rng, kind, about_fen if wide == EVERYTHING else about_fen // 6, lambda: wide)
        who = Who(member=True) if kind == "member_percent_off" else ANYONE
        return _offer(n, kind, rule, wide, rng, who=who, code=f"C{n}" if kind.startswith("coupon") else "")
    kind = rng.choice(SHELF_KINDS) if n % 8 == 3 else rng.choice(SETS_OF_TEN)
    half = Scope(scope.skus[: size // 2 + 1]), Scope(scope.skus[size // 2 :])
    rule = a_rule(rng, kind, 2 * some[0].price_fen, lambda: rng.choice(half), unit_fen=min(item.price_fen for item in some))
    return _offer(n, kind, rule, scope, rng)


def _offer(n: int, kind: str, rule: Any, scope: Scope, rng: random.Random, **rest: Any) -> Promotion:
    group = rng.choice(("basket", "basket", "other"))
    return Promotion(f"P{n:05d}", kind, rule, scope=scope, group=group, counts_to_spend=rng.random() > 0.1, **rest)
