"""What a packing problem is, and its fractional side made sharp: prices of rows and cuts that hold for every column there is."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from pos_app.domain.pricing.packing_cuts import Cuts
from pos_app.domain.pricing.packing_paths import Paths
from pos_app.domain.pricing.packing_prices import Column, Simplex, repair, whole_prices

TURNS = 6  # of cutting and letting in
HALVINGS = 4
COLUMNS_MAX = 3_000  # in a window

Accept = Callable[[Mapping[Column, int]], int]


class Stock(Protocol):
    """Columns that are asked for by price; a few may be `listed` once for all. Every question spends effort."""

    listed: list[Column]

    def worth(self, prices: Sequence[float], above: float) -> list[Column]:
        """Some columns worth more than their price and `above`, the most so first; none only when there are none."""

    def within(self, prices: Sequence[int], loss_max: int, count_max: int) -> list[Column] | None:
        """All columns that lose so much at most at these prices, or None when there are more than `count_max`."""

    def surplus(self, prices: Sequence[int]) -> int:
        """What a choice could be worth above the price of all capacities at most."""


class Problem(NamedTuple):
    """Where columns come from, and capacities. The first `units` rows are decided one by one, the others only kept to.

    Values are multiples of `grain`. A choice that is worth `floor` or less is not asked for. Where `accept` is given it is shown
    the best choice, then every other one above the floor, and answers with the new floor each time.
    """

    stock: Stock
    capacities: Sequence[int]
    units: int
    grain: int = 1
    floor: int = 0
    accept: Accept | None = None


class Sharp:
    """The fractional problem with cuts: prices of rows and cuts at which no column at all is worth more than its price."""

    def __init__(self, problem: Problem, simplex: Simplex, prices: list[int]) -> None:
        self.problem, self.simplex, self.prices = problem, simplex, prices
        self.effort = simplex.effort
        self.cuts = Cuts(problem.units, problem.capacities)
        self.columns: list[Column] = []

    @property
    def bound(self) -> int:
        return worth_of(self.prices, [*self.problem.capacities, *self.cuts.limits])

    def settle(self, columns: list[Column]) -> bool:
        """Cut, and let in what is worth more than its price now, in turns; whether the prices hold for every column.

        It begins with the columns that lose least.
        """
        self.columns = columns
        at_first = self.prices
        self.simplex.effort = self.effort.part()
        for _ in range(TURNS):
            self.columns = self.cuts.tighten(self.simplex, self.columns)
            self.prices = whole_prices(self.simplex.prices, self.columns)
            missed = self._missed()
            if missed is None:
                break
            if not missed:
                return True
            self.columns += missed
            self.simplex.let_in(self.columns, self.problem.grain / 60)
        self.prices = whole_prices(self.simplex.prices, self.columns)
        return self._repaired() or self._between(at_first)

    def _repaired(self) -> bool:
        """Make the prices good for every column; False where too many are worth more."""
        while missed := self._missed():
            self.columns += missed
            repair(self.prices, missed)
        return missed is not None

    def _between(self, at_first: Sequence[int]) -> bool:
        """Try prices half way back to the first ones, at which no column was worth more than its price."""
        padded = [*at_first, *[0] * len(self.cuts.found)]
        for _ in range(HALVINGS):
            self.prices = [(one + other + 1) // 2 for one, other in zip(self.prices, padded, strict=True)]
            repair(self.prices, self.columns)
            if self._repaired():
                return True
        return False

    def paths(self, columns: Sequence[Column], loss_max: int) -> Paths:
        problem = self.problem
        return Paths(problem.capacities, problem.units, columns, self.prices, loss_max, self.cuts.found, self.effort)

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
        return Column(column.value, tuple([entry for entry in column.rows if entry[0] < size]), column.tag)


def loss_of(column: Column, prices: Sequence[int]) -> int:
    """What a column's rows cost above what it is worth."""
    return sum([prices[row] * amount for row, amount in column.rows]) - column.value


def worth_of(prices: Sequence[int], capacities: Sequence[int]) -> int:
    """All capacities at their prices."""
    return sum([price * capacity for price, capacity in zip(prices, capacities, strict=True)])
