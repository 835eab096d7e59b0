"""The most valuable choice of columns that fits the rows: `max v.x, A x <= b`, x whole, with the bound that nothing exceeds.

1. Prices of the rows (packing_prices.py) bound the value by `u.b`. Columns are not listed: a stock is asked for those that are
   worth more than their price.
2. Against that bound every column has a loss, `u.A - v`, and so has every unit of a row that stays unused, `u`. A choice is
   worth the bound less the losses in it; only columns that lose little can be in the best one. They are the window.
3. Over the window further rows make the bound sharper (packing_cuts.py), and packing_paths.py finds the choice that loses least.
   If it loses more than the window is wide the window is made wider.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pos_app.domain.pricing.packing_cuts import Cuts
from pos_app.domain.pricing.packing_effort import Effort
from pos_app.domain.pricing.packing_paths import Paths
from pos_app.domain.pricing.packing_prices import Column, Simplex, repair, whole_prices

TURNS = 4  # of cutting and letting in
BEAM = 12  # states that go on
SPAN = 14  # rows filled anew at a time
COLUMNS_MAX = 3_000  # in a window
FEW = 60  # columns that are looked through without cuts


class Stock(Protocol):
    """Columns that are asked for by price; a few may be `listed` once for all. Every question spends effort."""

    listed: list[Column]

    def worth(self, prices: Sequence[float], above: float) -> list[Column]:
        """Some columns worth more than their price and `above`, the most so first; none only when there are none."""

    def within(self, prices: Sequence[int], loss_max: int, count_max: int) -> list[Column] | None:
        """All columns that lose so much at most at these prices, or None when there are more than `count_max`."""

    def surplus(self, prices: Sequence[int]) -> int:
        """What a choice could be worth above the price of all capacities at most."""


class Packed(NamedTuple):
    """How often each column is chosen, what they are worth together, and what no legal choice is worth more than."""

    times: dict[Column, int]
    value: int
    bound: int
    steps: int


class Problem(NamedTuple):
    """Where columns come from, and capacities. The first `units` rows are decided one by one, the others only kept to.

    Values are multiples of `grain`. A choice that is worth `floor` or less is not asked for.
    """

    stock: Stock
    capacities: Sequence[int]
    units: int
    grain: int = 1
    floor: int = 0


def pack(problem: Problem, effort: Effort) -> Packed:
    """The best choice found within an effort, and its bound."""
    return _Search(problem, effort).run()


class _Search:
    def __init__(self, problem: Problem, effort: Effort) -> None:
        self.problem, self.effort = problem, effort
        self.simplex = Simplex(problem.capacities, effort)
        self.times: dict[Column, int] = {}
        self.value = 0
        self.bound = 0

    def run(self) -> Packed:
        start = self.effort.used
        problem = self.problem
        seen: list[Column] = []
        is_settled = self._settle(seen)
        prices = whole_prices(self.simplex.prices, seen)
        is_settled = is_settled and self._repaired(prices, seen)
        self._keep(greedy(seen, prices, problem.capacities))
        repair(prices, problem.stock.listed)
        self.bound = _worth(prices, problem.capacities)
        if is_settled:
            self._prove(prices)
        else:
            self.bound += problem.stock.surplus(prices)
        return Packed(self.times, self.value, max(self.bound, self.value), self.effort.used - start)

    def _goal(self) -> int:
        """What a choice has to exceed."""
        return max(self.value, self.problem.floor)

    def _keep(self, times: dict[Column, int]) -> None:
        value = sum([column.value * n for column, n in times.items()])
        if value > self.value:
            self.value, self.times = value, times

    def _settle(self, seen: list[Column]) -> bool:
        """Find prices at which no column is worth more than its price; `seen` gets every column met on the way."""
        simplex, stock = self.simplex, self.problem.stock
        least = float(self.problem.grain) / 60
        while self.effort.left:
            found = stock.worth(simplex.prices, least)
            if not found:
                return self.effort.left > 0
            seen += found
            for column in found:
                if simplex.excess(column) > least:
                    simplex.enter(column)
        return False

    def _repaired(self, prices: list[int], seen: list[Column]) -> bool:
        """Make rounded prices good for every column there is; whether that was possible."""
        while True:
            missed = self.problem.stock.within(prices, -1, COLUMNS_MAX)
            if missed is None:
                return False
            if not missed:
                return True
            seen += missed
            repair(prices, missed)

    def _prove(self, prices: list[int]) -> None:
        """Look through all columns that can be in a better choice: at once where they are few, else after cuts."""
        if self._gap() < self.problem.grain:
            return
        sharp = _Sharp(self.problem, self.simplex, prices)
        window = self.problem.stock.within(prices, self._gap() - self.problem.grain, FEW)
        if window is not None:
            self._finish(sharp, window)
            return
        columns = self._narrow(prices)
        self._keep(greedy(columns, prices, self.problem.capacities))
        is_good = sharp.settle(columns)
        if is_good:
            self.bound = min(self.bound, sharp.bound)
        self._try(sharp)
        if is_good and self._gap() >= self.problem.grain and self.effort.left:
            self._finish(sharp, sharp.within(sharp.bound - self._goal() - self.problem.grain))

    def _gap(self) -> int:
        return self.bound - self._goal()

    def _narrow(self, prices: list[int]) -> list[Column]:
        """The columns that lose least, a few for each row."""
        rows = len(self.problem.capacities)
        width, count_max = self.bound // (4 + 3 * rows), 20 + 8 * rows
        while width > self.problem.grain:
            found = self.problem.stock.within(prices, width, count_max)
            if found is not None:
                return found
            width //= 2
        return [column for column in self.simplex.basis if not isinstance(column, int)]

    def _try(self, sharp: "_Sharp") -> None:
        """Look for a good choice among the columns met so far, then make it better part by part."""
        goal, grain = self._goal(), self.problem.grain
        if sharp.bound - goal < grain:
            return
        paths = sharp.paths(sharp.columns, sharp.bound - goal - grain)
        self._fill(sharp, paths, {})
        if sharp.bound - self._goal() >= grain:
            self._fill(sharp, paths, sharp.whole_part())
        if sharp.bound - self._goal() >= grain and self.problem.units > SPAN:
            for first in range(0, len(paths.order), SPAN // 2):
                rows = set(paths.order[first : first + SPAN])
                self._fill(sharp, paths, {c: n for c, n in self.times.items() if rows.isdisjoint([row for row, _ in c.rows])})

    def _fill(self, sharp: "_Sharp", paths: Paths, kept: dict[Column, int]) -> None:
        """Fill the rows that some columns leave as well as possible; kept when that is better than what was known."""
        left = list(self.problem.capacities)
        for column, n in kept.items():
            for row, amount in column.rows:
                left[row] -= amount * n
        worth = sum([column.value * n for column, n in kept.items()])
        paths.loss_max = paths.worth(left) + worth - self.value - self.problem.grain
        found = paths.beam(BEAM, left) if paths.loss_max >= 0 else None
        if found is not None:
            times = dict(kept)
            for column, n in found.items():
                original = sharp.original(column)
                times[original] = times.get(original, 0) + n
            self._keep(times)

    def _finish(self, sharp: "_Sharp", window: list[Column] | None) -> None:
        """Find the best choice of all columns that can be in a better one; None where they were too many."""
        if window is None:
            return
        paths = sharp.paths(window, sharp.bound - self._goal() - self.problem.grain)
        found = paths.shortest()
        if found is not None:
            self._keep({sharp.original(column): n for column, n in found.items()})
        self.bound = self._goal() if found is not None else max(self._goal(), sharp.bound - paths.waiting)


class _Sharp:
    """The fractional problem with cuts: prices of rows and cuts at which no column at all is worth more than its price."""

    def __init__(self, problem: Problem, simplex: Simplex, prices: list[int]) -> None:
        self.problem, self.simplex, self.prices = problem, simplex, prices
        self.cuts = Cuts(problem.units, problem.capacities)
        self.columns: list[Column] = []

    @property
    def bound(self) -> int:
        return _worth(self.prices, [*self.problem.capacities, *self.cuts.limits])

    def settle(self, columns: list[Column]) -> bool:
        """Cut, and let in what is worth more than its price now, in turns; whether the prices hold for every column.

        It begins with the columns that lose least.
        """
        self.columns = columns
        for _ in range(TURNS):
            self.columns = self.cuts.tighten(self.simplex, self.columns)
            self.prices = whole_prices(self.simplex.prices, self.columns)
            missed = self._missed()
            if not missed:
                return missed is not None
            self.columns += missed
            self.simplex.let_in(self.columns, self.problem.grain / 60)
        self.prices = whole_prices(self.simplex.prices, self.columns)
        while missed := self._missed():
            self.columns += missed
            repair(self.prices, missed)
        return missed is not None

    def paths(self, columns: Sequence[Column], loss_max: int) -> Paths:
        problem = self.problem
        return Paths(problem.capacities, problem.units, columns, self.prices, loss_max, self.cuts.found, self.simplex.effort)

    def _missed(self) -> list[Column] | None:
        return self.within(-1)

    def within(self, loss_max: int) -> list[Column] | None:
        """All columns that lose so much at most, with what they take of the cuts; None when there are too many."""
        size = len(self.problem.capacities)
        found = self.problem.stock.within(self.prices[:size], loss_max, COLUMNS_MAX)
        if found is None:
            return None
        return [column for column in self.cuts.extended(found, self.prices) if loss_of(column, self.prices) <= loss_max]

    def whole_part(self) -> dict[Column, int]:
        """What the fractional choice has whole."""
        chosen = zip(self.simplex.basis, self.simplex.amounts, strict=True)
        return {self.original(c): int(x + 0.001) for c, x in chosen if not isinstance(c, int) and x > 0.999}

    def original(self, column: Column) -> Column:
        size = len(self.problem.capacities)
        return Column(column.value, tuple([entry for entry in column.rows if entry[0] < size]))


def loss_of(column: Column, prices: Sequence[int]) -> int:
    """What a column's rows cost above what it is worth."""
    return sum([prices[row] * amount for row, amount in column.rows]) - column.value


def _worth(prices: Sequence[int], capacities: Sequence[int]) -> int:
    return sum([price * capacity for price, capacity in zip(prices, capacities, strict=True)])


def greedy(columns: Sequence[Column], prices: Sequence[int], capacities: Sequence[int]) -> dict[Column, int]:
    """Columns with the smallest loss first, as often as they fit."""
    left = list(capacities)
    times: dict[Column, int] = {}
    losses = [sum([prices[row] * amount for row, amount in column.rows]) - column.value for column in columns]
    for n in sorted(range(len(columns)), key=lambda n: (losses[n], -columns[n].value, n)):
        rows = columns[n].rows
        often = min([left[row] // amount for row, amount in rows])
        if often:
            times[columns[n]] = times.get(columns[n], 0) + often
            for row, amount in rows:
                left[row] -= amount * often
    return times
