"""The best sets where there are few and no later stage looks on: of choices that leave the same units only the best goes on.

Units, applications and budget that are left stand side by side in one integer, each under a guard bit: an application is one
subtraction, and what there is too little of shows as a guard that is gone.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, combinations, combinations_with_replacement, product
from math import comb, prod
from typing import NamedTuple

from pos_app.domain.pricing.set_columns import Chosen, SetOffer, Share, UnitClass, chosen_of


class Use(NamedTuple):
    """One way to fill an offer's slots (a class once a unit), and what it saves."""

    offer: int
    slots: tuple[tuple[int, ...], ...]
    saving_fen: int


class Best(NamedTuple):
    """`looked_at`: how many ends there were to choose from."""

    chosen: tuple[Chosen, ...]
    looked_at: int


Way = tuple[Use, ...]
States = dict[int, tuple[int, Way]]  # what is left -> the most that was saved, and by which applications


def best_few(
    classes: Sequence[UnitClass], offers: Sequence[SetOffer], rounding: str, share: Share, ends_max: int, looks_max: int
) -> Best | None:
    """The largest saving, by the fewest applications and the first offers; None when there is too much to look at.

    Second at half price, three units at 59.00: one pair, 29.50 off.
    """
    if sum(map(looks, offers)) > looks_max:
        return None
    counts = [unit.count for unit in classes]
    units, total_fen = sum(counts), sum([unit.count * unit.price_fen for unit in classes])
    field = units.bit_length() + 1  # as wide for each class and for the applications
    *ones, time, fen = [1 << field * n for n in range(len(classes) + 2)]
    guards = sum([one << field - 1 for one in (*ones, time)]) | fen << total_fen.bit_length()
    states: States = {guards | sum([count * one for count, one in zip(counts, ones, strict=True)]): (0, ())}
    for number, offer in enumerate(offers):
        limits = min(offer.max_applications or 0, units) * time | min(offer.budget_fen or 0, total_fen) * fen
        running = {left + limits: state for left, state in states.items()} if limits else states
        once, per_fen = 0 if offer.max_applications is None else time, 0 if offer.budget_fen is None else fen
        for use in uses(number, offer, classes, rounding):
            taken = sum([ones[c] for slot in use.slots for c in slot])
            _lay(running, use, taken + once + use.saving_fen * per_fen, guards)
            if len(running) > ends_max:
                return None
        states = _by_units(running, time - 1, guards) if limits else running
    most_fen = max([saving_fen for saving_fen, _ in states.values()])
    way = min([way for saving_fen, way in states.values() if saving_fen == most_fen], key=_rank)
    return Best(tuple(sorted([_chosen(use, way.count(use), classes, share) for use in dict.fromkeys(way)])), len(states))


def looks(offer: SetOffer) -> int:
    """In how many ways an offer's slots are filled at most."""
    filled = zip(offer.slots, offer.shape.slots, strict=True)
    return prod([comb(len(members) + slot.units - 1, slot.units) for members, slot in filled])


def uses(number: int, offer: SetOffer, classes: Sequence[UnitClass], rounding: str) -> Iterable[Use]:
    """The ways to fill an offer's slots with the units there are, so that something is saved."""
    prices, counts, shape = [unit.price_fen for unit in classes], [unit.count for unit in classes], offer.shape
    filled = [_filled(members, counts, slot.units) for members, slot in zip(offer.slots, shape.slots, strict=True)]
    for slots in product(*filled):
        if len(slots) > 1:  # which may ask for the same units
            units = list(chain.from_iterable(slots))
            if [c for c in units if units.count(c) > counts[c]]:
                continue
        saving_fen = shape.saving_fen([[prices[c] for c in slot] for slot in slots], rounding)
        if saving_fen > 0:
            yield Use(number, slots, saving_fen)


def _filled(members: Sequence[int], counts: Sequence[int], units: int) -> list[tuple[int, ...]]:
    """The ways to take so many units of some classes."""
    if max([counts[c] for c in members]) == 1:
        return list(combinations(members, units))
    ways = combinations_with_replacement(members, units)
    return [way for way in ways if not [c for c in way if way.count(c) > counts[c]]]


def _lay(running: States, use: Use, change: int, guards: int) -> None:
    """Each state goes on with the application once, twice ... as often as it can."""
    saving_fen = use.saving_fen
    for left, (fen, way) in list(running.items()):
        left -= change
        while left & guards == guards:
            fen += saving_fen
            way = (*way, use)
            known = running.get(left)
            if known is None or fen > known[0] or (fen == known[0] and _rank(way) < _rank(known[1])):
                running[left] = fen, way
            left -= change


def _by_units(running: States, units: int, guards: int) -> States:
    """The best of those that leave the same units."""
    best: States = {}
    for left, (fen, way) in running.items():
        left = left & units | guards
        known = best.get(left)
        if known is None or fen > known[0] or (fen == known[0] and _rank(way) < _rank(known[1])):
            best[left] = fen, way
    return best


def _rank(way: Way) -> tuple[int, list[int]]:
    """Fewer applications, then the first offers: they stand in order of id."""
    return len(way), [use.offer for use in way]


def _chosen(use: Use, times: int, classes: Sequence[UnitClass], share: Share) -> Chosen:
    return chosen_of(use.offer, use.slots, use.saving_fen, times, classes, share)
