"""The most valuable choice of columns that fits the rows: `max v.x, A x <= b`, x whole, with the bound that nothing exceeds.

Prices of the rows (packing_prices.py) bound the value by `u.b`. Against that bound every column has a loss, `u.A - v`, and so
has every unit of a row that stays unused, `u`. A choice's value is the bound less the losses in it, so the best choice is the
one that loses least: a shortest path over what is left of the rows. States are taken in order of their loss; the first one
with nothing left to decide is the best choice, and at any moment the bound less the smallest loss that waits is still a bound.
"""

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from pos_app.domain.pricing.packing_prices import Column, Simplex, whole_prices


class Packed(NamedTuple):
    """How often each column is chosen, what they are worth together, and what no legal choice is worth more than."""

    times: dict[Column, int]
    value: int
    bound: int
    steps: int


class Problem(NamedTuple):
    """Columns and capacities. The first `units` rows are decided one by one; the others only have to be kept to.

    Values are multiples of `grain`. A choice that is worth `floor` or less is not asked for.
    """

    columns: Sequence[Column]
    capacities: Sequence[int]
    units: int
    grain: int = 1
    floor: int = 0


def pack(problem: Problem, effort: int) -> Packed:
    """The best choice found within `effort` steps (a step is a state looked into or a pivot), and its bound."""
    columns = [column for column in problem.columns if _fits(column, problem.capacities)]
    simplex = Simplex(problem.capacities)
    simplex.settle(columns, effort // 2)
    prices = whole_prices(simplex.prices, columns)
    bound = sum(price * capacity for price, capacity in zip(prices, problem.capacities, strict=True))
    times = _greedy(columns, prices, problem.capacities)
    value = _value(times)
    gap = bound - max(value, problem.floor)
    if gap < problem.grain:
        return Packed(times, value, bound, simplex.pivots)
    paths = _Paths(problem, columns, prices, gap - problem.grain)
    found = paths.shortest(effort - simplex.pivots)
    steps = simplex.pivots + paths.steps
    if found is not None:
        times = found
        value = _value(found)
        return Packed(times, value, value, steps)
    return Packed(times, value, max(value, bound - paths.waiting), steps)


def _value(times: dict[Column, int]) -> int:
    return sum(column.value * n for column, n in times.items())


def _fits(column: Column, capacities: Sequence[int]) -> bool:
    return all(amount <= capacities[row] for row, amount in column.rows)


def _loss(column: Column, prices: Sequence[int]) -> int:
    return sum([prices[row] * amount for row, amount in column.rows]) - column.value


def _greedy(columns: Sequence[Column], prices: Sequence[int], capacities: Sequence[int]) -> dict[Column, int]:
    """Columns with the smallest loss first, as often as they fit."""
    left = list(capacities)
    times: dict[Column, int] = {}
    order = sorted(range(len(columns)), key=lambda n: (_loss(columns[n], prices), -columns[n].value, n))
    for n in order:
        column = columns[n]
        often = min([left[row] // amount for row, amount in column.rows])
        if often and column.value > 0:
            times[column] = often
            for row, amount in column.rows:
                left[row] -= amount * often
    return times


class _Paths:
    """States are what is left of the rows, all in one integer: a field a row, each with a guard bit on top.

    A column fits when taking it away leaves every guard bit in place.
    """

    def __init__(self, problem: Problem, columns: Sequence[Column], prices: Sequence[int], loss_max: int) -> None:
        self.problem, self.loss_max = problem, loss_max
        self.prices = prices
        self.shifts, self.guards, self.start = _fields(problem.capacities)
        self.unit_bits = (1 << self.shifts[problem.units]) - 1
        self.row_of_bit = [
            row for row in range(problem.units) for _ in range(self.shifts[row], self.shifts[row + 1])
        ]  # fmt: skip
        self.options: list[list[tuple[int, int, Column]]] = [[] for _ in range(problem.units)]
        for column in columns:
            loss = _loss(column, prices)
            if loss <= loss_max:
                code = sum(amount << self.shifts[row] for row, amount in column.rows)
                for row, _ in column.rows:
                    if row < problem.units:
                        self.options[row].append((loss, code, column))
        for options in self.options:
            options.sort(key=lambda option: option[:2])
        self.side = range(problem.units, len(problem.capacities))
        self.waiting = 0
        self.steps = 0

    def shortest(self, effort: int) -> dict[Column, int] | None:
        """The columns of the choice that loses least, or None when effort or loss ran out; `waiting` is then the least loss."""
        guards, unit_bits, loss_max = self.guards, self.unit_bits, self.loss_max
        known: dict[int, int] = {self.start: 0}
        came: dict[int, tuple[int, Column | None]] = {}
        heap: list[tuple[int, int]] = [(0, self.start)]
        while heap:
            loss, state = heappop(heap)
            self.waiting = loss
            if state < 0:
                return self._way(came, ~state)
            if known[state] < loss:
                continue
            if not state & unit_bits:
                if loss + self._unused(state) <= loss_max:
                    heappush(heap, (loss + self._unused(state), ~state))
                continue
            if self.steps >= effort:
                return None
            self.steps += 1
            low = (state & -state).bit_length() - 1
            row = self.row_of_bit[low]
            for more, code, column in self.options[row]:
                total = loss + more
                if total > loss_max:
                    break
                left = (state | guards) - code
                if left & guards == guards:
                    left ^= guards
                    if total < known.get(left, loss_max + 1):
                        known[left] = total
                        came[left] = (state, column)
                        heappush(heap, (total, left))
            field = state & ((1 << self.shifts[row + 1]) - 1)
            total = loss + (field >> self.shifts[row]) * self.prices[row]
            left = state ^ field
            if total <= loss_max and total < known.get(left, loss_max + 1):
                known[left] = total
                came[left] = (state, None)
                heappush(heap, (total, left))
        self.waiting = loss_max + 1
        return None

    def _unused(self, state: int) -> int:
        """What is lost by rows behind the units that are not full."""
        left = state >> self.shifts[self.problem.units]
        loss = 0
        for row in self.side:
            width = self.shifts[row + 1] - self.shifts[row]
            loss += (left & ((1 << width) - 1)) * self.prices[row]
            left >>= width
        return loss

    def _way(self, came: dict[int, tuple[int, Column | None]], state: int) -> dict[Column, int]:
        times: dict[Column, int] = {}
        while state in came:
            state, column = came[state]
            if column is not None:
                times[column] = times.get(column, 0) + 1
        return times


def _fields(capacities: Sequence[int]) -> tuple[list[int], int, int]:
    """Where each row's field begins (and the end of the last), the guard bits, and the state with nothing taken."""
    shifts, guards, start, at = [], 0, 0, 0
    for capacity in capacities:
        shifts.append(at)
        start |= capacity << at
        at += capacity.bit_length() + 1
        guards |= 1 << (at - 1)
    return [*shifts, at], guards, start
