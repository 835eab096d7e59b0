"""Every way to lay the sets of stage 1 where there are few: a small basket needs no bound, all its choices are tried.

Two units of one good under "second at half price": two ways, no pair and one pair.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations_with_replacement, product
from math import comb, prod
from typing import NamedTuple

from pos_app.domain.pricing.mechanics.sets import Slot
from pos_app.domain.pricing.set_search import Chosen, SetOffer, Share, UnitClass

Left = tuple[int, ...]  # units left of each class
Changes = tuple[int, ...]  # class by class, for each kind of promotion: units taken, fen taken off
NO_LIMIT = 1 << 60


class _Laid(NamedTuple):
    """An application and what it changes."""

    chosen: Chosen
    units: Left
    changes: Changes


class _State(NamedTuple):
    """How far the units, the number and the budget of the promotion go, and what was changed so far."""

    left: Left
    changes: Changes
    times: int = NO_LIMIT
    budget_fen: int = NO_LIMIT


Way = tuple[Chosen, ...]


def every_way(
    classes: Sequence[UnitClass],
    offers: Sequence[SetOffer],
    kinds: Sequence[int],
    rounding: str,
    share: Share,
    ways_max: int,
    looks_max: int,
) -> list[Way] | None:
    """Every different result of stage 1, each by the fewest applications and the first offers; None when there are too many.

    `kinds` says what each offer leaves to later stages: what it took is told apart by that.
    """
    looks = [prod(comb(len(members) + slot.units - 1, slot.units) for members, slot in _slots(offer)) for offer in offers]
    if sum(looks) > looks_max:
        return None
    states: dict[_State, Way] = {_State(tuple(unit.count for unit in classes), (0,) * (6 * len(classes))): ()}
    for number, (offer, kind) in enumerate(zip(offers, kinds, strict=True)):
        times = NO_LIMIT if offer.max_applications is None else offer.max_applications
        budget_fen = NO_LIMIT if offer.budget_fen is None else offer.budget_fen
        running = {_State(state.left, state.changes, times, budget_fen): way for state, way in states.items()}
        for one in _applications(number, offer, classes, kind, rounding, share):
            _lay(running, one)
            if len(running) > ways_max:
                return None
        states = _best((_State(state.left, state.changes), way) for state, way in running.items())
    return [_counted(way) for way in states.values()]


def _applications(
    number: int, offer: SetOffer, classes: Sequence[UnitClass], kind: int, rounding: str, share: Share
) -> list[_Laid]:
    """The different applications of an offer."""
    found: dict[Changes, _Laid] = {}
    for slots in product(*(combinations_with_replacement(members, slot.units) for members, slot in _slots(offer))):
        units = sorted(c for slot in slots for c in slot)
        if any(units.count(c) > classes[c].count for c in set(units)):
            continue
        saving_fen = offer.shape.saving_fen([[classes[c].price_fen for c in slot] for slot in slots], rounding)
        if saving_fen > 0:
            fens = share(saving_fen, [classes[c].price_fen for c in units])
            laid = _laid(number, slots, saving_fen, list(zip(units, fens, strict=True)), len(classes), kind)
            found.setdefault(laid.changes, laid)
    return list(found.values())


def _slots(offer: SetOffer) -> Iterable[tuple[tuple[int, ...], Slot]]:
    return zip(offer.slots, offer.shape.slots, strict=True)


def _laid(
    number: int, slots: Sequence[Sequence[int]], saving_fen: int, parts: Sequence[tuple[int, int]], width: int, kind: int
) -> _Laid:
    units, fens = [0] * width, [0] * width
    for c, fen in parts:
        units[c] += 1
        fens[c] += fen
    counted = tuple(tuple((c, slot.count(c)) for c in sorted(set(slot))) for slot in slots)
    shares = tuple((c, fen) for c, fen in enumerate(fens) if units[c])
    before, after = (0,) * (2 * kind * width), (0,) * (2 * (2 - kind) * width)
    return _Laid(Chosen(number, counted, saving_fen, shares, 1), tuple(units), (*before, *units, *fens, *after))


def _lay(running: dict[_State, Way], one: _Laid) -> None:
    """Each state goes on with the application once, twice ... as often as units, number and budget allow."""
    for state, way in list(running.items()):
        while state.times and state.budget_fen >= one.chosen.saving_fen and all(map(int.__le__, one.units, state.left)):
            state = _State(
                tuple(map(int.__sub__, state.left, one.units)),
                tuple(map(int.__add__, state.changes, one.changes)),
                state.times - 1,
                state.budget_fen - one.chosen.saving_fen,
            )
            way = (*way, one.chosen)
            if state not in running or _rank(way) < _rank(running[state]):
                running[state] = way


def _best(found: Iterable[tuple[_State, Way]]) -> dict[_State, Way]:
    best: dict[_State, Way] = {}
    for state, way in found:
        if state not in best or _rank(way) < _rank(best[state]):
            best[state] = way
    return best


def _rank(way: Way) -> tuple[int, list[int]]:
    """Fewer applications, then the first offers: they stand in order of id."""
    return len(way), [one.offer for one in way]


def _counted(way: Way) -> Way:
    """Equal applications as one, with their number."""
    times: dict[Chosen, int] = {}
    for one in way:
        times[one] = times.get(one, 0) + 1
    return tuple(sorted(one._replace(times=n) for one, n in times.items()))
