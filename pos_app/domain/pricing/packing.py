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

WIDER = 4
BEAM = 12
COLUMNS_MAX = 1_500  # in a window


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

    def _prove(self, prices: Sequence[int]) -> None:
        """Look for better choices in wider and wider windows until none can be outside."""
        grain, full = self.problem.grain, self.bound
        width = full // 64
        while self.bound - self._goal() >= grain and self.effort.left:
            width = max(grain, min(width, full - self._goal() - grain))
            columns = self.problem.stock.within(prices, width, COLUMNS_MAX)
            if columns is None:
                width //= 2
                continue
            if self._look(columns, prices, full - width) or full - width <= self._goal() + grain:
                break
            width *= WIDER

    def _look(self, columns: list[Column], prices: Sequence[int], outside: int) -> bool:
        """Find the best choice of the columns in the window, when it is worth `outside` or more; whether it is the best of all."""
        problem = self.problem
        self._keep(greedy(columns, prices, problem.capacities))
        simplex = self.simplex.copy()
        cuts = Cuts(problem.units, problem.capacities)
        extended = cuts.tighten(simplex, columns)
        sharp = whole_prices(simplex.prices, extended)
        bound = _worth(sharp, [*problem.capacities, *cuts.limits])
        least = max(outside, self._goal() + problem.grain)
        if bound >= least:
            original = dict(zip(extended, columns, strict=True))
            paths = Paths(problem.capacities, problem.units, extended, sharp, bound - least, cuts.found, self.effort)
            good = paths.beam(BEAM)
            if good is not None:
                self._keep({original[column]: n for column, n in good.items()})
                least = max(least, self._goal() + problem.grain)
                paths.loss_max = bound - least
            found = paths.shortest()
            if found is not None:
                self._keep({original[column]: n for column, n in found.items()})
                self.bound = self.value
                return True
            bound -= paths.waiting
        self.bound = min(self.bound, max(self.value, outside - 1, bound))
        return False


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
