"""The best sets where there are few and no later stage looks on: of choices that leave the same units only the best goes on.

Units, applications and budget that are left stand side by side in one integer, each under a guard bit: an application is one
subtraction, and what there is too little of shows as a guard that is gone.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, combinations_with_replacement, product
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
    field = sum(counts).bit_length() + 1  # as wide for each class and for the applications
    places = range(0, field * len(classes), field)
    times_at, budget_at = field * len(classes), field * (len(classes) + 1)
    total_fen = sum([unit.count * unit.price_fen for unit in classes])
    guards = sum([1 << place + field - 1 for place in (*places, times_at)]) | 1 << budget_at + total_fen.bit_length()
    states: States = {sum([count << place for count, place in zip(counts, places, strict=True)]): (0, ())}
    for number, offer in enumerate(offers):
        times, budget_fen = offer.max_applications, offer.budget_fen
        once = guards | min(times or 0, sum(counts)) << times_at | min(budget_fen or 0, total_fen) << budget_at
        running = {left | once: state for left, state in states.items()}
        for use in uses(number, offer, classes, rounding):
            change = sum([1 << places[c] for c in chain.from_iterable(use.slots)])
            change |= (times is not None) << times_at | (0 if budget_fen is None else use.saving_fen) << budget_at
            _lay(running, use, change, guards)
            if len(running) > ends_max:
                return None
        states = _by_units(running, (1 << times_at) - 1 & ~guards)
    _, way = min(states.values(), key=_order)
    return Best(tuple(sorted([_chosen(use, way.count(use), classes, share) for use in dict.fromkeys(way)])), len(states))


def looks(offer: SetOffer) -> int:
    """In how many ways an offer's slots are filled at most."""
    filled = zip(offer.slots, offer.shape.slots, strict=True)
    return prod([comb(len(members) + slot.units - 1, slot.units) for members, slot in filled])


def uses(number: int, offer: SetOffer, classes: Sequence[UnitClass], rounding: str) -> Iterable[Use]:
    """The ways to fill an offer's slots with the units there are, so that something is saved."""
    prices, counts = [unit.price_fen for unit in classes], [unit.count for unit in classes]
    filled = zip(offer.slots, offer.shape.slots, strict=True)
    for slots in product(*[combinations_with_replacement(members, slot.units) for members, slot in filled]):
        units = list(chain.from_iterable(slots))
        if [c for c in units if units.count(c) > counts[c]]:  # more than there are
            continue
        saving_fen = offer.shape.saving_fen([[prices[c] for c in slot] for slot in slots], rounding)
        if saving_fen > 0:
            yield Use(number, slots, saving_fen)


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


def _by_units(running: States, units: int) -> States:
    """The best of those that leave the same units."""
    best: States = {}
    for left, state in running.items():
        known = best.get(left & units)
        if known is None or _order(state) < _order(known):
            best[left & units] = state
    return best


def _order(state: tuple[int, Way]) -> tuple[int, int, list[int]]:
    fen, way = state
    return -fen, *_rank(way)


def _rank(way: Way) -> tuple[int, list[int]]:
    """Fewer applications, then the first offers: they stand in order of id."""
    return len(way), [use.offer for use in way]


def _chosen(use: Use, times: int, classes: Sequence[UnitClass], share: Share) -> Chosen:
    return chosen_of(use.offer, use.slots, use.saving_fen, times, classes, share)
