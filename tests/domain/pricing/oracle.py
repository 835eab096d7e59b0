"""Every legal price of a small basket, from docs/pricing.md and the thirteen rules alone: what judges the engine.

`every_price` lays all sets, all subsets of stages 2 and 3 and all orders of coupons, for both answers on audience prices.
110.00 with A+B 12.00 off and 满100减20 can end at 110.00, 98.00 or 90.00; the best is 90.00.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pos_app.domain.basket import Basket
from pos_app.domain.pricing.mechanics import MECHANICS
from pos_app.domain.pricing.mechanics.coupon_amount_off import CouponAmountOff
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers
from pos_app.domain.pricing.model import COUPON, GROUP, SETS, SHELF, SPEND, Customer, Package, Promotion, Used
from tests.domain.pricing.oracle_sets import Cells, ways
from tests.domain.pricing.oracle_shelf import (
    OPEN,
    SHUT,
    Goods,
    budget_left,
    goods_of,
    holds,
    is_for_anybody,
    reaches,
    remains,
    shelf,
    share,
)

Amounts = tuple[int, ...]  # what each line costs, in canonical order
STAGES = {rule: stage for rule, stage in MECHANICS.values()}


class Key(NamedTuple):
    """What is compared, smaller is better: the objective."""

    amount_fen: int
    coupons: int
    minus_sets_fen: int
    applications: int
    promotions: tuple[str, ...]


class Found(NamedTuple):
    """The best key, the lines that have it, and every legal outcome."""

    best: Key
    amounts: frozenset[Amounts]
    every: Mapping[Amounts, Key]


class Asked(NamedTuple):
    """What `price` is asked."""

    basket: Basket
    customer: Customer
    package: Package
    now_ms: int
    codes: frozenset[str] = frozenset()
    used: Mapping[str, Used] = {}

    @property
    def goods(self) -> list[Goods]:
        return goods_of(self.basket.lines)

    def of_stage(self, stage: int) -> list[Promotion]:
        """The promotions of a stage whose conditions hold, by id."""
        rest = (self.customer, self.package, self.now_ms, self.codes)
        here = [p for p in self.package.promotions if STAGES[type(p.rule)] == stage]
        return sorted((p for p in here if holds(p, *rest, self.used.get(p.id, Used()))), key=lambda p: p.id)


def every_price(asked: Asked) -> Found:
    """Audience prices all or none, whichever ends lower after stage 4; equal: all."""
    every, chosen = {}, None
    for with_audience in (True, False):
        outcomes = _outcomes(asked, with_audience)
        best = min(outcomes.values())
        for amounts, key in outcomes.items():
            every[amounts] = min(key, every.get(amounts, key))
        if chosen is None or best.amount_fen < chosen[0].amount_fen:
            chosen = best, frozenset(amounts for amounts, key in outcomes.items() if key == best)
    assert chosen is not None
    return Found(*chosen, every)


def _outcomes(asked: Asked, with_audience: bool) -> dict[Amounts, Key]:
    goods, package = asked.goods, asked.package
    prices_of_members = with_audience and bool(asked.customer.alias or asked.customer.tier)
    here = [p for p in asked.of_stage(SHELF) if with_audience or is_for_anybody(p)]
    units = shelf(goods, here, package, asked.used, prices_of_members)
    states = ways(goods, units, asked.of_stage(SETS), package, asked.used)
    for stage in (GROUP, SPEND):
        steps = [Step(p, goods, package, asked.used) for p in asked.of_stage(stage)]
        after: dict[Cells, tuple[int, int, tuple[str, ...]]] = {}
        for cells, (sets_fen, times, names) in states.items():
            for left, chosen in _subsets(steps, cells, cells, ()):
                way = (sets_fen, times + len(chosen), tuple(sorted((*names, *(step.name for step, _ in chosen)))))
                after[left] = min(way, after.get(left, way))
        states = after
    coupons = [Step(p, goods, package, asked.used) for p in asked.of_stage(COUPON)]
    found: dict[Amounts, Key] = {}
    for cells, (sets_fen, times, names) in states.items():
        for left, chosen in _orders(coupons, cells, cells, ()):
            ids = tuple(sorted((*names, *(step.name for step, _ in chosen))))
            amounts = tuple(sum(left[3 * n : 3 * n + 3]) for n in range(len(goods)))
            key = Key(sum(amounts), len(chosen), sets_fen, times + len(chosen), ids)
            found[amounts] = min(key, found.get(amounts, key))
    return found


class Step:
    """A promotion of stages 2 to 4: the cells it reaches, and what it takes off them."""

    def __init__(self, p: Promotion, goods: Sequence[Goods], package: Package, used: Mapping[str, Used]) -> None:
        self.name, self.promotion, self.package, self.size = p.id, p, package, 3 * len(goods)
        self.stage = STAGES[type(p.rule)]
        lines = [n for n, one in enumerate(goods) if reaches(p, one)]
        kinds = range(OPEN + 1) if self.stage == SPEND else range(SHUT)
        self.cells = [3 * n + kind for n in lines for kind in kinds]
        self.budget_fen = budget_left(p, used.get(p.id, Used()))

    def lines(self, left: Cells) -> frozenset[int]:
        """Lines with something left for it."""
        return frozenset(cell // 3 for cell in self.cells if left[cell])

    def off(self, begin: Cells, left: Cells) -> Cells | None:
        """The cells after it; None when it may not apply or would take nothing. `begin`: as its stage began."""
        on_list = self.promotion.threshold_on == "list"
        measured_fen = sum(begin[cell + self.size * on_list] for cell in self.cells)
        reached = [cell for cell in self.cells if left[cell]]
        fens = [left[cell] for cell in reached]
        if measured_fen < self.promotion.min_spend_fen or not reached:
            return None
        if self.stage == GROUP:
            shares = [fen - remains(fen, self.promotion.rule.percent, self.package.rounding) for fen in fens]
        else:
            saving_fen = min(self._saving(measured_fen, sum(fens)), sum(fens))
            shares = share(saving_fen, fens, self.package.leftover)
        if not 0 < sum(shares) <= self.budget_fen:
            return None
        after = list(left)
        for cell, fen in zip(reached, shares, strict=True):
            after[cell] -= fen
        return tuple(after)

    def _saving(self, measured_fen: int, fen: int) -> int:
        rule, rounding = self.promotion.rule, self.package.rounding
        if isinstance(rule, CouponAmountOff):
            return rule.amount_fen
        if isinstance(rule, SpendSaveTiers):
            reached = [tier for tier in rule.tiers if tier.spend_fen <= measured_fen]
            if not reached:
                return 0
            tier = reached[-1]
            times = measured_fen // tier.spend_fen if rule.repeat else 1
            return times * tier.save_fen + fen - remains(fen, tier.save_percent, rounding)
        saving_fen = fen - remains(fen, rule.percent, rounding)
        return saving_fen if rule.save_max_fen is None else min(saving_fen, rule.save_max_fen)


Taken = tuple[tuple[Step, frozenset[int]], ...]  # what applied, and the lines it had


def _clash(step: Step, lines: frozenset[int], taken: Taken) -> bool:
    """Two promotions of one group never share a line; coupons of the default group go together."""
    group = step.promotion.group
    if step.stage == COUPON and group == "basket":
        return False
    return any(other.promotion.group == group and lines & had for other, had in taken)


def _subsets(steps: Sequence[Step], begin: Cells, left: Cells, taken: Taken) -> Iterator[tuple[Cells, Taken]]:
    """Every legal subset, in order of id."""
    if not steps:
        yield left, taken
        return
    yield from _subsets(steps[1:], begin, left, taken)
    lines, after = steps[0].lines(left), steps[0].off(begin, left)
    if after is not None and not _clash(steps[0], lines, taken):
        yield from _subsets(steps[1:], begin, after, (*taken, (steps[0], lines)))


def _orders(steps: Sequence[Step], begin: Cells, left: Cells, taken: Taken) -> Iterator[tuple[Cells, Taken]]:
    """Every legal subset in every order."""
    yield left, taken
    for n, step in enumerate(steps):
        lines, after = step.lines(left), step.off(begin, left)
        if after is not None and not _clash(step, lines, taken):
            yield from _orders([*steps[:n], *steps[n + 1 :]], begin, after, (*taken, (step, lines)))
