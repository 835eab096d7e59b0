"""The choice of columns that loses least: a shortest path over what is left of the rows.

A state is what is left of every row, all in one integer: a field a row with a guard bit on top. A column fits when taking it away
leaves every guard bit in place. From a state the first unit that is left is decided: one of its columns, or it stays unused.
States are taken in order of their loss, so the first one with nothing left is the best choice, and at any moment every choice
loses at least what the next state has lost.
"""

from collections.abc import Sequence
from heapq import heappop, heappush, nsmallest
from typing import NamedTuple

from pos_app.domain.pricing.packing_cuts import Cut
from pos_app.domain.pricing.packing_effort import Effort
from pos_app.domain.pricing.packing_prices import Column


class Option(NamedTuple):
    """What may be done with a unit: what that loses, takes of the rows and of the cuts' remainders; None leaves units unused."""

    loss: int
    code: int
    over: int
    column: Column | None


class Paths:
    """States over unit rows and side rows; cuts are further rows whose capacity follows from what is left of the units.

    What a cut is worth to a state is its price times `floor(p.left / d)`. A column takes `floor(p.a / d)` of it, and one more
    where what `p.left` is over a multiple of `d` is less than what `p.a` is: those remainders are the fields of `over`.
    """

    def __init__(
        self, capacities: Sequence[int], units: int, columns: Sequence[Column], prices: Sequence[int], loss_max: int,
        cuts: Sequence[Cut], effort: Effort,
    ) -> None:  # fmt: skip
        self.capacities, self.units, self.prices = capacities, units, prices
        self.loss_max, self.effort = loss_max, effort
        self.order = rows_in_order(units, columns)
        self.shifts, self.guards, self.start = _fields(capacities, [*self.order, *range(units, len(capacities))])
        self.unit_bits = (1 << sum([capacities[row].bit_length() + 1 for row in range(units)])) - 1
        self.row_of_bit = [row for row in self.order for _ in range(capacities[row].bit_length() + 1)]
        self.cuts = cuts
        self.cut_prices = prices[len(capacities) :]
        self.parts = [dict(cut.parts) for cut in cuts]
        self.over_shifts, self.over_guards, _ = _fields([cut.whole for cut in cuts], range(len(cuts)))
        self.over = self._over(list(enumerate(capacities)))
        self.borrowed: dict[int, tuple[int, int]] = {self.over_guards: (0, 0)}
        self.skips: dict[tuple[int, int], Option] = {}
        self.options: list[list[Option]] = [[] for _ in range(units)]
        self._offer(columns)
        self.waiting = 0
        self.came: dict[int, tuple[int, Column | None]] = {}

    def _offer(self, columns: Sequence[Column]) -> None:
        prices, shifts, size = self.prices, self.shifts, len(self.capacities)
        for column in columns:
            loss = sum([prices[row] * amount for row, amount in column.rows]) - column.value
            if loss <= self.loss_max:
                code = sum([amount << shifts[row] for row, amount in column.rows if row < size])
                option = Option(loss, code, self._over(column.rows), column)
                for row, _ in column.rows:
                    if row < self.units:
                        self.options[row].append(option)
        for options in self.options:
            options.sort(key=lambda option: option[:2])

    def _over(self, rows: Sequence[tuple[int, int]]) -> int:
        """What rows come to in each cut over a multiple of its whole."""
        over = 0
        for parts, cut, shift in zip(self.parts, self.cuts, self.over_shifts, strict=True):
            over += sum([parts[row] * amount for row, amount in rows if row in parts]) % cut.whole << shift
        return over

    # ------------------------------------------------------------------ one step

    def row_of(self, state: int) -> int:
        """The row whose unit is decided next."""
        return self.row_of_bit[(state & -state).bit_length() - 1]

    def next_steps(self, loss: int, state: int, over: int) -> list[tuple[int, int, int, Column | None]]:
        """(loss, state, over) behind every option of a state, and the column that leads there."""
        guards, over_guards, borrowed = self.guards, self.over_guards, self.borrowed
        row = self.row_of(state)
        guarded, over_guarded, room = state | guards, over | over_guards, self.loss_max - loss
        found = []
        for option in (self._unused(row, state), *self.options[row]):
            more, code, took, column = option
            if more > room:
                if column is None:
                    continue
                break
            left = guarded - code
            if left & guards == guards:
                rest = over_guarded - took
                kept = rest & over_guards
                lost, back = borrowed[kept] if kept in borrowed else self._borrow(kept)
                if more + lost <= room:
                    found.append((loss + more + lost, left ^ guards, (rest ^ kept) + back, column))
        return found

    def _borrow(self, kept: int) -> tuple[int, int]:
        """Where a remainder was too small (its guard bit is gone): the prices of those cuts, and their wholes to put back."""
        loss = back = 0
        for cut, price, shift in zip(self.cuts, self.cut_prices, self.over_shifts, strict=True):
            if not kept >> (shift + cut.whole.bit_length()) & 1:
                loss += price
                back += cut.whole << shift
        self.borrowed[kept] = loss, back
        return loss, back

    def _unused(self, row: int, state: int) -> Option:
        """All units of a row that are left stay unused."""
        units = state >> self.shifts[row] & ((1 << self.capacities[row].bit_length()) - 1)
        key = row, units
        if key not in self.skips:
            loss = units * self.prices[row]
            for parts, cut, price in zip(self.parts, self.cuts, self.cut_prices, strict=True):
                loss += parts.get(row, 0) * units // cut.whole * price
            self.skips[key] = Option(loss, units << self.shifts[row], self._over([key]), None)
        return self.skips[key]

    def unused_sides(self, state: int) -> int:
        """What is lost by rows behind the units that are not full."""
        loss = 0
        for row in range(self.units, len(self.capacities)):
            loss += (state >> self.shifts[row] & ((1 << self.capacities[row].bit_length()) - 1)) * self.prices[row]
        return loss

    # ------------------------------------------------------------------ the whole way

    def worth(self, left: Sequence[int]) -> int:
        """What nothing made of these capacities is worth more than."""
        value = sum([price * capacity for price, capacity in zip(self.prices, left, strict=False)])
        return value + sum([price * cut.capacity(left) for price, cut in zip(self.cut_prices, self.cuts, strict=True)])

    def shortest(self, left: Sequence[int] | None = None, states_max: int | None = None) -> dict[Column, int] | None:
        """The choice that loses least, or None when effort or loss ran out; `waiting` is then the least loss of any choice.

        `left` are smaller capacities to begin with, `states_max` a limit of its own.
        """
        start, over = self._begin(left)
        known: dict[int, int] = {start: 0}
        came = self.came = {}
        heap: list[tuple[int, int, int]] = [(0, start, over)]
        never = self.loss_max + 1
        while heap and (states_max is None or len(known) < states_max):
            loss, state, over = heappop(heap)
            self.waiting = loss
            if state < 0:
                return self._way(~state)
            if known[state] < loss:
                continue
            if not state & self.unit_bits:
                if loss + self.unused_sides(state) < never:
                    heappush(heap, (loss + self.unused_sides(state), ~state, 0))
                continue
            steps = self.next_steps(loss, state, over)
            for total, behind, rest, column in steps:
                if total < known.get(behind, never):
                    known[behind] = total
                    came[behind] = (state, column)
                    heappush(heap, (total, behind, rest))
            if not self.effort.spend(1 + len(steps) // 4):
                return None
        if not heap:
            self.waiting = never
        return None

    def _begin(self, left: Sequence[int] | None) -> tuple[int, int]:
        if left is None:
            return self.start, self.over
        return sum([capacity << shift for capacity, shift in zip(left, self.shifts, strict=True)]), self._over(
            list(enumerate(left))
        )

    def beam(self, width: int, left: Sequence[int] | None = None) -> dict[Column, int] | None:
        """A good choice: row by row only the `width` states that lost least go on. None when none loses little enough."""
        start, over = self._begin(left)
        came = self.came = {}
        waiting: dict[int, dict[int, tuple[int, int]]] = {row: {} for row in range(self.units)}
        ends: list[tuple[int, int]] = []
        self._wait(waiting, ends, start, 0, over)
        for row in self.order:
            while waiting[row]:
                states = nsmallest(width, [(loss, state, over) for state, (loss, over) in waiting[row].items()])
                waiting[row] = {}
                for loss, state, over in states:
                    steps = self.next_steps(loss, state, over)
                    for total, behind, rest, column in steps:
                        if self._wait(waiting, ends, behind, total, rest):
                            came[behind] = (state, column)
                    if not self.effort.spend(1 + len(steps) // 4):
                        return None
        return self._way(min(ends)[1]) if ends else None

    def _wait(
        self, waiting: dict[int, dict[int, tuple[int, int]]], ends: list[tuple[int, int]], state: int, loss: int, over: int
    ) -> bool:
        """Put a state where it waits for its turn; False where it is known at no larger loss."""
        if not state & self.unit_bits:
            loss += self.unused_sides(state)
            if loss <= self.loss_max and (not ends or loss < min(ends)[0]):
                ends.append((loss, state))
                return True
            return False
        states = waiting[self.row_of(state)]
        if state in states and states[state][0] <= loss:
            return False
        states[state] = loss, over
        return True

    def _way(self, state: int) -> dict[Column, int]:
        times: dict[Column, int] = {}
        while state in self.came:
            state, column = self.came[state]
            if column is not None:
                times[column] = times.get(column, 0) + 1
        return times


def _fields(capacities: Sequence[int], order: Sequence[int]) -> tuple[list[int], int, int]:
    """Where each row's field begins, the guard bits, and the state with nothing taken."""
    shifts, guards, start, at = [0] * len(capacities), 0, 0, 0
    for row in order:
        shifts[row] = at
        start |= capacities[row] << at
        at += capacities[row].bit_length() + 1
        guards |= 1 << (at - 1)
    return shifts, guards, start


def rows_in_order(units: int, columns: Sequence[Column]) -> list[int]:
    """Rows so that each comes soon after those it shares columns with: what was decided then leaves few different states."""
    beside: list[dict[int, int]] = [{} for _ in range(units)]
    many = [1] * units
    for column in columns:
        rows = [row for row, _ in column.rows if row < units]
        for row in rows:
            many[row] += 1
            for other in rows:
                beside[row][other] = beside[row].get(other, 0) + 1
    left, order, met = set(range(units)), [], [0] * units
    while left:
        row = max(left, key=lambda row: (met[row] / many[row], -many[row], -row))
        left.discard(row)
        order.append(row)
        for other, shared in beside[row].items():
            met[other] += shared
    return order
