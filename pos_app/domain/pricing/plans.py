"""What stages 2 to 4 could do at best, as plans: each a linear lower bound over the sets, with the caps its thresholds set.

A plan fixes which later promotions count and which tier each reaches. For any choice of sets that reaches its thresholds the
amount due is at least `sum(factor x left) - fixed`, less the roundings. So the sets can be searched plan by plan, and a plan
whose bound is no better than what was found is done without a search.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from pos_app.domain.pricing.later_stages import DEFAULT_GROUP, LaterOffer
from pos_app.domain.pricing.mechanics.coupon_amount_off import CouponAmountOff
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers
from pos_app.domain.pricing.model import COUPON, GROUP, ON_LIST

OPTIONS_MAX = 400  # choices looked at in one group of promotions
PLANS_MAX = 64
REPEATS_MAX = 40


class Threshold(NamedTuple):
    """At least `need_fen` must be left in `rows`, before or after the percentages of the plan's stage 2."""

    rows: int
    need_fen: int
    is_after: bool


class Plan(NamedTuple):
    """`percents`: (rows, percent off) in any order; `spend_percents` come after the thresholds were measured; `fixed_fen` off."""

    percents: tuple[tuple[int, int], ...] = ()
    spend_percents: tuple[tuple[int, int], ...] = ()
    fixed_fen: int = 0
    thresholds: tuple[Threshold, ...] = ()
    coupons: int = 0

    def joined(self, other: "Plan") -> "Plan":
        return Plan(
            self.percents + other.percents,
            self.spend_percents + other.spend_percents,
            self.fixed_fen + other.fixed_fen,
            self.thresholds + other.thresholds,
            self.coupons + other.coupons,
        )


NOTHING = Plan()


class Left(NamedTuple):
    """What the sets find: fen per row, list fen per row, the most the sets can save, and whether they may leave a line with

    nothing for later stages: all of it saved, exclusive, or not counted. It then keeps no two promotions apart."""

    amounts: Sequence[int]
    lists: Sequence[int]
    saving_max_fen: int
    may_empty: bool


def options_of(groups: Sequence[Sequence[LaterOffer]], left: Left) -> list[list[Plan]]:
    """Per group, plans that together cover every legal choice in it."""
    return [
        _pruned([_without_idle(plan, left) for plan in _options(group, left.amounts, left.lists, left.may_empty)])
        for group in groups
    ]


def combined(options: Sequence[Sequence[Plan]]) -> list[Plan]:
    """One option of each group, all combinations; a group that would make them too many counts as one that reaches all."""
    plans = [NOTHING]
    for group in sorted(options, key=len):
        if len(plans) * len(group) > PLANS_MAX:
            group = [relaxed(group)]
        plans = [plan.joined(option) for plan in plans for option in group]
    return plans


def _options(group: Sequence[LaterOffer], amounts: Sequence[int], lists: Sequence[int], may_empty: bool) -> list[Plan]:
    found = list(islice(_choices(group, amounts, lists, may_empty), OPTIONS_MAX + 1))
    if len(found) <= OPTIONS_MAX:
        return found
    return [_everything(group, amounts, lists, may_empty)]


def _choices(group: Sequence[LaterOffer], amounts: Sequence[int], lists: Sequence[int], may_empty: bool) -> Iterator[Plan]:
    """Every combination of (promotion, what it reaches) without a conflict."""

    def extend(n: int, taken: tuple[LaterOffer, ...], plan: Plan) -> Iterator[Plan]:
        if n == len(group):
            yield plan
            return
        offer = group[n]
        if not any(_conflict(offer, other, amounts, may_empty) for other in taken):
            for effect in _effects(offer, amounts, lists):
                yield from extend(n + 1, (*taken, offer), plan.joined(effect))
        yield from extend(n + 1, taken, plan)

    return extend(0, (), NOTHING)


def _conflict(one: LaterOffer, other: LaterOffer, amounts: Sequence[int], may_empty: bool) -> bool:
    """Whether two promotions of one group cannot both count: they share a line that no sets can take from between them,

    or all that one reaches is reached by the other: when nothing is left of what they share, it has nothing at all.
    """
    shared = one.rows & other.rows
    if may_empty and shared not in (one.rows, other.rows):
        return False
    if one.stage != other.stage or one.promotion.group != other.promotion.group:
        return False
    if one.stage == COUPON and one.promotion.group == DEFAULT_GROUP:
        return False
    return bool(_sum(shared, amounts))


