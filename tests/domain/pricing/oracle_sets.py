"""The oracle's stage 1: every way to lay sets over the units, equal units taken together.

Two units of 59.00 under "second at half price" can be laid in two ways: not at all, and as one pair.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement, product
from typing import Any, NamedTuple

from pos_app.domain.pricing.mechanics.buy_x_get_y import BuyXGetY
from pos_app.domain.pricing.mechanics.cheapest_free import CheapestFree
from pos_app.domain.pricing.mechanics.combo_amount_off import ComboAmountOff
from pos_app.domain.pricing.mechanics.fixed_price_bundle import FixedPriceBundle
from pos_app.domain.pricing.mechanics.nth_unit_percent_off import NthUnitPercentOff
from pos_app.domain.pricing.model import Package, Promotion, Scope, Used
from tests.domain.pricing.oracle_shelf import (
    SHUT,
    Goods,
    Units,
    budget_left,
    kind_of,
    named,
    reaches,
    remains,
    share,
    times_left,
)

Cells = tuple[int, ...]  # what is left, then the list amounts: for each line open, out of stage 3, shut
Way = tuple[int, int, tuple[str, ...]]  # minus the saving of the sets, applications, promotion ids: the smaller the better


class Laid(NamedTuple):
    """One application: units taken of each class, what it saves, and what it changes in the cells."""

    taken: tuple[int, ...]
    saving_fen: int
    change: Cells


def ways(
    goods: Sequence[Goods], units: Sequence[Units], promotions: Sequence[Promotion], package: Package, used: Mapping[str, Used]
) -> dict[Cells, Way]:
    """The cells that stage 1 can leave, each with its best way."""
    bare = tuple(max(1, one.pieces) if one.kind != SHUT and one.pieces else 0 for one in units)
    states: dict[tuple[Cells, tuple[int, ...]], Way] = {(_cells(goods, units), bare): (0, 0, ())}
    for p in sorted(promotions, key=lambda p: p.id):
        if _measured(p, goods, units) < p.min_spend_fen:
            continue
        had = used.get(p.id, Used())
        laid = list(_applications(p, goods, units, package))
        running = {(*state, times_left(p, had), budget_left(p, had)): way for state, way in states.items()}
        for one in laid:
            running = _with(running, one, p.id)
        states = {}
        for (cells, left, _, _), way in running.items():
            states[cells, left] = min(way, states.get((cells, left), way))
    found: dict[Cells, Way] = {}
    for (cells, _), way in states.items():
        found[cells] = min(way, found.get(cells, way))
    return found


Running = dict[tuple[Cells, tuple[int, ...], int, int], Way]


def _with(running: Running, one: Laid, name: str) -> Running:
    """Each state, and each with the application once, twice ... as often as units, number and budget allow."""
    after = dict(running)
    for (cells, left, times, budget), way in running.items():
        while times and budget >= one.saving_fen and all(n >= taken for n, taken in zip(left, one.taken, strict=True)):
            cells = tuple(map(int.__add__, cells, one.change))
            left = tuple(map(int.__sub__, left, one.taken))
            times, budget = times - 1, budget - one.saving_fen
            way = (way[0] - one.saving_fen, way[1] + 1, tuple(sorted((*way[2], name))))
            state = (cells, left, times, budget)
            after[state] = min(way, after.get(state, way))
    return after


def _cells(goods: Sequence[Goods], units: Sequence[Units]) -> Cells:
    fen, list_fen = [0] * 3 * len(goods), [0] * 3 * len(goods)
    for one in units:
        cell = 3 * one.goods + one.kind
        fen[cell] += one.fen * max(1, one.pieces)
        list_fen[cell] += one.list_fen * max(1, one.pieces)
    return (*fen, *list_fen)


def _measured(p: Promotion, goods: Sequence[Goods], units: Sequence[Units]) -> int:
    here = [one for one in units if one.kind != SHUT and reaches(p, goods[one.goods])]
    return sum((one.list_fen if p.threshold_on == "list" else one.fen) * max(1, one.pieces) for one in here)


def _applications(p: Promotion, goods: Sequence[Goods], units: Sequence[Units], package: Package) -> Iterator[Laid]:
    """Every different application that saves something."""
    slots = _slots(p.rule, p.scope)
    classes = [
        [c for c, one in enumerate(units) if one.pieces and one.fen and one.kind != SHUT and _fits(p, scope, goods[one.goods])]
        for _, scope in slots
    ]
    seen = set()
    choices = (combinations_with_replacement(found, n) for found, (n, _) in zip(classes, slots, strict=True))
    for chosen in product(*choices):
        taken = Counter(c for slot in chosen for c in slot)
        if any(n > units[c].pieces for c, n in taken.items()):
            continue
        saving_fen = _saving(p.rule, [[units[c].fen for c in slot] for slot in chosen], package.rounding)
        counts = tuple(taken[c] for c in range(len(units)))
        if saving_fen > 0 and (counts, saving_fen) not in seen:
            seen.add((counts, saving_fen))
            yield Laid(counts, saving_fen, _change(p, counts, saving_fen, goods, units, package.leftover))


def _fits(p: Promotion, scope: Scope, one: Goods) -> bool:
    return one.is_open and named(scope, one) and not (p.price_once and one.is_labelled)


def _slots(rule: Any, scope: Scope) -> list[tuple[int, Scope]]:
    if isinstance(rule, NthUnitPercentOff | CheapestFree):
        return [(rule.n, scope)]
    if isinstance(rule, BuyXGetY):
        buy = rule.buy or scope
        get = rule.get or buy
        if _same(buy, get):
            return [(rule.buy_units + rule.get_units, buy)]
        return [(rule.buy_units, buy), (rule.get_units, get)]
    return [(slot.units, slot.scope) for slot in rule.components]


def _same(one: Scope, other: Scope) -> bool:
    return all(set(a) == set(b) for a, b in zip(one, other, strict=True))


def _saving(rule: Any, prices: list[list[int]], rounding: str) -> int:
    """What an application saves: the cheapest units of the set are the ones reduced (rule 2)."""
    every = sorted(fen for slot in prices for fen in slot)
    if isinstance(rule, ComboAmountOff):
        return min(rule.amount_fen, sum(every))
    if isinstance(rule, FixedPriceBundle):
        return sum(every) - rule.price_fen
    if isinstance(rule, NthUnitPercentOff):
        reduced, percent = every[:1], rule.percent
    elif isinstance(rule, CheapestFree):
        reduced, percent = every[: rule.free], 100
    else:
        reduced, percent = (prices[1] if len(prices) > 1 else every[: rule.get_units]), rule.percent
    return sum(fen - remains(fen, percent, rounding) for fen in reduced)


def _change(
    p: Promotion, counts: Sequence[int], saving_fen: int, goods: Sequence[Goods], units: Sequence[Units], leftover: str
) -> Cells:
    """Shares over all units of the set, by unit price; units of an exclusive promotion move to a part of their own."""
    each = [c for c, n in enumerate(counts) for _ in range(n)]
    fen, list_fen = [0] * 3 * len(goods), [0] * 3 * len(goods)
    for c, part in zip(each, share(saving_fen, [units[c].fen for c in each], leftover), strict=True):
        one = units[c]
        before, after = 3 * one.goods + one.kind, 3 * one.goods + max(one.kind, kind_of(p))
        fen[before] -= one.fen
        fen[after] += one.fen - part
        list_fen[before] -= one.list_fen
        list_fen[after] += one.list_fen
    return (*fen, *list_fen)
