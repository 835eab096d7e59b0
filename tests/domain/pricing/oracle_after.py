"""The oracle's stages 5 to 9 on what stage 4 left: points as a discount, points earned, gifts, events, rewards, stamps.

350 points in blocks of 100 worth 10.00 on 180.00: 300 points spent, 150.00 due, 150 points earned.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pos_app.domain.pricing.mechanics.coupon_reward import CouponReward
from pos_app.domain.pricing.mechanics.event import EventRule
from pos_app.domain.pricing.mechanics.punch_card import PunchCard
from pos_app.domain.pricing.model import EARN, EVENT, GIFT, POINTS, Promotion, Used
from tests.domain.pricing.oracle import Amounts
from tests.domain.pricing.oracle_shelf import Goods, budget_left, goods_of, named, of_stage, reaches, share
from tests.domain.pricing.worlds import World


class After(NamedTuple):
    """What is due, and what the sale gives. `stamps` are (promotion, stamps, full cards)."""

    total_fen: int
    amounts: Amounts
    points_spent: int
    points_earned: int
    gifts: tuple[tuple[str, str, int], ...]
    events: tuple[tuple[str, str], ...]
    rewards: tuple[tuple[str, str, int], ...]
    stamps: tuple[tuple[str, int, int], ...]


def after(world: World, amounts: Amounts) -> After:
    goods = goods_of(world.basket.lines)
    left, spent = list(amounts), 0
    for p in of_stage(world, POINTS):
        lines = [n for n, one in enumerate(goods) if reaches(p, one) and left[n]]
        blocks = min((world.customer.points - spent) // p.rule.block_points, sum(left[n] for n in lines) // p.rule.block_fen)
        blocks = blocks if p.rule.blocks_max is None else min(blocks, p.rule.blocks_max)
        fen = blocks * p.rule.block_fen
        if blocks <= 0 or _measured(p, goods, amounts) < p.min_spend_fen or fen > budget_left(p, world.used.get(p.id, Used())):
            continue
        spent += blocks * p.rule.block_points
        for n, part in zip(lines, share(fen, [left[n] for n in lines], world.package.leftover), strict=True):
            left[n] -= part
    return After(sum(left), tuple(left), spent, _earned(world, goods, left), *_given(world, goods, amounts))


def _measured(p: Promotion, goods: Sequence[Goods], amounts: Sequence[int]) -> int:
    lines = [n for n, one in enumerate(goods) if reaches(p, one)]
    return sum(goods[n].list_fen if p.threshold_on == "list" else amounts[n] for n in lines)


def _earned(world: World, goods: Sequence[Goods], left: Sequence[int]) -> int:
    """Hundredths of points a yuan for each line, one floor over all lines; the threshold on what stage 5 left."""
    rules = [p for p in of_stage(world, EARN) if _measured(p, goods, left) >= p.min_spend_fen]
    hundredths = 0
    for n, one in enumerate(goods):
        if not one.line.item.earns_points or one.line.item.restricted == "tobacco":
            continue
        here = [p.rule for p in rules if named(p.scope, one) and not (p.price_once and one.is_labelled)]
        largest = max([0, *(rule.points_per_yuan * rule.multiplier_percent for rule in here if not rule.adds)])
        added = sum(rule.points_per_yuan * rule.multiplier_percent for rule in here if rule.adds)
        hundredths += left[n] * (largest + added)
    return hundredths // (100 * 100)


def _given(world: World, goods: Sequence[Goods], amounts: Sequence[int]) -> Any:
    gifts, events, rewards, stamps = [], [], [], []
    for p in (*of_stage(world, GIFT), *of_stage(world, EVENT)):
        lines = [one for one in goods if reaches(p, one)]
        units = sum(one.units for one in lines)
        if not lines or _measured(p, goods, amounts) < p.min_spend_fen:
            continue
        if isinstance(p.rule, EventRule):
            events.append((p.id, p.rule.event))
        elif isinstance(p.rule, CouponReward):
            rewards.append((p.id, p.rule.coupon, p.rule.quantity))
        elif isinstance(p.rule, PunchCard):
            full = (dict(world.customer.stamps).get(p.id, 0) + units) // p.rule.stamps
            stamps += [(p.id, units, full)] if units else []
            rewards += [(p.id, p.rule.coupon, full)] if units and full else []
        else:
            times = units // p.rule.per_units if p.rule.per_units else 1
            gifts += [(p.id, p.rule.gift_sku, times * p.rule.quantity)] if times else []
    return tuple(gifts), tuple(events), tuple(rewards), tuple(stamps)
