"""Unit prices for rows of a packing problem: what the last unit of each capacity is worth when fractions are allowed.

`max v.x, A x <= b` has a dual: prices `u` with `u.A >= v` for every column bound every legal choice by `u.b`. The prices are
found by the simplex method on floats, and floats only steer: `whole_prices` rounds them to integers and repairs them until the
bound holds in integers.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pos_app.domain.pricing.packing_effort import Effort

TINY, LARGE = 1e-7, 1_000


class Column(NamedTuple):
    """One thing to choose any number of times: its value, and what it takes of each row as (row, amount > 0).

    `tag` keeps columns apart that are the same to the search.
    """

    value: int
    rows: tuple[tuple[int, int], ...]
    tag: int = 0


class Simplex:
    """The fractional problem. Rows keep their order; columns are added as they turn out to be worth their price.

    Capacities are made unequal by a hair, so that no two bases are equally good and the method cannot go in circles. What is
    unused of a row is counted in `units` of it: a budget of 200,000,000 would else drown the units of goods.
    """

    def __init__(self, capacities: Sequence[int], effort: Effort) -> None:
        size = len(capacities)
        self.effort = effort
        self.units = [float(capacity) if capacity > LARGE else 1.0 for capacity in capacities]
        self.inverse = [[1.0 / unit if i == j else 0.0 for j in range(size)] for i, unit in enumerate(self.units)]
        fractions = (capacity / unit for capacity, unit in zip(capacities, self.units, strict=True))
        self.amounts = [fraction + 1e-5 * (1 + n * 0.618 % 1) for n, fraction in enumerate(fractions)]
        self.prices = [0.0] * size
        self.basis: list[Column | int] = list(range(size))  # a column, or the number of a row that is not full

    def excess(self, column: Column) -> float:
        """What a column is worth above the price of what it takes."""
        prices = self.prices
        return column.value - sum([prices[row] * amount for row, amount in column.rows])

    def enter(self, column: Column) -> None:
        """Let a column that is worth more than its price into the basis; afterwards no price is below zero."""
        self._pivot(column, self._direction(column), self.excess(column), None)
        while min(self.prices) < -TINY:
            self._enter_unused(self.prices.index(min(self.prices)), None)

    def _enter_unused(self, row: int, leaving: int | None) -> None:
        """Let what is unused of a row into the basis."""
        unit = self.units[row]
        self._pivot(row, [line[row] * unit for line in self.inverse], -self.prices[row] * unit, leaving)

    def let_in(self, columns: Sequence[Column], above: float) -> None:
        """Pivot until none of the columns is worth so much more than its price."""
        while self.effort.spend(1 + len(columns) // 8):
            excess = [(self.excess(column), n) for n, column in enumerate(columns)]
            wanted = sorted([entry for entry in excess if entry[0] > above], reverse=True)
            if not wanted:
                return
            for _, n in wanted[:20]:
                if self.excess(columns[n]) > above:
                    self.enter(columns[n])

    def _direction(self, column: Column) -> list[float]:
        rows = column.rows
        if len(rows) == 2:
            (i, m), (j, n) = rows
            return [line[i] * m + line[j] * n for line in self.inverse]
        return [sum([line[row] * amount for row, amount in rows]) for line in self.inverse]

    def _pivot(self, entering: Column | int, direction: list[float], gain: float, leaving: int | None) -> None:
        amounts, inverse = self.amounts, self.inverse
        if leaving is None:
            ratios = [(amounts[n] / d, n) for n, d in enumerate(direction) if d > TINY]
            leaving = min(ratios)[1]
        pivot = direction[leaving]
        step = amounts[leaving] / pivot
        line = inverse[leaving] = [value / pivot for value in inverse[leaving]]
        filled = [(k, value) for k, value in enumerate(line) if value]
        is_sparse = 3 * len(filled) < len(line)
        for n, d in enumerate(direction):
            if (d > TINY or d < -TINY) and n != leaving:
                if is_sparse:
                    other = inverse[n]
                    for k, value in filled:
                        other[k] -= d * value
                else:
                    inverse[n] = [a - d * b for a, b in zip(inverse[n], line)]  # noqa: B905 (equally long; the inner loop)
                amounts[n] -= d * step
        amounts[leaving] = step
        self.prices = [price + gain * value for price, value in zip(self.prices, line, strict=True)]
        self.basis[leaving] = entering
        self.effort.spend(2 + len(inverse) // 8)

    # ------------------------------------------------------------------ rows that come later

    def add_row(self, takes: Sequence[int], capacity: int) -> int:
        """A further row, of which the columns in the basis take so much; its number."""
        row = len(self.prices)
        for n, amount in enumerate(takes):
            column = self.basis[n]
            if amount and not isinstance(column, int):
                self.basis[n] = Column(column.value, (*column.rows, (row, amount)), column.tag)
        line = [0.0] * row
        for n, amount in enumerate(takes):
            if amount:
                line = [a - amount * b for a, b in zip(line, self.inverse[n], strict=True)]
        for old in self.inverse:
            old.append(0.0)
        self.inverse.append([*line, 1.0])
        self.amounts.append(capacity - sum([amount * self.amounts[n] for n, amount in enumerate(takes)]))
        self.prices.append(0.0)
        self.units.append(1.0)
        self.basis.append(row)
        return row

    def restore(self, columns: Sequence[Column]) -> None:
        """Pivot until no row is overfull again. No column is worth more than its price, before and after."""
        while self.effort.spend(len(columns) // 8):
            leaving = min(range(len(self.amounts)), key=self.amounts.__getitem__)
            if self.amounts[leaving] > -1e-6:
                return
            line = self.inverse[leaving]
            entering = self._cheapest_entry(columns, line)
            if entering is None:
                return
            if isinstance(entering, int):
                self._enter_unused(entering, leaving)
            else:
                self._pivot(entering, self._direction(entering), self.excess(entering), leaving)

    def _cheapest_entry(self, columns: Sequence[Column], line: Sequence[float]) -> Column | int | None:
        least, entering = float("inf"), None
        prices = self.prices
        found: Column | int | None = entering
        for column in columns:
            rows = column.rows
            slope = sum([line[row] * amount for row, amount in rows])
            if slope < -1e-6:
                ratio = (sum([prices[row] * amount for row, amount in rows]) - column.value) / -slope
                if ratio < least:
                    least, found = ratio, column
        for row, slope in enumerate(line):
            if slope * self.units[row] < -1e-6 and prices[row] / -slope < least:
                least, found = prices[row] / -slope, row
        return found


def whole_prices(prices: Sequence[float], columns: Iterable[Column]) -> list[int]:
    """Integer prices near the given ones at which no column is worth more than its price."""
    whole = [max(0, round(price)) for price in prices]
    repair(whole, columns)
    return whole


def repair(whole: list[int], columns: Iterable[Column]) -> None:
    """Raise prices until no column is worth more than its price."""
    for column in columns:
        short = column.value - sum([whole[row] * amount for row, amount in column.rows])
        if short > 0:
            row, amount = column.rows[0]
            whole[row] += -(-short // amount)
