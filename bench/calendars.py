"""Dense, overlapping calendars and baskets to price on, the same for every program that is measured on them.

A calendar is a list of plain offers, so that another program can read it too: `kind`, `skus`, and the numbers of the kind.
In a dense one each good is in about four offers, however long the calendar: the assortment grows with it. In an ordinary one
the shop has 1,500 goods, and half of what a shopper takes is on offer.
"""

from random import Random
from typing import NamedTuple

from pos_app.domain.basket import Basket, Line
from pos_app.domain.goods import Item
from pos_app.domain.pricing.mechanics.cheapest_free import CheapestFree
from pos_app.domain.pricing.mechanics.fixed_price_bundle import FixedPriceBundle
from pos_app.domain.pricing.mechanics.nth_unit_percent_off import NthUnitPercentOff
from pos_app.domain.pricing.mechanics.sets import Slot
from pos_app.domain.pricing.mechanics.shelf_percent_off import ShelfPercentOff
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers, SpendTier
from pos_app.domain.pricing.model import Package, Promotion, Scope

CATEGORIES = 12
GOODS_MIN, GOODS_ORDINARY = 150, 1_500
GOODS_AN_OFFER = 1.5  # with six goods an offer: a good is in four offers
SKUS_MIN, SKUS_MAX = 3, 9
KINDS = ("nth_unit", "cheapest_free", "fixed_price", "cheapest_free", "fixed_price", "nth_unit", "percent", "nth_unit", "spend")


class Offer(NamedTuple):
    """`units` of `skus`: one at `percent` off, one free, or all for `price_fen`; each unit `percent` off; or `save_fen` off."""

    id: str
    kind: str
    skus: tuple[str, ...]
    units: int = 1
    percent: int = 0
    price_fen: int = 0
    spend_fen: int = 0
    save_fen: int = 0


class World(NamedTuple):
    """Prices by SKU, and the offers on them."""

    prices: dict[str, int]
    offers: tuple[Offer, ...]

    @property
    def package(self) -> Package:
        return Package(promotions=tuple(promotion(offer) for offer in self.offers))


def world(random: Random, offers: int, *, is_dense: bool = True) -> World:
    """Prices of 2.00 to 60.00 that end in 0 or 9, and so many offers."""
    goods = max(GOODS_MIN, int(offers * GOODS_AN_OFFER)) if is_dense else GOODS_ORDINARY
    prices = {f"G{n:05d}": random.randint(20, 600) * 10 - random.choice((0, 1)) for n in range(goods)}
    return World(prices, tuple(offer(random, n, prices) for n in range(offers)))


def offer(random: Random, number: int, prices: dict[str, int]) -> Offer:
    """Goods that cost about the same go together, as in a shop."""
    by_price = sorted(prices, key=lambda sku: (prices[sku], sku))
    kind = KINDS[number % len(KINDS)]
    size = random.randint(SKUS_MIN, SKUS_MAX)
    first = random.randrange(len(by_price) - 3 * size)
    skus = tuple(sorted(random.sample(by_price[first : first + 3 * size], size)))
    units, cheapest_fen = random.choice((2, 2, 3)), min(prices[sku] for sku in skus)
    made = Offer(f"P{number:04d}", kind, skus, units)
    if kind == "nth_unit":
        return made._replace(percent=random.choice((30, 50)))
    if kind == "cheapest_free":
        return made._replace(units=units + 1)
    if kind == "fixed_price":
        return made._replace(price_fen=units * cheapest_fen * random.randint(80, 98) // 100)
    if kind == "percent":
        return made._replace(units=1, percent=random.choice((5, 10)))
    return made._replace(units=1, spend_fen=10_000, save_fen=random.choice((1_000, 1_500)))


def promotion(offer: Offer) -> Promotion:
    return Promotion(offer.id, offer.id, rule(offer), scope=Scope(offer.skus))


def rule(offer: Offer) -> object:
    match offer.kind:
        case "nth_unit":
            return NthUnitPercentOff(offer.units, offer.percent)
        case "cheapest_free":
            return CheapestFree(offer.units)
        case "fixed_price":
            return FixedPriceBundle(offer.price_fen, (Slot(Scope(offer.skus), offer.units),))
        case "percent":
            return ShelfPercentOff(offer.percent)
        case _:
            return SpendSaveTiers((SpendTier(offer.spend_fen, offer.save_fen),))


def basket(random: Random, world: World, lines: int) -> Basket:
    """So many different goods, one to three of each, every second one next to another on the same offer."""
    chosen: dict[str, int] = {}
    lines = min(lines, len(world.prices))
    while len(chosen) < lines:
        some = random.choice(world.offers).skus if world.offers and random.random() < 0.5 else tuple(world.prices)
        chosen.setdefault(random.choice(some), random.choice((1, 1, 1, 2, 3)))
    made = (
        Line(n, Item(sku, sku, world.prices[sku], category=f"c{int(sku[1:]) % CATEGORIES}"), sku, quantity)
        for n, (sku, quantity) in enumerate(chosen.items(), 1)
    )
    return Basket(lines=tuple(made))
