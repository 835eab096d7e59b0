"""A small calendar of promotions and two members, for tests that sell to members at the small shop."""

from pos_app.domain import coupons, points
from pos_app.domain.coupons import HQ_LANE, Issue
from pos_app.domain.events import PointsMove, PointsMoved
from pos_app.domain.pricing.mechanics.coupon_amount_off import CouponAmountOff
from pos_app.domain.pricing.mechanics.coupon_reward import CouponReward
from pos_app.domain.pricing.mechanics.points_earn import PointsEarn
from pos_app.domain.pricing.mechanics.points_redeem import PointsRedeem
from pos_app.domain.pricing.mechanics.punch_card import PunchCard
from pos_app.domain.pricing.mechanics.shelf_price import ShelfPrice
from pos_app.domain.pricing.model import Limits, Package, Promotion, Scope, TierRule, Who
from pos_app.services.coupons import coupon_key
from pos_app.services.members import Joining, join
from store_db import members
from store_db.store import Store
from tests.shop_kit import Till

MEMBER = Who(member=True)
PACKAGE = Package(
    digest="offers",
    promotions=(
        Promotion("C2", "2元券", CouponAmountOff(200), code="#C2"),
        Promotion("SAVE1", "1元券", CouponAmountOff(100), code="SAVE1"),
        Promotion("FIRST", "前3名立减1元", CouponAmountOff(100), scope=Scope(("COLA",)), limits=Limits(total=3)),
        Promotion("DAY", "每人每天一瓶", ShelfPrice(50), scope=Scope(("ODD",)), who=MEMBER, limits=Limits(per_member_day=1)),
        Promotion("NEW", "首单立减0.5元", CouponAmountOff(50), scope=Scope(("TINY",)), who=Who(member=True, nth_order=1)),
        Promotion("EARN", "1元1积分", PointsEarn(), who=MEMBER),
        Promotion("REDEEM", "100积分抵1元", PointsRedeem(100, 100), who=MEMBER),
        Promotion("REWARD", "满50返券", CouponReward("C2", 1, 30), min_spend_fen=5_000),
        Promotion("SHARE", "满100返两人券", CouponReward("C2", 1, 30, shared=True), min_spend_fen=10_000),
        Promotion("PUNCH", "牛奶集5送券", PunchCard(5, "C2", 183), scope=Scope(("MILK",)), who=MEMBER),
    ),
    tiers=(TierRule("gold", amount_fen=6_000, orders=2, gift_sku="CUP"),),
)  # fmt: skip
ANN = Joining("安小明", "13800000001", (9, 24), ("workshop",), shows_usual=True)
BOB = Joining("包大山", "13800000002")


def joined(store: Store, joining: Joining = ANN) -> str:
    alias = join(store, joining)
    assert isinstance(alias, str)
    return alias


def card_of(store: Store, alias: str) -> str:
    row = members.by_alias(store.connection, alias)
    assert row is not None
    return row.card


def grant(store: Store, alias: str, count: int, expires: str = "2099-12-31") -> None:
    """Points out of nowhere, as HQ corrects a balance."""
    lot = f"grant-{store.ids.random(4).hex()}"
    store.record(PointsMoved(alias, points.CORRECTION, (PointsMove(points.CORRECTION, lot, count, expires),)))


def sent_by_hq(store: Store, nth: int = 0, *, kind: int = coupons.SINGLE, expires: str = "2099-12-31") -> str:
    """A coupon for C2 that HQ sent out."""
    with store.transaction() as connection:
        key = coupon_key(store, connection)
    return coupons.make_code(key, store.device.store, "C2", Issue(HQ_LANE, "POST", 1, nth, expires, kind))


def spend_points(till: Till, blocks: int = 1) -> Till:
    """The first so many rows of the list of points, which are whole blocks."""
    return till.press("offers", *["down"] * blocks, "enter", "back")


def many(till: Till, count: int, code: str) -> Till:
    return till.type(str(count)).press("multiply").scan(code)
