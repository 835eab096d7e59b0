"""A basket in parts that have nothing to do with each other: no promotion and no cap reaches from one into another.

Limits that cannot be reached are left out first: three units of a class hold no four applications.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pos_app.domain.pricing.set_columns import SetOffer, UnitClass


class Cap(NamedTuple):
    """The saving shares of what is chosen, each times its class's weight, sum up to `cap` at most."""

    weights: tuple[int, ...]
    cap: int


class Part(NamedTuple):
    """A basket of its own; `numbers` and `of_offer` say which classes and offers of the whole one it holds."""

    classes: tuple[UnitClass, ...]
    offers: tuple[SetOffer, ...]
    weights: tuple[int, ...]
    caps: tuple[Cap, ...]
    numbers: tuple[int, ...]
    of_offer: tuple[int, ...]


def parts_of(
    classes: Sequence[UnitClass], offers: Sequence[SetOffer], weights: Sequence[int], caps: Sequence[Cap], split: bool
) -> list[Part]:
    """Every part that holds an offer; all in one without `split`."""
    usable = [n for n, offer in enumerate(offers) if is_usable(offer, classes)]
    within_reach = [_without_idle(offers[n], classes) for n in usable]
    touched = {c for offer in within_reach for slot in offer.slots for c in slot}
    binding = [cap for cap in caps if _binds(cap, classes, touched)]
    groups = [{c for slot in offer.slots for c in slot} for offer in within_reach]
    joined = _joined([*groups, *[{c for c in touched if cap.weights[c]} for cap in binding]]) if split else [touched]
    return [_part(members, classes, usable, within_reach, groups, weights, binding) for members in joined if members]


def _part(
    members: set[int], classes: Sequence[UnitClass], usable: Sequence[int], offers: Sequence[SetOffer],
    groups: Sequence[set[int]], weights: Sequence[int], caps: Sequence[Cap],
) -> Part:  # fmt: skip
    numbers = tuple(sorted(members))
    place = {c: n for n, c in enumerate(numbers)}
    mine = [n for n, group in enumerate(groups) if not group.isdisjoint(members)]
    return Part(
        tuple([classes[c] for c in numbers]),
        tuple([offers[n]._replace(slots=tuple([tuple([place[c] for c in slot]) for slot in offers[n].slots])) for n in mine]),
        tuple([weights[c] for c in numbers]),
        tuple([Cap(tuple([cap.weights[c] for c in numbers]), cap.cap) for cap in caps if any(cap.weights[c] for c in numbers)]),
        numbers,
        tuple([usable[n] for n in mine]),
    )


def is_usable(offer: SetOffer, classes: Sequence[UnitClass]) -> bool:
    """Whether every slot can be filled at all."""
    if offer.max_applications == 0 or offer.budget_fen == 0:
        return False
    for members, slot in zip(offer.slots, offer.shape.slots, strict=True):
        if sum([classes[c].count for c in members]) < slot.units:
            return False
    return True


def _without_idle(offer: SetOffer, classes: Sequence[UnitClass]) -> SetOffer:
    if offer.max_applications is not None:
        most = sum([classes[c].count for c in offer.slots[0]]) // offer.shape.slots[0].units
        offer = offer._replace(max_applications=None) if offer.max_applications >= most else offer
    if offer.budget_fen is not None:
        scope = {c for slot in offer.slots for c in slot}
        most_fen = sum([classes[c].count * classes[c].price_fen for c in scope])
        offer = offer._replace(budget_fen=None) if offer.budget_fen >= most_fen else offer
    return offer


def _binds(cap: Cap, classes: Sequence[UnitClass], touched: set[int]) -> bool:
    return sum([cap.weights[c] * classes[c].count * classes[c].price_fen for c in touched]) > cap.cap


def _joined(groups: Sequence[set[int]]) -> list[set[int]]:
    """Groups that share a member become one."""
    joined: list[set[int]] = []
    for group in groups:
        apart = []
        merged = set(group)
        for other in joined:
            if merged.isdisjoint(other):
                apart.append(other)
            else:
                merged |= other
        joined = [*apart, merged]
    return sorted(joined, key=lambda members: min(members, default=-1))