def _effects(offer: LaterOffer, amounts: Sequence[int], lists: Sequence[int]) -> list[Plan]:
    """What one promotion can do, tier by tier; nothing where no threshold of it can be reached."""
    promotion, rule = offer.promotion, offer.promotion.rule
    is_list = promotion.threshold_on == ON_LIST
    most_fen = _sum(offer.rows, lists if is_list else amounts)
    if most_fen < promotion.min_spend_fen or not _sum(offer.rows, amounts):
        return []
    base = (
        () if is_list or not promotion.min_spend_fen else (Threshold(offer.rows, promotion.min_spend_fen, offer.stage != GROUP),)
    )
    if offer.stage == GROUP:
        return [Plan(percents=((offer.rows, rule.percent),), thresholds=base)]
    if offer.stage == COUPON:
        fixed_fen = rule.amount_fen if isinstance(rule, CouponAmountOff) else 0
        percents = () if isinstance(rule, CouponAmountOff) else ((offer.rows, rule.percent),)
        return [Plan((), percents, min(fixed_fen, most_fen), base, coupons=1)]
    return [Plan(thresholds=base).joined(effect) for effect in _spend_effects(offer, rule, most_fen, is_list)]


def _spend_effects(offer: LaterOffer, rule: SpendSaveTiers, most_fen: int, is_list: bool) -> Iterator[Plan]:
    for tier in rule.tiers:
        times_max = min(REPEATS_MAX, most_fen // tier.spend_fen) if rule.repeat and tier.spend_fen else most_fen >= tier.spend_fen
        for times in range(int(times_max), 0, -1):
            reach = () if is_list else (Threshold(offer.rows, times * tier.spend_fen, True),)
            percents = ((offer.rows, tier.save_percent),) if tier.save_percent else ()
            yield Plan((), percents, times * tier.save_fen, reach)
            if is_list:
                break


def _without_idle(plan: Plan, left: Left) -> Plan:
    """Without the thresholds that no choice of sets can miss."""
    kept = []
    for threshold in plan.thresholds:
        fens = [fen if threshold.rows >> n & 1 else 0 for n, fen in enumerate(left.amounts)]
        for rows, percent in plan.percents if threshold.is_after else ():
            fens = [fen * (100 - percent) // 100 if rows >> n & 1 else fen for n, fen in enumerate(fens)]
        if sum(fens) - left.saving_max_fen < threshold.need_fen:
            kept.append(threshold)
    return plan._replace(thresholds=tuple(kept))


def _pruned(options: list[Plan]) -> list[Plan]:
    """Without those that another one covers: at least its effects, at most its thresholds."""
    kept: list[Plan] = []
    for plan in sorted(set(options), key=lambda p: (len(p.thresholds), -p.fixed_fen, -len(p.percents) - len(p.spend_percents))):
        if not any(_covers(other, plan) for other in kept):
            kept.append(plan)
    return kept


def _covers(one: Plan, other: Plan) -> bool:
    """`one` promises at least what `other` does, for every choice of sets that `other` allows."""
    return (
        one.fixed_fen >= other.fixed_fen
        and one.coupons <= other.coupons
        and set(one.percents) >= set(other.percents)
        and set(one.spend_percents) >= set(other.spend_percents)
        and all(_implied(threshold, other.thresholds) for threshold in one.thresholds)
        and (set(one.percents) == set(other.percents) or not one.thresholds)
    )


def _implied(threshold: Threshold, given: Sequence[Threshold]) -> bool:
    return any(other[::2] == threshold[::2] and other.need_fen >= threshold.need_fen for other in given)


def relaxed(options: Sequence[Plan]) -> Plan:
    """One plan that covers all of them, with no threshold: its bound holds, but it may be out of reach."""
    percents = {percent for plan in options for percent in plan.percents}
    spend = {percent for plan in options for percent in plan.spend_percents}
    fixed_fen = max(plan.fixed_fen for plan in options)
    is_exact = len(options) == 1
    return options[0] if is_exact else Plan(tuple(sorted(percents)), tuple(sorted(spend)), fixed_fen)


def _everything(group: Sequence[LaterOffer], amounts: Sequence[int], lists: Sequence[int], may_empty: bool) -> Plan:
    """The most that all promotions of a group could do together; of those that all keep each other out the best one."""
    rivals: list[list[LaterOffer]] = []
    for offer in group:
        mine = next((some for some in rivals if all(_conflict(offer, one, amounts, may_empty) for one in some)), None)
        if mine is None:
            rivals.append([offer])
        else:
            mine.append(offer)
    plan = NOTHING
    for some in rivals:
        effects = [relaxed(found) for offer in some if (found := _effects(offer, amounts, lists))]
        if effects:
            plan = plan.joined(relaxed(effects))
    return plan._replace(thresholds=(), coupons=0)


def _sum(rows: int, amounts: Sequence[int]) -> int:
    return sum(fen for n, fen in enumerate(amounts) if rows >> n & 1)
