"""What returns are tried with: goods, two packages, and a sale with all that comes back of it."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pos_app.domain.basket import Basket, Line
from pos_app.domain.events import Return, Sale
from pos_app.domain.goods import Item, Restricted
from pos_app.domain.points import Lot
from pos_app.domain.pricing.engine import price
from pos_app.domain.pricing.mechanics import stage_of
from pos_app.domain.pricing.mechanics.buy_x_get_y import BuyXGetY
from pos_app.domain.pricing.mechanics.coupon_percent_off import CouponPercentOff
from pos_app.domain.pricing.mechanics.coupon_reward import CouponReward
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.mechanics.member_percent_off import MemberPercentOff
from pos_app.domain.pricing.mechanics.nth_unit_percent_off import NthUnitPercentOff
from pos_app.domain.pricing.mechanics.points_earn import PointsEarn
from pos_app.domain.pricing.mechanics.points_redeem import PointsRedeem
from pos_app.domain.pricing.mechanics.punch_card import PunchCard
from pos_app.domain.pricing.mechanics.quantity_percent_tiers import QuantityPercentTiers, QuantityTier
from pos_app.domain.pricing.mechanics.shelf_percent_off import ShelfPercentOff
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers, SpendTier
from pos_app.domain.pricing.model import (
    COUPON,
    REPRICE,
    Customer,
    Limits,
    Package,
    Priced,
    Promotion,
    Scope,
    Used,
    Who,
)  # fmt: skip
from pos_app.domain.return_values import CouponNow, Term

TODAY, LATER = "2026-05-10", "2027-05-10"
NOW_MS = 1_778_378_400_000  # 10 May 2026, 10:00 in the shop
SALE_UID = "aa" * 16
GOODS = (
    Item("100001", "可乐", 350, category="drink"),
    Item("100002", "牛奶", 1890, category="drink"),
    Item("100003", "咖啡", 1500, category="coffee"),
    Item("100004", "苹果", 1280, category="fruit", weighed=True, tax_code="S09", tax_bp=900),
    Item("100005", "面包", 999, category="bread"),
    Item("100006", "蛋糕", 5900, category="bread"),
    Item("100007", "香烟", 2500, category="tobacco", restricted=Restricted.TOBACCO),
    Item("100008", "大米", 8000, category="grain", tax_code="S09", tax_bp=900),
    Item("100009", "赠杯垫", 0, category="grain"),
    Item("200001", "杯子", 1990, category="cup"),  # two gifts that may lie in the basket already
    Item("200002", "果酱", 450, category="bread"),
)
ITEMS = {item.sku: item for item in GOODS}
PACKAGE = Package(
    digest="returns",
    promotions=(
        Promotion("CARD", "咖啡买5送1", PunchCard(5, "CUP"), scope=Scope(categories=("coffee",)), who=Who(member=True)),
        Promotion("EARN", "1元1积分", PointsEarn()),
        Promotion("FRUIT", "果蔬3倍", PointsEarn(1, 300), scope=Scope(categories=("fruit", "grain"))),
        Promotion("GIFT", "满80送杯子", GiftRule("200001", value_fen=1990), min_spend_fen=8000),
        Promotion("HALF", "第二件半价", NthUnitPercentOff(2, 50), scope=Scope(categories=("bread", "drink"))),
        Promotion("JAM", "每2个面包送果酱", GiftRule("200002", per_units=2, value_fen=450), scope=Scope(categories=("bread",))),
        Promotion("MEMBER", "会员9折", MemberPercentOff(10), scope=Scope(categories=("grain",)), who=Who(member=True)),
        Promotion("NEXT", "满100返券", CouponReward("NEXT20", quantity=2), min_spend_fen=10_000),
        Promotion("PAY", "100积分抵10元", PointsRedeem(100, 1000)),
        Promotion("SAVE", "满100减20", SpendSaveTiers((SpendTier(10_000, 2_000), SpendTier(20_000, 5_000)))),
    ),
)
REPRICING = PACKAGE._replace(
    returns=REPRICE,
    promotions=(
        *PACKAGE.promotions,
        Promotion("B2G1", "买2送1", BuyXGetY(2, 1), scope=Scope(categories=("drink", "coffee"))),
        Promotion("CODE", "券8折", CouponPercentOff(20), code="CODE", group="one", scope=Scope(categories=("bread", "coffee"))),
        Promotion("FEW", "前3件5折", ShelfPercentOff(50), limits=Limits(total=3), scope=Scope(("100006",))),
        Promotion("GOLD", "金卡7折", ShelfPercentOff(30), who=Who(tiers=("gold",)), scope=Scope(("100002",))),
        Promotion("MANY", "3件9折", QuantityPercentTiers((QuantityTier(3, 10),)), scope=Scope(categories=("grain",))),
        Promotion("TEN", "10元券", CouponPercentOff(100, 1000), code="TEN", group="one"),
    ),
)


@dataclass
class Run:
    """A sale and its returns as they go on, with the member's lots and the coupons as they are by now."""

    rng: random.Random
    sale: Sale
    lots: tuple[Lot, ...]
    stamps: tuple[Lot, ...] = ()
    coupons: dict[str, CouponNow] = field(default_factory=dict)
    returns: list[Return] = field(default_factory=list)
    lots_before: tuple[Lot, ...] = ()
    stamps_before: tuple[Lot, ...] = ()
    spent_since: int = 0
    terms: Mapping[str, Term] = field(default_factory=dict)
    bought: "Bought | None" = None  # where what is kept is priced again
    is_package_here: bool = True
    worth_fen: int = 0


@dataclass
class Bought:
    """The basket of a sale whose returns price again, as it was priced; a line of it for each line of the sale."""

    lines: tuple[Line, ...]
    customer: Customer
    codes: frozenset[str]
    used: Mapping[str, Used]

    def alone(self, units: Counter[int]) -> Priced:
        """What is kept, priced as if nothing else had ever been bought, without gifts, points and events."""
        kept = (replace(line, quantity=line.quantity - units[n]) for n, line in enumerate(self.lines))
        offers = tuple(p for p in REPRICING.promotions if stage_of(p.rule) <= COUPON)
        basket = Basket(lines=tuple(line for line in kept if line.quantity))
        return price(basket, self.customer, REPRICING._replace(promotions=offers), NOW_MS, self.codes, used=self.used)
