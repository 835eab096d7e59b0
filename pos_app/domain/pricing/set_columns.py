"""Every application of a set promotion that is worth something, as a multiset of classes of equal units.

Second at half price on classes A (2 units) and B (1): A A, A B.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, combinations_with_replacement, product
from math import comb
from typing import NamedTuple

from pos_app.domain.pricing.mechanics.rounding import off_fen
from pos_app.domain.pricing.mechanics.sets import SetShape


class UnitClass(NamedTuple):
    """Equal units of one line at one price."""

    price_fen: int
    count: int


class SetOffer(NamedTuple):
    """One promotion of stage 1 in this basket; `slots` hold the classes in each slot's scope."""

    shape: SetShape
    slots: tuple[tuple[int, ...], ...]
    max_applications: int | None = None
    budget_fen: int | None = None


class Application(NamedTuple):
    """Units an application takes (a class once a unit, slot by slot, cheapest first) and what it saves."""

    offer: int
    slots: tuple[tuple[int, ...], ...]
    saving_fen: int

    @property
    def units(self) -> tuple[int, ...]:
        """The classes it uses, in canonical order, once a unit."""
        return tuple(sorted([c for slot in self.slots for c in slot]))


def applications(number: int, offer: SetOffer, classes: Sequence[UnitClass], rounding: str) -> Iterator[Application]:
    """All applications of an offer that save something."""
    shape = offer.shape
    choices = [
        multisets(slot, classes, scope.units) for slot, scope in zip(offer.slots, shape.slots, strict=True)
    ]  # fmt: skip
    saves = _saves(shape, classes, rounding)
    overlap = len(set().union(*offer.slots)) < sum(map(len, offer.slots))
    for slots in product(*choices) if len(choices) > 1 else zip(choices[0]):
        saving_fen = saves(slots)
        if saving_fen > 0 and not (overlap and _too_many(slots, classes)):
            yield Application(number, slots, saving_fen)


def _saves(shape: SetShape, classes: Sequence[UnitClass], rounding: str) -> Callable[[Sequence[Sequence[int]]], int]:
    """What the units of an application save, given as classes slot by slot."""
    prices = [unit.price_fen for unit in classes]
    if shape.price_fen is None and shape.amount_fen is None:
        off = [off_fen(price, shape.percent, rounding) for price in prices]
        if not shape.cheapest:
            return lambda slots: sum([off[c] for c in slots[-1]])
        if len(shape.slots) == 1:
            return lambda slots: sum([off[c] for c in slots[0][: shape.cheapest]])
    return lambda slots: shape.saving_fen([[prices[c] for c in slot] for slot in slots], rounding)


def multisets(members: Sequence[int], classes: Sequence[UnitClass], size: int) -> list[tuple[int, ...]]:
    """All choices of so many units out of classes, each from the cheapest to the dearest."""
    order = sorted(members, key=lambda c: (classes[c].price_fen, c))
    units = [c for c in order for _ in range(min(size, classes[c].count))]
    if comb(len(units), size) <= comb(len(order) + size - 1, size) * 2:
        return list(dict.fromkeys(combinations(units, size)))
    return [
        chosen for chosen in combinations_with_replacement(order, size)
        if all(chosen.count(c) <= classes[c].count for c in set(chosen))
    ]  # fmt: skip


def _too_many(slots: Sequence[Sequence[int]], classes: Sequence[UnitClass]) -> bool:
    units = [c for slot in slots for c in slot]
    return any(units.count(c) > classes[c].count for c in set(units))
