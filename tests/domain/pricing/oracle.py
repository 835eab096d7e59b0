"""Every legal price of a small basket, from docs/pricing.md and the thirteen rules alone: what judges the engine.

`every_price` lays all sets, all subsets of stages 2 and 3 and all orders of coupons, for both answers on audience prices.
110.00 with A+B 12.00 off and 满100减20 can end at 110.00, 98.00 or 90.00; the best is 90.00.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pos_app.domain.pricing.mechanics.coupon_amount_off import CouponAmountOff
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers
from pos_app.domain.pricing.model import COUPON, GROUP, SETS, SHELF, SPEND, Package, Promotion, Used
from tests.domain.pricing.oracle_sets import Cells, ways
from tests.domain.pricing.oracle_shelf import (
    OPEN,
    SHUT,
    STAGES,
    Goods,
    budget_left,
    goods_of,
    is_for_anybody,
    of_stage,
    reaches,
    remains,
    share,
    shelf,
)
from tests.domain.pricing.worlds import World

Amounts = tuple[int, ...]  # what each line costs, in canonical order


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


def every_price(world: World) -> Found:
    """Audience prices all or none, whichever ends lower after stage 4; equal: all."""
    every: dict[Amounts, Key] = {}
    chosen: tuple[Key, frozenset[Amounts]] | None = None
    for with_audience in (True, False):
        outcomes = _outcomes(world, with_audience)
        best = min(outcomes.values())
        for amounts, key in outcomes.items():
            every[amounts] = min(key, every.get(amounts, key))
        if chosen is None or best.amount_fen < chosen[0].amount_fen:
            chosen = best, frozenset(amounts for amounts, key in outcomes.items() if key == best)
    assert chosen is not None
    return Found(*chosen, every)


def _outcomes(world: World, with_audience: bool) -> dict[Amounts, Key]:
    goods, package = goods_of(world.basket.lines), world.package
    prices_of_members = with_audience and bool(world.customer.alias or world.customer.tier)
    here = [p for p in of_stage(world, SHELF) if with_audience or is_for_anybody(p)]
    units = shelf(goods, here, package, world.used, prices_of_members)
    states = ways(goods, units, of_stage(world, SETS), package, world.used)
    for stage in (GROUP, SPEND):
        steps = [Step(p, goods, package, world.used) for p in of_stage(world, stage)]
        after: dict[Cells, tuple[int, int, tuple[str, ...]]] = {}
        for cells, (sets_fen, times, names) in states.items():
            for left, chosen in _subsets(steps, cells, cells, ()):
                way = (sets_fen, times + len(chosen), tuple(sorted((*names, *(step.name for step, _ in chosen)))))
                after[left] = min(way, after.get(left, way))
        states = after
    coupons = [Step(p, goods, package, world.used) for p in of_stage(world, COUPON)]
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

    def lines(self, begin: Cells) -> frozenset[int]:
        """Lines with something for it as its stage began."""
        return frozenset(cell // 3 for cell in self.cells if begin[cell])

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
            begin_fen = sum(begin[cell] for cell in self.cells)
            saving_fen = min(self._saving(measured_fen, begin_fen if self.stage == SPEND else sum(fens)), sum(fens))
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
    lines, after = steps[0].lines(begin), steps[0].off(begin, left)
    if after is not None and not _clash(steps[0], lines, taken):
        yield from _subsets(steps[1:], begin, after, (*taken, (steps[0], lines)))


def _orders(steps: Sequence[Step], begin: Cells, left: Cells, taken: Taken) -> Iterator[tuple[Cells, Taken]]:
    """Every legal subset in every order."""
    yield left, taken
    for n, step in enumerate(steps):
        lines, after = step.lines(begin), step.off(begin, left)
        if after is not None and not _clash(step, lines, taken):
            yield from _orders([*steps[:n], *steps[n + 1 :]], begin, after, (*taken, (step, lines)))
