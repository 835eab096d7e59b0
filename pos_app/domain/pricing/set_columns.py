"""The applications of one set promotion: the best one at given unit prices, and all that lose little against them.

A promotion is read as steps: an application picks units step by step, and the saving is a constant plus what each step gives for
the class it picks. Second at half price: step one pays, step two gets half of its price off, picked from the dearest class down,
so that the cheaper unit is the reduced one. Nothing is listed that is not asked for: three of any hundred classes are 170,000
applications, of which a search looks at a few dozen.
"""

from bisect import insort
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pos_app.domain.pricing.mechanics.rounding import off_fen
from pos_app.domain.pricing.mechanics.sets import SetShape

NEVER = float("-inf")


class UnitClass(NamedTuple):
    """Equal units of one line at one price."""

    price_fen: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nothing asks a class for


class SetOffer(NamedTuple):
    """One promotion of stage 1 in this basket; `slots` hold the classes in each slot's scope."""

    shape: SetShape
    slots: tuple[tuple[int, ...], ...]
    max_applications: int | None = None
    budget_fen: int | None = None


Share = Callable[[int, Sequence[int]], list[int]]


class Chosen(NamedTuple):
    """One application, `times` times: (class, units) per slot, and (class, fen) for what all units of a class carry."""

    offer: int
    slots: tuple[tuple[tuple[int, int], ...], ...]
    saving_fen: int
    shares: tuple[tuple[int, int], ...]
    times: int


def chosen_of(
    offer: int, slots: Sequence[Sequence[int]], saving_fen: int, times: int, classes: Sequence[UnitClass], share: Share
) -> Chosen:
    """An application of the units in `slots` (a class once a unit), with its saving shared by price."""
    units = sorted([c for slot in slots for c in slot])
    if units[0] == units[-1]:  # one class carries it all
        return Chosen(offer, tuple([((units[0], len(slot)),) for slot in slots]), saving_fen, ((units[0], saving_fen),), times)
    return chosen_with(offer, slots, saving_fen, times, units, share(saving_fen, [classes[c].price_fen for c in units]))


def chosen_with(
    offer: int, slots: Sequence[Sequence[int]], saving_fen: int, times: int, units: Sequence[int], fens: Sequence[int]
) -> Chosen:
    """The same where all its units, in order of class, have their shares."""
    shares = dict.fromkeys(units, 0)
    for c, fen in zip(units, fens, strict=True):
        shares[c] += fen
    counted = tuple([tuple([(c, slot.count(c)) for c in shares if c in slot]) for slot in slots])
    return Chosen(offer, counted, saving_fen, tuple(shares.items()), times)


class Application(NamedTuple):
    """Units an application takes (a class once a unit, slot by slot) and what it saves."""

    offer: int
    slots: tuple[tuple[int, ...], ...]
    saving_fen: int

    @property
    def units(self) -> tuple[int, ...]:
        """The classes it uses, in canonical order, once a unit."""
        return tuple(sorted([c for slot in self.slots for c in slot]))


class Run(NamedTuple):
    """`take` units out of `items` (a class once a unit, in the order of picking); the last `reduced` of them give `gives[c]`."""

    items: tuple[int, ...]
    take: int
    reduced: int
    gives: Sequence[int]


class Goods:
    """The classes of a basket as promotions see them: prices, order, and what a percentage takes off each."""

    def __init__(self, classes: Sequence[UnitClass], rounding: str) -> None:
        self.classes, self.rounding = classes, rounding
        self.prices = [unit.price_fen for unit in classes]
        self.counts = [unit.count for unit in classes]
        order = sorted(range(len(classes)), key=lambda c: (-self.prices[c], c))
        self.rank = [0] * len(classes)
        for n, c in enumerate(order):
            self.rank[c] = n
        self._off: dict[int, list[int]] = {}
        self.nothing = [0] * len(classes)

    def off(self, percent: int) -> list[int]:
        if percent not in self._off:
            self._off[percent] = [off_fen(price, percent, self.rounding) for price in self.prices]
        return self._off[percent]

    def run(self, members: Sequence[int], take: int, reduced: int, gives: Sequence[int]) -> Run:
        """The members in the order of picking, the dearest first."""
        counts = self.counts
        order = sorted(members, key=self.rank.__getitem__)
        return Run(tuple([c for c in order for _ in range(min(take, counts[c]))]), take, reduced, gives)


