"""Rules drawn by seed, for every mechanic there is: numbers that matter to a basket of about so much."""

import random
from collections.abc import Callable
from typing import Any

from pos_app.domain.pricing.mechanics import MECHANICS
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
from pos_app.domain.pricing.model import COUPON, Scope

EARLY = tuple(name for name, (_, stage) in MECHANICS.items() if stage <= COUPON)
LATE = tuple(name for name, (_, stage) in MECHANICS.items() if stage > COUPON)
PERCENTS = (1, 10, 20, 33, 50, 50, 100)


def a_rule(rng: random.Random, kind: str, about_fen: int, scope: Callable[[], Scope], unit_fen: int | None = None) -> Any:
    """A rule of a mechanic; `unit_fen` is what a unit costs where that is known (a shop's offers are modest)."""
    return RULES[kind](_Draw(rng, max(2, about_fen), scope, unit_fen))


class _Draw:
    """Numbers for one rule."""

    def __init__(self, rng: random.Random, about_fen: int, scope: Callable[[], Scope], unit_fen: int | None) -> None:
        self.rng, self.about_fen, self.scope, self.unit_fen = rng, about_fen, scope, unit_fen
        self.is_small = unit_fen is None

    def few(self, most: int = 3) -> int:
        return self.rng.randint(1, most)

    def max_units(self) -> int | None:
        return self.few() if self.rng.random() < (0.3 if self.is_small else 0.1) else None

    def percent(self) -> int:
        return self.rng.choice(PERCENTS) if self.is_small else self.rng.choice((10, 20, 30, 50))

    def price_fen(self) -> int:
        if self.unit_fen is not None:
            return self.unit_fen * self.rng.randint(80, 98) // 100
        return self.rng.choice((0, 1, 80, 90, 99, 240, 300, 900, 4000, self.about_fen // 3, self.about_fen // 2))

    def amount_fen(self) -> int:
        if self.unit_fen is not None:
            return max(1, self.unit_fen * self.rng.randint(5, 30) // 100)
        return max(1, self.rng.choice((1, 7, 50, 95, 333, self.about_fen // 3, self.about_fen // 7, self.about_fen // 20)))

    def spend_fen(self) -> int:
        part = self.about_fen * self.rng.choice((3, 5, 6, 7, 8, 9, 10, 10)) // 10
        return max(1, part + self.rng.choice((-1, 0, 0, 0, 1)))

    def slots(self) -> tuple[Slot, ...]:
        return tuple(Slot(self.scope(), self.rng.choice((1, 1, 2))) for _ in range(self.rng.choice((1, 2, 2, 3))))


def _quantity_tiers(draw: _Draw) -> QuantityPercentTiers:
    first = draw.rng.randint(1, 3)
    tiers = QuantityTier(first, draw.percent()), QuantityTier(first + draw.few(2), draw.percent())
    return QuantityPercentTiers(tiers[: draw.few(2)], draw.max_units())


def _buy_get(draw: _Draw) -> BuyXGetY:
    buy = draw.scope() if draw.rng.random() < 0.6 else None
    get = draw.scope() if draw.rng.random() < 0.5 else None
    return BuyXGetY(draw.few(2), draw.rng.choice((1, 1, 2)), draw.rng.choice((50, 100, 100)), buy, get)


def _cheapest_free(draw: _Draw) -> CheapestFree:
    n = draw.rng.choice((2, 3, 3, 4))
    return CheapestFree(n, draw.rng.choice((1, 1, n - 1)) if draw.is_small else 1)


def _bundle(draw: _Draw) -> FixedPriceBundle:
    slots = draw.slots()
    units = sum(slot.units for slot in slots)
    return FixedPriceBundle(draw.price_fen() * (1 if draw.is_small else units), slots)


def _spend(draw: _Draw) -> SpendSaveTiers:
    first = draw.spend_fen()
    save = draw.about_fen // draw.rng.choice((4, 5, 8, 12, 20)) if draw.rng.random() < 0.9 else draw.amount_fen()
    tiers = SpendTier(first, max(1, save)), SpendTier(first * draw.rng.choice((5, 6, 8)) // 4 + 1, max(1, save * 2))
    if draw.rng.random() < 0.15:
        return SpendSaveTiers((SpendTier(first, 0, draw.rng.choice((5, 10, 33))),))
    return SpendSaveTiers(tiers[: draw.few(2)], repeat=draw.rng.random() < 0.2)


def _coupon_percent(draw: _Draw) -> CouponPercentOff:
    return CouponPercentOff(draw.rng.choice((1, 10, 20, 50)), draw.amount_fen() if draw.rng.random() < 0.4 else None)


def _coupon_amount(draw: _Draw) -> CouponAmountOff:
    most = draw.about_fen if draw.rng.random() < 0.1 else draw.about_fen // draw.rng.choice((3, 5, 10, 20))
    return CouponAmountOff(max(1, most))


def _redeem(draw: _Draw) -> PointsRedeem:
    blocks_max = draw.few(2) if draw.rng.random() < 0.3 else None
    return PointsRedeem(draw.rng.choice((10, 50, 100)), draw.rng.choice((10, 100, draw.amount_fen())), blocks_max)


def _gift(draw: _Draw) -> GiftRule:
    return GiftRule("GIFT", draw.rng.choice((0, 1, 2, 3)), draw.few(2), 500)


RULES: dict[str, Callable[[_Draw], Any]] = {
    "shelf_price": lambda draw: ShelfPrice(draw.price_fen(), draw.max_units()),
    "shelf_percent_off": lambda draw: ShelfPercentOff(draw.percent(), draw.max_units()),
    "shelf_amount_off": lambda draw: ShelfAmountOff(draw.amount_fen(), draw.max_units()),
    "quantity_percent_tiers": _quantity_tiers,
    "nth_unit_percent_off": lambda draw: NthUnitPercentOff(draw.rng.choice((1, 2, 2, 2, 3)), draw.percent()),
    "buy_x_get_y": _buy_get,
    "cheapest_free": _cheapest_free,
    "fixed_price_bundle": _bundle,
    "combo_amount_off": lambda draw: ComboAmountOff(draw.amount_fen(), draw.slots()),
    "member_percent_off": lambda draw: MemberPercentOff(draw.rng.choice((1, 5, 10, 20, 33, 50))),
    "spend_save_tiers": _spend,
    "coupon_amount_off": _coupon_amount,
    "coupon_percent_off": _coupon_percent,
    "points_redeem": _redeem,
    "points_earn": lambda draw: PointsEarn(draw.few(), draw.rng.choice((100, 150, 200)), draw.rng.random() < 0.4),
    "gift": _gift,
    "event": lambda draw: EventRule("invite", draw.rng.choice((0, 24))),
    "coupon_reward": lambda draw: CouponReward("NEXT", draw.few(2)),
    "punch_card": lambda draw: PunchCard(draw.rng.choice((2, 3, 5)), "NEXT"),
}
