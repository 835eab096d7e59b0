"""Stages 5 to 9: points as a discount, points earned, gifts, events, rewards and stamps. Nothing is chosen here."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pos_app.domain.goods import Restricted
from pos_app.domain.pricing.conditions import NOT_USED, budget_left_fen
from pos_app.domain.pricing.mechanics.coupon_reward import CouponReward
from pos_app.domain.pricing.mechanics.event import EventRule
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.mechanics.points_earn import PointsEarn
from pos_app.domain.pricing.mechanics.punch_card import PunchCard
from pos_app.domain.pricing.model import (
    EVENT,
    GIFT,
    ON_LIST,
    POINTS,
    Applied,
    Customer,
    Gift,
    Promotion,
    Raised,
    Refused,
    Reward,
    StageShare,
    Stamps,
    Used,
)
from pos_app.domain.pricing.rows import Rows, share


class Redeemed(NamedTuple):
    """Points spent, what is left per row, the applications, and what was refused."""

    points: int
    amounts: tuple[int, ...]
    applied: tuple[Applied, ...]
    refused: tuple[Refused, ...]


def redeem_points(
    rows: Rows, amounts: Sequence[int], promotions: Sequence[Promotion], points: int, leftover: str, used: Mapping[str, Used]
) -> Redeemed:
    """Stage 5, in order of id: whole blocks on what is left of the scope. 350 points, 180.00 due: 300 points, 30.00 off."""
    left, spent = list(amounts), 0
    applied, refused = [], []
    for promotion in promotions:
        reach = [n for n in rows.reach(promotion) if left[n]]
        befores = [left[n] for n in reach]
        rule, measured_fen = promotion.rule, scope_fen(promotion, rows, amounts)
        blocks = rule.blocks(points - spent, sum(befores)) if measured_fen >= promotion.min_spend_fen else 0
        saving_fen, budget_fen = blocks * rule.block_fen, budget_left_fen(promotion, used.get(promotion.id, NOT_USED))
        if not blocks:
            refused.append(_no_points(promotion, points - spent, measured_fen))
            continue
        if budget_fen is not None and saving_fen > budget_fen:
            refused.append(Refused(promotion.id, POINTS, "budget", str(saving_fen), str(budget_fen)))
            continue
        spent += blocks * rule.block_points
        fens = share(saving_fen, befores, leftover)
        for n, fen in zip(reach, fens, strict=True):
            left[n] -= fen
        shares = tuple(StageShare(rows[n].line.line_id, before, fen) for n, before, fen in zip(reach, befores, fens, strict=True))
        applied.append(Applied(POINTS, promotion.id, saving_fen, measured_fen, blocks, shares=shares))
    return Redeemed(spent, tuple(left), tuple(applied), tuple(refused))


def _no_points(promotion: Promotion, points: int, amount_fen: int) -> Refused:
    rule = promotion.rule
    if amount_fen < promotion.min_spend_fen:
        return Refused(promotion.id, POINTS, "spend", str(promotion.min_spend_fen), str(amount_fen))
    if points < rule.block_points:
        return Refused(promotion.id, POINTS, "points", str(rule.block_points), str(points))
    return Refused(promotion.id, POINTS, "spend", str(rule.block_fen), str(amount_fen))


def points_earned(rows: Rows, amounts: Sequence[int], promotions: Sequence[Promotion]) -> int:
    """Stage 7 on what is left after stage 5: one floor over all lines. 88.80 at 1 point a yuan, twice: 177."""
    if not promotions:
        return 0
    return sum(fen * rate for fen, rate in zip(amounts, points_rates(rows, promotions), strict=True)) // 10_000


def points_rates(rows: Rows, promotions: Sequence[Promotion]) -> list[int]:
    """Points for 10,000 fen of each row: the best of the rules that do not add, and all that add. 1 a yuan, twice: 200."""
    best = [0] * len(rows)
    added = [0] * len(rows)
    for promotion in promotions:
        rule: PointsEarn = promotion.rule
        for n in rows.named(promotion.scope):
            if promotion.price_once and rows[n].is_labelled:
                continue
            if rule.adds:
                added[n] += rule.rate
            else:
                best[n] = max(best[n], rule.rate)
    earning = (row.line.item.earns_points and row.line.item.restricted != Restricted.TOBACCO for row in rows)
    return [one + two if earns else 0 for one, two, earns in zip(best, added, earning, strict=True)]


def earning_rules(rows: Rows, amounts: Sequence[int], promotions: Sequence[Promotion]) -> list[Promotion]:
    """The earning rules whose threshold, if they have one, is reached by the amount after stage 5."""
    return [p for p in promotions if scope_fen(p, rows, amounts) >= p.min_spend_fen]


def scope_fen(promotion: Promotion, rows: Rows, amounts: Sequence[int]) -> int:
    """What is left in a promotion's scope (or its list amount), over goods that may take part."""
    reach = rows.reach(promotion)
    if promotion.threshold_on == ON_LIST:
        return rows.totals.list_fen if len(reach) == len(rows) else sum([rows[n].open_shelf.list_fen for n in reach])
    return sum(amounts) if len(reach) == len(rows) else sum([amounts[n] for n in reach])