class Source:
    """One promotion's applications. `at_once_fen` is the part of the saving that no step gives (below zero: a fixed price)."""

    def __init__(self, number: int, offer: SetOffer, goods: Goods) -> None:
        self.number, self.offer, self.goods = number, offer, goods
        shape = offer.shape
        self.at_once_fen = 0
        self.runs: tuple[Run, ...]
        self._read(shape)
        scope = set().union(*offer.slots)
        self.scope = scope
        self.overlaps = len(scope) < sum(map(len, offer.slots))
        self.is_exact = not self.overlaps and (shape.amount_fen is None or shape.amount_fen <= self._least_fen())
        self.times_max = min([
            sum([goods.counts[c] for c in members]) // slot.units for members, slot in zip(offer.slots, shape.slots, strict=True)
        ])  # fmt: skip

    def _read(self, shape: SetShape) -> None:
        goods, slots = self.goods, list(zip(self.offer.slots, shape.slots, strict=True))
        last = len(slots) - 1
        if shape.price_fen is not None:
            self.at_once_fen = -shape.price_fen
            self.runs = tuple([goods.run(members, slot.units, slot.units, goods.prices) for members, slot in slots])
        elif shape.amount_fen is not None:
            self.at_once_fen = shape.amount_fen
            self.runs = tuple([goods.run(members, slot.units, 0, goods.nothing) for members, slot in slots])
        else:
            off = goods.off(shape.percent)
            cheapest = [shape.cheapest if shape.cheapest else slot.units if n == last else 0 for n, (_, slot) in enumerate(slots)]
            pairs = zip(slots, cheapest, strict=True)
            self.runs = tuple([goods.run(members, slot.units, reduced, off) for (members, slot), reduced in pairs])

    def _least_fen(self) -> int:
        """What the cheapest units of each slot cost together."""
        prices = self.goods.prices
        return sum([sum([prices[c] for c in run.items[-run.take :]]) for run in self.runs])

    def saving_fen(self, picked: Sequence[Sequence[int]]) -> int:
        """What an application really saves."""
        saving_fen = self.at_once_fen
        for run, classes in zip(self.runs, picked, strict=True):
            if run.reduced:
                gives = run.gives
                saving_fen += sum([gives[c] for c in classes[run.take - run.reduced :]])
        if self.offer.shape.amount_fen is not None:
            prices = self.goods.prices
            return min(saving_fen, sum([prices[c] for classes in picked for c in classes]))
        return saving_fen

    def fits(self, picked: Sequence[Sequence[int]]) -> bool:
        """Whether the basket has the units: slots with common goods may ask for one twice."""
        if not self.overlaps:
            return True
        units = [c for classes in picked for c in classes]
        return all(units.count(c) <= self.goods.counts[c] for c in set(units))

    def best(self, prices: Sequence[float], factor: float) -> tuple[float, list[tuple[int, ...]]]:
        """The most that `factor x saving - prices of the units` comes to, and units that reach it.

        Slots with common goods may pick a unit twice, and an amount larger than its units is not cut: the most is then a bound.
        """
        total = factor * self.at_once_fen
        picked = []
        for run in self.runs:
            most, classes = _best(run, prices, factor)
            total += most
            picked.append(classes)
        return total, picked

    def within(self, prices: Sequence[float], factor: float, least: float, count_max: int) -> tuple[list[Application], bool]:
        """Applications with `factor x saving - prices of the units >= least` (or that `best` cannot tell from one), and whether

        these are all of them: no more than `count_max` picks are looked at.
        """
        reaches = [_reach(run, prices, factor) for run in self.runs]
        picks: list[tuple[float, tuple[tuple[int, ...], ...]]] = [(factor * self.at_once_fen, ())]
        after = sum([reach.most for reach in reaches])
        for run, reach in zip(self.runs, reaches, strict=True):
            after -= reach.most
            longer: list[tuple[float, tuple[tuple[int, ...], ...]]] = []
            for got, picked in picks:
                ways = _ways(run, reach, prices, factor, least - after - got, count_max + 1 - len(longer))
                longer += [(got + more, (*picked, classes)) for more, classes in ways]
                if len(longer) > count_max:
                    break
            picks = longer
        is_all = len(picks) <= count_max
        found = []
        for _, picked in picks:
            saving_fen = self.saving_fen(picked)
            if saving_fen > 0 and self.fits(picked):
                found.append(Application(self.number, picked, saving_fen))
        return found, is_all


