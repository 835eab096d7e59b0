"""The closed set of mechanics: name in a package -> rule, and the stage each belongs to. No expression language."""

from typing import Any

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
from pos_app.domain.pricing.mechanics.quantity_percent_tiers import QuantityPercentTiers
from pos_app.domain.pricing.mechanics.shelf_amount_off import ShelfAmountOff
from pos_app.domain.pricing.mechanics.shelf_percent_off import ShelfPercentOff
from pos_app.domain.pricing.mechanics.shelf_price import ShelfPrice
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers
from pos_app.domain.pricing.model import COUPON, EARN, EVENT, GIFT, GROUP, POINTS, SETS, SHELF, SPEND

MECHANICS: dict[str, tuple[type, int]] = {
    "shelf_price": (ShelfPrice, SHELF),
    "shelf_percent_off": (ShelfPercentOff, SHELF),
    "shelf_amount_off": (ShelfAmountOff, SHELF),
    "quantity_percent_tiers": (QuantityPercentTiers, SHELF),
    "nth_unit_percent_off": (NthUnitPercentOff, SETS),
    "buy_x_get_y": (BuyXGetY, SETS),
    "cheapest_free": (CheapestFree, SETS),
    "fixed_price_bundle": (FixedPriceBundle, SETS),
    "combo_amount_off": (ComboAmountOff, SETS),
    "member_percent_off": (MemberPercentOff, GROUP),
    "spend_save_tiers": (SpendSaveTiers, SPEND),
    "coupon_amount_off": (CouponAmountOff, COUPON),
    "coupon_percent_off": (CouponPercentOff, COUPON),
    "points_redeem": (PointsRedeem, POINTS),
    "points_earn": (PointsEarn, EARN),
    "gift": (GiftRule, GIFT),
    "event": (EventRule, EVENT),
    "coupon_reward": (CouponReward, EVENT),
    "punch_card": (PunchCard, EVENT),
}
NAMES: dict[type, str] = {rule: name for name, (rule, _) in MECHANICS.items()}


def mechanic_of(rule: Any) -> str:
    """The name of a rule's mechanic in a package."""
    return NAMES[type(rule)]


def stage_of(rule: Any) -> int:
    """The stage a rule belongs to."""
    return MECHANICS[NAMES[type(rule)]][1]
