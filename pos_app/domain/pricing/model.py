"""What pricing speaks of: package, promotions, customer, and the answer with its trace. Values only; no rule is decided here.

Named tuples: a lane makes all of them at its start, and a dataclass takes seven times as long to make.
Money is whole fen, weights whole grams, percents whole numbers of 100, times are wall milliseconds.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pos_app.domain.plain import as_row

SHELF, SETS, GROUP, SPEND, COUPON, POINTS, TENDER, EARN, GIFT, EVENT = range(10)  # the stages, in their order
LOWEST, PRIORITY = "lowest", "priority"
NET_HALF_UP, NET_DOWN, NET_UP = "net_half_up", "net_down", "net_up"  # how the price that remains is rounded
LARGEST_FRACTION, FIRST_LINE, LAST_LINE = "largest_fraction", "first_line", "last_line"  # who gets the fen left over
ON_LEFT, ON_LIST = "left", "list"
SHARES, REPRICE = "shares", "reprice"  # what a return refunds
OWN, SUPPLIER, VOUCHER = "own", "supplier", "voucher"


class Scope(NamedTuple):
    """Which goods: named ones, categories, or all; `without_skus` takes some out. A scope that names nothing means all."""

    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    without_skus: tuple[str, ...] = ()

    @property
    def is_all(self) -> bool:
        return not self.skus and not self.categories

    def means_the_same_as(self, other: "Scope") -> bool:
        """Whether both name the same, in whatever order."""
        return all(set(one) == set(two) for one, two in zip(self, other, strict=True))


class When(NamedTuple):
    """Shop time. Weekdays 1 (Monday) to 7; `hours` are minutes of the day, from inclusive to exclusive; dates are YYYY-MM-DD."""

    from_ms: int | None = None
    to_ms: int | None = None
    weekdays: tuple[int, ...] = ()
    days_of_month: tuple[int, ...] = ()
    dates: tuple[str, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()
    holidays: bool = False  # only on the package's holidays


class Who(NamedTuple):
    """The audience; everything that is set must hold. `nth_order` counts orders completed before, plus one."""

    member: bool = False
    tiers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()  # customer groups: segments, event participants
    nth_order: int | None = None
    birthday_week: bool = False

    @property
    def is_anyone(self) -> bool:
        return self == ANYONE


class Limits(NamedTuple):
    """How often: applications a basket, a member, a member and day, in all (first-N); and the money in all."""

    max_applications: int | None = None
    per_member: int | None = None
    per_member_day: int | None = None
    total: int | None = None
    budget_fen: int | None = None


EVERYTHING, ALWAYS, ANYONE, NO_LIMITS = Scope(), When(), Who(), Limits()


class Promotion(NamedTuple):
    """Identity, validity, audience, trigger, benefit (`rule`, one of `mechanics.MECHANICS`), limits, stacking.

    `group` is the stacking group: two promotions of one stage and group never share a line. `exclusive`: what it reduces
    stays out of stages 2 to 4; `counts_to_spend` False: out of stage 3 alone (特价不参与满减). `price_once`: not for a
    line that carries a markdown label. `funder` says who pays for it: own, supplier, voucher.
    """

    id: str
    name: str
    rule: Any
    name_en: str = ""
    scope: Scope = EVERYTHING
    when: When = ALWAYS
    who: Who = ANYONE
    code: str = ""
    min_spend_fen: int = 0
    threshold_on: str = ON_LEFT
    limits: Limits = NO_LIMITS
    group: str = "basket"
    exclusive: bool = False
    counts_to_spend: bool = True
    price_once: bool = False
    funder: str = OWN
    priority: int = 100

    @property
    def is_for_anyone(self) -> bool:
        """Whether a stranger may have it: no audience, and no limit that counts by member."""
        return self.who.is_anyone and self.limits.per_member is None and self.limits.per_member_day is None


class TierRule(NamedTuple):
    """A tier and what must be reached within the window; None is not asked for."""

    tier: str
    amount_fen: int | None = None
    orders: int | None = None
    interactions: int | None = None
    gift_sku: str = ""  # to collect after the ceremony


class PointsRules(NamedTuple):
    """How points live: days until a lot expires, what may be spent while cut off without an allowance."""

    life_days: int = 365
    offline_points_max: int = 500


class PriceRow(NamedTuple):
    """The prices of one good in a package."""

    sku: str
    price_fen: int
    promo_price_fen: int | None = None
    member_price_fen: int | None = None


class Package(NamedTuple):
    """What HQ publishes for one shop; `digest` (of its canonical JSON) names it on every receipt. See docs/package.md."""

    digest: str = "shelf"
    cash_step_fen: int = 10
    version: str = ""
    shop: str = ""
    valid_from_ms: int = 0
    valid_to_ms: int | None = None
    utc_offset_min: int = 480
    policy: str = LOWEST
    rounding: str = NET_HALF_UP
    leftover: str = LARGEST_FRACTION
    returns: str = SHARES
    holidays: tuple[str, ...] = ()
    promotions: tuple[Promotion, ...] = ()
    prices: tuple[PriceRow, ...] = ()
    tiers: tuple[TierRule, ...] = ()
    tier_window_days: int = 365
    points: PointsRules = PointsRules()


class Used(NamedTuple):
    """What a promotion gave before this basket: applications and money in all, applications of this member (ever, today)."""

    times: int = 0
    fen: int = 0
    member_times: int = 0
    member_day_times: int = 0


class Customer(NamedTuple):
    """What pricing may know of a shopper; everything is empty for a stranger. `points` is what may be spent now.

    `alias` is a random name, never personal data. `orders_completed` is None when nobody knows. `stamps` are (card, stamps).
    """

    alias: str = ""
    tier: str = ""
    groups: tuple[str, ...] = ()
    orders_completed: int | None = None
    birthday_week: bool = False
    points: int = 0
    stamps: tuple[tuple[str, int], ...] = ()

    @property
    def is_member(self) -> bool:
        return bool(self.alias or self.tier)


STRANGER = Customer()

# ------------------------------------------------------------------ the answer


class TaxShare(NamedTuple):
    """VAT inside the net shares of one tax code: computed once per code on their sum."""

    tax_code: str
    rate_bp: int
    net_fen: int
    tax_fen: int


class LineShare(NamedTuple):
    """A promotion's share in one line."""

    promotion: str
    fen: int