class Reach(NamedTuple):
    """The most a run comes to; what each class does where it takes one; a table where it takes more (see `_table`)."""

    most: float
    ones: Sequence[tuple[float, tuple[int, ...]]]
    table: list[list[float]]


def _reach(run: Run, prices: Sequence[float], factor: float) -> Reach:
    if run.take > 1:
        table = _table(run, prices, factor)
        return Reach(table[0][0], [], table)
    share = factor if run.reduced else 0
    ones = [(share * run.gives[c] - prices[c], (c,)) for c in run.items]
    return Reach(max(ones)[0], ones, [])


def _ways(
    run: Run, reach: Reach, prices: Sequence[float], factor: float, least: float, count_max: int
) -> list[tuple[float, tuple[int, ...]]]:
    """The picks of a run that come to `least` or more, `count_max` of them at most, with what they come to."""
    if run.take == 1:
        return [one for one in reach.ones if one[0] >= least][:count_max]
    found: list[tuple[float, tuple[int, ...]]] = []
    _walk(run, reach.table, prices, factor, least, count_max, 0, (), 0, found)
    return found


def _best(run: Run, prices: Sequence[float], factor: float) -> tuple[float, tuple[int, ...]]:
    items, take, reduced, gives = run
    if take == 1:
        if not reduced:
            c = min(items, key=prices.__getitem__)
            return -prices[c], (c,)
        gains = [factor * gives[c] - prices[c] for c in items]
        most = max(gains)
        return most, (items[gains.index(most)],)
    if reduced == 1:
        return _best_cheapest(run, prices, factor)
    if reduced == 0 or reduced == take:
        share = factor if reduced else 0
        order = sorted([(prices[c] - share * gives[c], n, c) for n, c in enumerate(items)])[:take]
        order.sort(key=lambda entry: entry[1])
        return -sum([entry[0] for entry in order]), tuple([entry[2] for entry in order])
    table = _table(run, prices, factor)
    picked: list[int] = []
    for c, row in zip(items, table[1:], strict=True):  # by the sums of the table: a difference of two of them may be noise
        step = len(picked)
        share = factor * gives[c] if step >= take - reduced else 0
        if step < take and -prices[c] + share + row[step + 1] >= row[step]:
            picked.append(c)
    return table[0][0], tuple(picked)


def _best_cheapest(run: Run, prices: Sequence[float], factor: float) -> tuple[float, tuple[int, ...]]:
    """One unit is reduced; the others are the lowest prices among those at least as dear."""
    items, take, _, gives = run
    low: list[tuple[float, int]] = []
    room = take - 1
    most, at, paid = NEVER, -1, low
    sum_low: float = 0
    for n, c in enumerate(items):
        price = prices[c]
        if len(low) == room:
            gain = factor * gives[c] - price - sum_low
            if gain > most:
                most, at, paid = gain, n, low[:]
            if price >= low[-1][0]:
                continue
            sum_low -= low.pop()[0]
        insort(low, (price, n))
        sum_low += price
    return most, (*[items[n] for n in sorted([entry[1] for entry in paid])], items[at])


def _table(run: Run, prices: Sequence[float], factor: float) -> list[list[float]]:
    """The most that is to be had from an item on with so many units picked: `table[item][picked]`."""
    items, take, reduced, gives = run
    payers = take - reduced
    row: list[float] = [NEVER] * take + [0]
    rows = [row]
    for c in reversed(items):
        pay = -prices[c]
        gain = pay + factor * gives[c]
        row = [max(row[t], (pay if t < payers else gain) + row[t + 1]) for t in range(take)] + [0]
        rows.append(row)
    rows.reverse()
    return rows


def _walk(
    run: Run, table: list[list[float]], prices: Sequence[float], factor: float, least: float, count_max: int,
    start: int, picked: tuple[int, ...], got: float, found: list[tuple[float, tuple[int, ...]]],
) -> None:  # fmt: skip
    """All ways to go on from `start` that end with `least` or more; of equal units the first ones are taken."""
    items, take, reduced, gives = run
    step = len(picked)
    if step == take:
        found.append((got, picked))
        return
    share = factor if step >= take - reduced else 0
    n, end = start, len(items)
    while n < end and got + table[n][step] >= least and len(found) < count_max:
        c = items[n]
        more = got + share * gives[c] - prices[c]
        if more + table[n + 1][step + 1] >= least:
            _walk(run, table, prices, factor, least, count_max, n + 1, (*picked, c), more, found)
        n += 1
        while n < end and items[n] == c:
            n += 1
