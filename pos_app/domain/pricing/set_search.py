"""The item sets that are worth most, with the proof: stage 1 as a packing problem.

Columns are the applications; rows are the units of each class, the limits and budgets of promotions, and the caller's caps.
Ties (larger saving, then fewer applications) are part of the value: each is a smaller digit of one integer.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pos_app.domain.money import share_fen
from pos_app.domain.pricing.packing import Packed, Problem, pack
from pos_app.domain.pricing.packing_prices import Column
from pos_app.domain.pricing.set_columns import Application, SetOffer, UnitClass, applications

__all__ = ["Cap", "Chosen", "SetOffer", "Sets", "UnitClass", "best_sets"]

GRAIN = 60  # prices of units come out as halves, thirds, quarters and fifths of a step: all of them whole in 60ths

Share = Callable[[int, Sequence[int]], list[int]]
Accept = Callable[[tuple["Chosen", ...]], int]


class Cap(NamedTuple):
    """The saving shares of what is chosen, each times its class's weight, sum up to `cap` at most."""

    weights: tuple[int, ...]
    cap: int


class Chosen(NamedTuple):
    """One application, `times` times: (class, units) per slot, and (class, fen) for what all units of a class carry."""

    offer: int
    slots: tuple[tuple[tuple[int, int], ...], ...]
    saving_fen: int
    shares: tuple[tuple[int, int], ...]
    times: int


class Sets(NamedTuple):
    """A legal choice, its value, and the value that no legal choice exceeds."""

    chosen: tuple[Chosen, ...]
    value: int
    bound: int
    steps: int

    @property
    def proved(self) -> bool:
        return self.value == self.bound


def best_sets(
    classes: Sequence[UnitClass],
    offers: Sequence[SetOffer],
    weights: Sequence[int],
    caps: Sequence[Cap],
    rounding: str,
    effort: int,
    wanted: int | None = None,
    accept: Accept | None = None,
    share: Share = share_fen,
) -> Sets:
    """The applications with the largest `sum(weights[class] * share)`; ties: larger saving, then fewer applications."""
    basket = _Basket(classes, weights, caps, rounding, share)
    found = [one for n, offer in enumerate(offers) for one in applications(n, offer, classes, rounding)]
    problem, owners = basket.problem(offers, found, wanted)
    packed = pack(problem, effort)
    sets = basket.sets(packed, owners)
    if accept is not None and sets.chosen:
        accept(sets.chosen)
    return sets


class _Basket:
    """How values, shares and rows are written in this basket."""

    def __init__(
        self, classes: Sequence[UnitClass], weights: Sequence[int], caps: Sequence[Cap], rounding: str, share: Share
    ) -> None:
        self.classes, self.weights, self.caps, self.rounding, self.share = classes, weights, caps, rounding, share
        self.is_plain = len(set(weights)) <= 1 and not caps
        self.weight = weights[0] if self.is_plain and weights else 0
        self.most_units = sum(unit.count for unit in classes)
        self.count_step = 1 << (2 * self.most_units).bit_length()
        self.saving_step = 1 if self.is_plain else 1 + sum(unit.count * unit.price_fen for unit in classes)

    def shares(self, one: Application) -> list[tuple[int, int]]:
        """(class, fen) of an application."""
        sums: dict[int, int] = {}
        units = one.units
        for c, fen in zip(units, self.share(one.saving_fen, [self.classes[c].price_fen for c in units]), strict=True):
            sums[c] = sums.get(c, 0) + fen
        return list(sums.items())

    def value(self, one: Application, shares: Sequence[tuple[int, int]]) -> int:
        weighed = sum(self.weights[c] * fen for c, fen in shares) if not self.is_plain else 0
        return ((weighed * self.saving_step + one.saving_fen) * self.count_step - 1) * GRAIN

    def plain_value(self, value: int) -> int:
        """The value in the caller's terms of one in 60ths; rounded down, no legal choice lies between."""
        savings = (value // GRAIN + self.most_units) // self.count_step
        return savings * self.weight if self.is_plain else savings // self.saving_step

    def floor(self, wanted: int | None) -> int:
        """The largest value in 60ths that is `wanted` at most."""
        if wanted is None or wanted < 0:
            return 0
        savings = wanted // max(1, self.weight) + 1 if self.is_plain else (wanted + 1) * self.saving_step
        return max(0, (savings * self.count_step - self.most_units - 1) * GRAIN)

    def problem(
        self, offers: Sequence[SetOffer], found: Sequence[Application], wanted: int | None
    ) -> tuple[Problem, dict[Column, Application]]:
        capacities = [unit.count for unit in self.classes]
        units = len(capacities)
        times_row, budget_row = {}, {}
        for n, offer in enumerate(offers):
            if offer.max_applications is not None:
                times_row[n] = len(capacities)
                capacities.append(offer.max_applications)
            if offer.budget_fen is not None:
                budget_row[n] = len(capacities)
                capacities.append(offer.budget_fen)
        cap_row = len(capacities)
        capacities += [cap.cap for cap in self.caps]
        owners: dict[Column, Application] = {}
        for one in found:
            shares = [] if self.is_plain else self.shares(one)
            rows: dict[int, int] = {}
            for c in one.units:
                rows[c] = rows.get(c, 0) + 1
            if one.offer in times_row:
                rows[times_row[one.offer]] = 1
            if one.offer in budget_row:
                rows[budget_row[one.offer]] = one.saving_fen
            for n, cap in enumerate(self.caps):
                amount = sum(cap.weights[c] * fen for c, fen in shares)
                if amount:
                    rows[cap_row + n] = amount
            column = Column(self.value(one, shares), tuple(rows.items()))
            owners.setdefault(column, one)
        return Problem(list(owners), capacities, units, GRAIN, self.floor(wanted)), owners

    def sets(self, packed: Packed, owners: dict[Column, Application]) -> Sets:
        chosen = tuple(sorted(self.chosen(owners[column], n) for column, n in packed.times.items()))
        value = sum(self.weights[c] * fen * one.times for one in chosen for c, fen in one.shares)
        return Sets(chosen, value, max(value, self.plain_value(packed.bound)), packed.steps)

    def chosen(self, one: Application, times: int) -> Chosen:
        slots = tuple(tuple((c, slot.count(c)) for c in sorted(set(slot))) for slot in one.slots)
        return Chosen(one.offer, slots, one.saving_fen, tuple(self.shares(one)), times)
