"""Every way to lay the sets of stage 1 where there are few: a small basket needs no bound, all its choices are tried.

Two units of one good under "second at half price": two ways, no pair and one pair.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from pos_app.domain.pricing.best_few import looks, uses
from pos_app.domain.pricing.set_columns import Chosen, SetOffer, Share, UnitClass, chosen_with

NO_LIMIT = 1 << 60

Way = tuple["Laid", ...]
# how far the units (each under its guard), the number and the budget of the promotion go, and how that was reached; a plain
# tuple, as most of the time goes into making them
State = tuple[int, int, int, Way]
Table = dict[int, State]


class _Fields(NamedTuple):
    """Numbers of every class side by side in one integer: sums of such integers are sums of all fields at once.

    A field holds what all units cost together and one bit more, so that no sum runs over and a missing unit shows there.
    """

    bits: int
    width: int
    kinds: int

    def packed(self, numbers: Sequence[int]) -> int:
        value = 0
        for number in reversed(numbers):
            value = value << self.bits | number
        return value

    @property
    def guards(self) -> int:
        """The bit above each number."""
        return self.packed([1 << self.bits - 1] * self.width)

    @property
    def of_offer(self) -> int:
        """Where the fields end that outlive an offer: units and fen of each class, for each kind of promotion there is."""
        return 2 * self.kinds * self.width * self.bits


class Laid(NamedTuple):
    """An application of an offer: its units in order of class and their shares; packed, what it takes and all it changes."""

    offer: int
    slots: tuple[tuple[int, ...], ...]
    saving_fen: int
    units: tuple[int, ...]
    fens: tuple[int, ...]
    taken: int
    changes: int

    def chosen(self, times: int) -> Chosen:
        return chosen_with(self.offer, self.slots, self.saving_fen, times, self.units, self.fens)


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

    `kinds` says what each offer leaves to later stages: what it took is told apart by that. Each application stands once a time.
    """
    if sum(map(looks, offers)) > looks_max:
        return None
    bits = sum([unit.count * max(1, unit.price_fen) for unit in classes]).bit_length() + 1
    fields = _Fields(bits, len(classes), 1 + max(kinds))
    guards = fields.guards
    states: Table = {0: (fields.packed([unit.count for unit in classes]) | guards, 0, 0, ())}
    for number, offer in enumerate(offers):
        laid = _applications(number, offer, classes, kinds[number], rounding, share, fields)
        if not laid:
            continue
        times = NO_LIMIT if offer.max_applications is None else offer.max_applications
        budget_fen = NO_LIMIT if offer.budget_fen is None else offer.budget_fen
        running = {changes: (left, times, budget_fen, way) for changes, (left, _, _, way) in states.items()}
        for one in laid:
            _lay(running, one, guards)
            if len(running) > ways_max:
                return None
        states = _best(running, (1 << fields.of_offer) - 1)
    return [way for _, _, _, way in states.values()]


def _applications(
    number: int, offer: SetOffer, classes: Sequence[UnitClass], kind: int, rounding: str, share: Share, fields: _Fields
) -> list[Laid]:
    """The different applications of an offer that can be used."""
    found: dict[int, Laid] = {}
    bits, width, _ = fields
    units_at, fens_at = 2 * kind * width * bits, (2 * kind + 1) * width * bits
    times_at = fields.of_offer
    for _, slots, saving_fen in uses(number, offer, classes, rounding):
        units = sorted(chain.from_iterable(slots))
        fens = share(saving_fen, [classes[c].price_fen for c in units])
        taken = carried = 0
        for c, fen in zip(units, fens, strict=True):
            taken += 1 << c * bits
            carried += fen << c * bits
        changes = taken << units_at | carried << fens_at | (1 | saving_fen << bits) << times_at
        if changes not in found:
            found[changes] = Laid(number, slots, saving_fen, tuple(units), tuple(fens), taken, changes)
    return list(found.values())


def _lay(running: Table, one: Laid, guards: int) -> None:
    """Each state goes on with the application once, twice ... as often as units, number and budget allow."""
    saving_fen, taken, more = one.saving_fen, one.taken, one.changes
    for changes, (left, times, budget_fen, way) in list(running.items()):
        left -= taken
        while left & guards == guards and times and budget_fen >= saving_fen:
            changes, times, budget_fen, way = changes + more, times - 1, budget_fen - saving_fen, (*way, one)
            known = running.get(changes)
            if known is None or _rank(way) < _rank(known[3]):
                running[changes] = left, times, budget_fen, way
            left -= taken


def _best(running: Table, lasting: int) -> Table:
    best: Table = {}
    for changes, state in running.items():
        left = changes & lasting
        known = best.get(left)
        if known is None or _rank(state[3]) < _rank(known[3]):
            best[left] = state
    return best


def _rank(way: Way) -> tuple[int, list[int]]:
    """Fewer applications, then the first offers: they stand in order of id."""
    return len(way), [one.offer for one in way]


def counted(way: Way) -> tuple[Chosen, ...]:
    """The applications of a way, equal ones as one, with their number."""
    times: dict[Laid, int] = {}
    for one in way:
        times[one] = times.get(one, 0) + 1
    return tuple(sorted([one.chosen(n) for one, n in times.items()]))