class PricedLine(NamedTuple):
    """One line's money: `list_fen` minus its shares is `net_fen`; `source` says which shelf price won.

    Shares hold every promotion's part (stages 0 to 5). A catalogue's promotional or member price and a label are in
    `source`, not in the shares: `list_fen - net_fen == shelf saving + sum(share.fen)`. `gift_units` of the line became
    gifts: all the rest is about its other units; where there are none, it is 0.
    """

    line_id: int
    unit_fen: int
    list_fen: int
    net_fen: int
    source: str
    shares: tuple[LineShare, ...] = ()
    gift_units: int = 0

    @property
    def saving_fen(self) -> int:
        return self.list_fen - self.net_fen

    def paid_units(self, quantity: int) -> int:
        """Units of a line of so many that are paid for."""
        return quantity - self.gift_units

    def list_unit_fen(self, quantity: int) -> int:
        """What each unit that is paid for costs before any saving: 119.70 for three is 39.90."""
        return self.list_fen // max(1, self.paid_units(quantity))


@as_row
class Use(NamedTuple):
    """Units of one line that an application took, each at `unit_fen` when its stage began; `reduced` of them were reduced.

    Of a gift: scanned units that became it. In stage 1 `promotion` is the one of stage 0 that had made their price, if one did.
    """

    line_id: int
    units: int
    unit_fen: int
    reduced: int = 0
    promotion: str = ""


@as_row
class StageShare(NamedTuple):
    """What a line held when an application began (the part it could reach) and what was taken off it."""

    line_id: int
    before_fen: int
    fen: int


class Applied(NamedTuple):
    """One application, with its numbers. Sets (stages 0, 1) name units; later stages name lines.

    `before_fen` is the amount its condition was measured on, `tier` the tier reached (from 1), `times` how often it counted
    (a repeated tier, blocks of points, gifts). `saving_fen` is the sum of the shares. Gifts, events, rewards and points
    earned save nothing: their `value` says what they give.
    """

    stage: int
    promotion: str
    saving_fen: int
    before_fen: int = 0
    times: int = 1
    tier: int = 0
    uses: tuple[Use, ...] = ()
    shares: tuple[StageShare, ...] = ()
    value: str = ""


class Refused(NamedTuple):
    """A promotion that did not apply: the first condition that failed, with what it needs and what there was.

    Reasons: not_yet, over, weekday, day_of_month, date, holiday, hour, member, tier, group, nth_order, birthday_week, code,
    limit_member, limit_member_day, limit_total, budget, goods, units, spend, points, stacking, better (another choice pays
    less), worthless (it would change nothing), audience_dearer.
    """

    promotion: str
    stage: int
    reason: str
    need: str = ""
    have: str = ""


class Gift(NamedTuple):
    """Units given outside the basket lines, at 0.00; `scanned` of them were scanned with the goods, the others are handed out."""

    promotion: str
    sku: str
    quantity: int
    value_fen: int = 0
    instead_sku: str = ""  # the stated substitute when out of stock
    scanned: int = 0


class Reward(NamedTuple):
    """A coupon to be issued with the sale: `coupon` is the id of the coupon promotion it opens."""

    promotion: str
    coupon: str
    quantity: int = 1
    days: int = 30


class Raised(NamedTuple):
    """Something to happen after the sale: an invitation, a follow-up."""

    promotion: str
    event: str
    after_h: int = 0


class Stamps(NamedTuple):
    """Stamps a punch card got and gave: `full` cards were redeemed in this sale."""

    promotion: str
    card: str
    stamps: int
    full: int = 0


class Priced(NamedTuple):
    """The answer: lines in basket order, sums, VAT per code, what applied and what did not, and the proof.

    `total_fen` is due after stage 5; `after_coupons_fen` is the objective, after stage 4. `proved` says that no legal choice
    pays less; otherwise none pays less than `total - gap_fen`.
    """

    lines: Sequence[PricedLine] = ()
    list_fen: int = 0
    discount_fen: int = 0
    total_fen: int = 0
    item_count: int = 0
    taxes: tuple[TaxShare, ...] = ()
    proved: bool = True
    gap_fen: int = 0
    after_coupons_fen: int = 0
    applied: tuple[Applied, ...] = ()
    refused: tuple[Refused, ...] = ()
    gifts: tuple[Gift, ...] = ()
    rewards: tuple[Reward, ...] = ()
    raised: tuple[Raised, ...] = ()
    stamps: tuple[Stamps, ...] = ()
    coupons: tuple[str, ...] = ()  # codes this price uses up
    points_spent: int = 0
    points_earned: int = 0


class Hint(NamedTuple):
    """A near miss, proved by pricing the changed basket: spend `need_fen` or take `need_units` of `sku` more, pay `pay_fen` more

    (below zero: less), save `extra_saving_fen` more. `loses` names a gift that the better price would lose.
    """

    promotion: str
    need_fen: int = 0
    need_units: int = 0
    sku: str = ""
    pay_fen: int = 0
    extra_saving_fen: int = 0
    loses: str = ""