def scope_units(promotion: Promotion, rows: Rows) -> int:
    """Units of a promotion's scope in the basket."""
    reach = rows.reach(promotion)
    return rows.totals.units if len(reach) == len(rows) else sum([rows[n].units for n in reach])


class Given(NamedTuple):
    """What the sale gives besides its price."""

    gifts: tuple[Gift, ...] = ()
    raised: tuple[Raised, ...] = ()
    rewards: tuple[Reward, ...] = ()
    stamps: tuple[Stamps, ...] = ()
    applied: tuple[Applied, ...] = ()
    refused: tuple[Refused, ...] = ()

    def plus(self, other: "Given") -> "Given":
        return Given(
            self.gifts + other.gifts,
            self.raised + other.raised,
            self.rewards + other.rewards,
            self.stamps + other.stamps,
            self.applied + other.applied,
            self.refused + other.refused,
        )


def give(rows: Rows, amounts: Sequence[int], promotions: Sequence[tuple[Promotion, int]], customer: Customer) -> Given:
    """Stages 8 and 9; thresholds on the amount after stage 4."""
    stamps = dict(customer.stamps)
    given = Given()
    for promotion, stage in promotions:
        if rows.reach(promotion):
            fen, units = scope_fen(promotion, rows, amounts), scope_units(promotion, rows)
            given = given.plus(_give_one(promotion, fen, units, stamps))
        else:
            given = given.plus(Given(refused=(Refused(promotion.id, stage, "goods"),)))
    return given


def _give_one(promotion: Promotion, fen: int, units: int, had: Mapping[str, int]) -> Given:
    rule, stage = promotion.rule, GIFT if isinstance(promotion.rule, GiftRule) else EVENT
    if fen < promotion.min_spend_fen:
        return Given(refused=(Refused(promotion.id, stage, "spend", str(promotion.min_spend_fen), str(fen)),))

    def applied(times: int, value: str) -> tuple[Applied, ...]:
        return (Applied(stage, promotion.id, 0, fen, times, value=value),)

    if isinstance(rule, GiftRule):
        quantity = rule.given(units)
        if not quantity:
            return Given(refused=(Refused(promotion.id, stage, "units", str(rule.per_units), str(units)),))
        gift = Gift(promotion.id, rule.gift_sku, quantity, rule.value_fen, rule.instead_sku)
        return Given(gifts=(gift,), applied=applied(quantity, rule.gift_sku))
    if isinstance(rule, EventRule):
        return Given(raised=(Raised(promotion.id, rule.event, rule.after_h),), applied=applied(1, rule.event))
    if isinstance(rule, CouponReward):
        reward = Reward(promotion.id, rule.coupon, rule.quantity, rule.days)
        return Given(rewards=(reward,), applied=applied(rule.quantity, rule.coupon))
    return _punch(promotion, rule, units, had, applied(units, promotion.id))


def _punch(promotion: Promotion, rule: PunchCard, units: int, had: Mapping[str, int], applied: tuple[Applied, ...]) -> Given:
    if not units:
        return Given(refused=(Refused(promotion.id, EVENT, "units", "1", "0"),))
    full, _ = rule.punch(had.get(promotion.id, 0), units)
    rewards = (Reward(promotion.id, rule.coupon, full),) if full else ()
    return Given(stamps=(Stamps(promotion.id, promotion.id, units, full),), rewards=rewards, applied=applied)
