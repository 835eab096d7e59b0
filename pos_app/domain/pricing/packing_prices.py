"""Unit prices for rows of a packing problem: what the last unit of each capacity is worth when fractions are allowed.

`max v.x, A x <= b` has a dual: prices `u` with `u.A >= v` for every column bound every legal choice by `u.b`. The prices are
found by the simplex method on floats, and floats only steer: `whole_prices` rounds them to integers and repairs them until the
bound holds in integers.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

TINY = 1e-7


class Column(NamedTuple):
    """One thing to choose any number of times: its value, and what it takes of each row as (row, amount > 0)."""

    value: int
    rows: tuple[tuple[int, int], ...]


Pricer = Callable[[Sequence[float]], Iterable[Column]]


class Simplex:
    """The fractional problem. Rows keep their order; columns are added as they turn out to be worth their price.

    Capacities are made unequal by a hair, so that no two bases are equally good and the method cannot go in circles.
    """

    def __init__(self, capacities: Sequence[int]) -> None:
        size = len(capacities)
        self.capacities = capacities
        self.inverse = [[1.0 if i == j else 0.0 for j in range(size)] for i in range(size)]
        self.amounts = [capacity + 1e-4 * (1 + n * 0.618 % 1) for n, capacity in enumerate(capacities)]
        self.prices = [0.0] * size
        self.basis: list[Column | int] = list(range(size))  # a column, or the number of a row that is not full
        self.pivots = 0

    def excess(self, column: Column) -> float:
        """What a column is worth above the price of what it takes."""
        prices = self.prices
        return column.value - sum([prices[row] * amount for row, amount in column.rows])

    def enter(self, column: Column) -> None:
        """Let a column that is worth more than its price into the basis."""
        rows = column.rows
        if all(amount == 1 for _, amount in rows) and len(rows) == 2:
            i, j = rows[0][0], rows[1][0]
            direction = [line[i] + line[j] for line in self.inverse]
        else:
            direction = [sum([line[row] * amount for row, amount in rows]) for line in self.inverse]
        self._pivot(column, direction, self.excess(column))

    def enter_slack(self, row: int) -> None:
        """Let a row be less than full."""
        self._pivot(row, [line[row] for line in self.inverse], -self.prices[row])

    def _pivot(self, entering: Column | int, direction: list[float], gain: float) -> None:
        amounts, inverse = self.amounts, self.inverse
        ratios = [(amounts[n] / d, n) for n, d in enumerate(direction) if d > TINY]
        if not ratios:
            return
        step, leaving = min(ratios)
        pivot = direction[leaving]
        line = inverse[leaving] = [value / pivot for value in inverse[leaving]]
        for n, d in enumerate(direction):
            if n != leaving and (d > TINY or d < -TINY):
                inverse[n] = [a - d * b for a, b in zip(inverse[n], line, strict=True)]
                amounts[n] -= d * step
        amounts[leaving] = step
        self.prices = [price + gain * value for price, value in zip(self.prices, line, strict=True)]
        self.basis[leaving] = entering
        self.pivots += 1

    def settle(self, columns: Sequence[Column], pivots_max: int) -> bool:
        """Pivot until no column is worth more than its price; whether that was reached."""
        while self.pivots < pivots_max:
            wanted = self._worth(columns)
            if not wanted:
                return True
            for _, _, column in wanted:
                if self.pivots < pivots_max and self.excess(column) > TINY * abs(column.value):
                    self.enter(column)
                while self.pivots < pivots_max and min(self.prices) < -TINY:
                    self.enter_slack(self.prices.index(min(self.prices)))
        return False

    def _worth(self, columns: Sequence[Column]) -> list[tuple[float, int, Column]]:
        """The columns that are worth most above their price, no two of them for the same row."""
        found = []
        for n, column in enumerate(columns):
            excess = self.excess(column)
            if excess > TINY * abs(column.value) + TINY:
                found.append((-excess, n, column))
        found.sort()
        return _apart(found)


def _apart(found: Sequence[tuple[float, int, Column]]) -> list[tuple[float, int, Column]]:
    taken: set[int] = set()
    kept = []
    for entry in found:
        rows = [row for row, _ in entry[2].rows]
        if taken.isdisjoint(rows):
            taken.update(rows)
            kept.append(entry)
    return kept


def whole_prices(prices: Sequence[float], columns: Iterable[Column]) -> list[int]:
    """Integer prices near the given ones at which no column is worth more than its price."""
    whole = [max(0, round(price)) for price in prices]
    for column in columns:
        short = column.value - sum([whole[row] * amount for row, amount in column.rows])
        if short > 0:
            row, amount = column.rows[0]
            whole[row] += -(-short // amount)
    return whole
