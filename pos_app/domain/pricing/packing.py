"""The most valuable choice of columns that fits the rows: `max v.x, A x <= b`, x whole, with the bound that nothing exceeds.

1. Prices of the rows (packing_prices.py) bound the value by `u.b`. Columns are not listed: a stock is asked for those that are
   worth more than their price.
2. Against that bound every column has a loss, `u.A - v`, and so has every unit of a row that stays unused, `u`. A choice is
   worth the bound less the losses in it. Further rows that cut off fractions make the bound sharper (packing_sharp.py).
3. A good choice is what the fractional one has whole, filled up; then stretches of rows are filled anew (packing_paths.py).
4. Only columns that lose less than lies between both can be in a better choice: the least loss among them ends the search.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pos_app.domain.pricing.packing_effort import Effort
from pos_app.domain.pricing.packing_every import every_way
from pos_app.domain.pricing.packing_paths import Paths
from pos_app.domain.pricing.packing_prices import Column, Simplex, repair, whole_prices
from pos_app.domain.pricing.packing_sharp import COLUMNS_MAX, Accept, Problem, Sharp, Stock, loss_of, worth_of

__all__ = ["Packed", "Problem", "Stock", "pack"]

BEAM = 12  # states that go on
SPAN = 14  # rows filled anew at a time
FEW = 60  # columns that are looked through without cuts
SHOWN_STEPS = 120  # what it costs to show a choice


class Packed(NamedTuple):
    """How often each column is chosen, what they are worth together, and what no legal choice is worth more than

    (none that was not shown, where choices were shown)."""

    times: dict[Column, int]
    value: int
    bound: int


def pack(problem: Problem, effort: Effort) -> Packed:
    """The best choice found within an effort, and its bound."""
    return _Search(problem, effort).run()


class _Search:
    """One search: the best choice so far, its value, the bound of all choices, and what a choice has to exceed."""

    def __init__(self, problem: Problem, effort: Effort) -> None:
        self.problem, self.effort, self.floor = problem, effort, problem.floor
        self.simplex = Simplex(problem.capacities, effort)
        self.times: dict[Column, int] = {}
        self.value = 0
        self.bound = 0

    def run(self) -> Packed:
        problem = self.problem
        seen: list[Column] = []
        is_settled = self._settle(seen)
        prices = whole_prices(self.simplex.prices, seen)
        repair(prices, problem.stock.listed)
        is_settled = is_settled and self._repaired(prices, seen)
        self._keep(greedy(seen, prices, problem.capacities))
        self.bound = worth_of(prices, problem.capacities)
        if not is_settled:
            self.bound += problem.stock.surplus(prices)
            return Packed(self.times, self.value, max(self.bound, self.value))
        sharp = self._prove(prices, seen)
        self.bound = max(self.bound, self.value)
        if problem.accept is not None:
            self._show(sharp, problem.accept)
        return Packed(self.times, self.value, self.bound)

    def _goal(self) -> int:
        """What a choice has to exceed."""
        return max(self.value, self.floor)

    def _keep(self, times: Mapping[Column, int]) -> None:
        value = sum([column.value * n for column, n in times.items()])
        if value > self.value:
            self.value, self.times = value, dict(times)

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

    def _prove(self, prices: list[int], seen: Sequence[Column]) -> Sharp:
        """Look through all columns that can be in a better choice: at once where they are few, else after cuts.

        The answer holds prices that are good for every column.
        """
        first = Sharp(self.problem, self.simplex, prices)
        if self._gap() < self.problem.grain:
            return first
        if self.problem.units <= 2 * SPAN:
            window = self.problem.stock.within(prices, self._gap() - self.problem.grain, FEW)
            if window is not None:
                self._finish(first, window)
                return first
        columns = self._narrow(seen, prices)
        self._keep(greedy(columns, prices, self.problem.capacities))
        if self.problem.units > 2 * SPAN:
            self._try(first, columns)
            columns = columns[: 3 * len(self.problem.capacities)]
        return self._cut(first, columns)

    def _cut(self, first: Sharp, columns: list[Column]) -> Sharp:
        sharp = Sharp(self.problem, self.simplex, first.prices)
        is_good = sharp.settle(columns)
        if is_good:
            self.bound = min(self.bound, sharp.bound)
        self._try(sharp, sharp.columns)
        if is_good and self._gap() >= self.problem.grain and self.effort.left:
            self._finish(sharp, sharp.within(sharp.bound - self._goal() - self.problem.grain))
        return sharp if is_good and sharp.bound <= first.bound else first

    def _show(self, sharp: Sharp, accept: Accept) -> None:
        """Show the best choice, then every other one above the floor, which each answer may raise."""
        if self.value > self.floor:
            self.floor = max(self.floor, accept(self.times))
        window = sharp.within(sharp.bound - self.floor - self.problem.grain)
        if window is None:
            return
        paths = sharp.paths(window, sharp.bound - self.floor - self.problem.grain)
        for columns in every_way(paths):
            if not self.effort.spend(SHOWN_STEPS):
                return
            times: dict[Column, int] = {}
            for column in columns:
                original = sharp.original(column)
                times[original] = times.get(original, 0) + 1
            self.floor = max(self.floor, accept(times))
            paths.loss_max = sharp.bound - self.floor - self.problem.grain
        if self.effort.left:
            self.bound = self.floor

    def _gap(self) -> int:
        return self.bound - self._goal()

    def _narrow(self, seen: Sequence[Column], prices: list[int]) -> list[Column]:
        """Those columns that lose least, a few for each row; where there are many rows, only of the columns met so far."""
        rows = len(self.problem.capacities)
        width, count_max = self.bound // (4 + 3 * rows), 20 + 8 * rows
        if self.problem.units > 2 * SPAN:
            known = list(dict.fromkeys(seen))
            losses = sorted([(loss_of(column, prices), n) for n, column in enumerate(known)])
            return [known[n] for _, n in losses[:count_max]]
        found = None
        while found is None and width > self.problem.grain:
            found = self.problem.stock.within(prices, width, count_max)
            width //= 2
        return found or [column for column in self.simplex.basis if not isinstance(column, int)]

    def _try(self, sharp: Sharp, columns: Sequence[Column]) -> None:
        """Look for a good choice among some columns, then make it better part by part."""
        goal, grain = self._goal(), self.problem.grain
        if sharp.bound - goal < grain:
            return
        paths = sharp.paths(columns, sharp.bound - goal - grain)
        self._fill(sharp, paths, sharp.whole_part())
        if sharp.bound - self._goal() >= grain and self.problem.units <= 2 * SPAN:
            self._fill(sharp, paths, {})
        if sharp.bound - self._goal() >= grain and self.problem.units > SPAN:
            for first in range(0, len(paths.order), SPAN // 2):
                rows = set(paths.order[first : first + SPAN])
                self._fill(sharp, paths, {c: n for c, n in self.times.items() if rows.isdisjoint([row for row, _ in c.rows])})

    def _fill(self, sharp: Sharp, paths: Paths, kept: dict[Column, int]) -> None:
        """Fill the rows that some columns leave as well as possible; kept when that is better than what was known.

        Columns of a fractional choice that effort ended before its time may not fit; then nothing is done.
        """
        left = list(self.problem.capacities)
        for column, n in kept.items():
            for row, amount in column.rows:
                left[row] -= amount * n
        if min(left) < 0:
            return
        worth = sum([column.value * n for column, n in kept.items()])
        paths.loss_max = paths.worth(left) + worth - self.value - self.problem.grain
        found = paths.beam(BEAM, left) if paths.loss_max >= 0 else None
        if found is not None:
            times = dict(kept)
            for column, n in found.items():
                original = sharp.original(column)
                times[original] = times.get(original, 0) + n
            self._keep(times)

    def _finish(self, sharp: Sharp, window: list[Column] | None) -> None:
        """Find the best choice of all columns that can be in a better one; None where they were too many."""
        if window is None:
            return
        paths = sharp.paths(window, sharp.bound - self._goal() - self.problem.grain)
        found = paths.shortest()
        if found is not None:
            self._keep({sharp.original(column): n for column, n in found.items()})
        self.bound = self._goal() if found is not None else max(self._goal(), sharp.bound - paths.waiting)


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
