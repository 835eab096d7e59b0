"""Further rows that a fractional choice breaks and no whole one can.

Add up rows, each times a fraction below one, and round down: for every whole choice `sum(floor(p.a / d) x) <= floor(p.b / d)`.
Three units of 1 and columns of two of them, halves: at most one column, where fractions allow one and a half.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from pos_app.domain.pricing.packing_prices import Column, Simplex

BROKEN = 0.03
ROUNDS = 6
PARTS = (2, 3, 4, 5, 6, 7, 8)
NOTHING = Column(0, ())


class Cut(NamedTuple):
    """Row n counts `parts[n] / whole`."""

    parts: tuple[tuple[int, int], ...]
    whole: int

    def takes(self, columns: Sequence[Column]) -> list[int]:
        """What each column takes of this row."""
        parts, whole = dict(self.parts), self.whole
        return [sum([parts[row] * amount for row, amount in column.rows if row in parts]) // whole for column in columns]

    def capacity(self, capacities: Sequence[int]) -> int:
        return sum([part * capacities[row] for row, part in self.parts]) // self.whole


class Cuts:
    """The rows found so far."""

    def __init__(self, units: int, capacities: Sequence[int]) -> None:
        self.units, self.capacities = units, capacities
        self.found: list[Cut] = []

    @property
    def limits(self) -> list[int]:
        return [cut.capacity(self.capacities) for cut in self.found]

    def tighten(self, simplex: Simplex, columns: Sequence[Column]) -> list[Column]:
        """Add broken rows to the problem and solve it again, round by round; the columns with what they take of them."""
        extended = list(columns)
        for _ in range(ROUNDS):
            broken = self._broken(simplex)
            if not broken or not simplex.effort.spend(len(broken) * (len(columns) // 8 + 4)):
                break
            for cut in broken:
                row = simplex.add_row(cut.takes([NOTHING if isinstance(c, int) else c for c in simplex.basis]), self._limit(cut))
                self.found.append(cut)
                extended = [_with(*pair, row) for pair in zip(extended, cut.takes(extended), strict=True)]
            simplex.restore(extended)
        return extended

    def extended(self, columns: Sequence[Column], prices: Sequence[int]) -> list[Column]:
        """Columns with what they take of the cuts that have a price."""
        size = len(self.capacities)
        active = [(n + size, cut) for n, cut in enumerate(self.found) if prices[n + size]]
        extended = list(columns)
        for row, cut in active:
            extended = [_with(*pair, row) for pair in zip(extended, cut.takes(columns), strict=True)]
        return extended

    def _limit(self, cut: Cut) -> int:
        return cut.capacity(self.capacities)

    def _broken(self, simplex: Simplex) -> list[Cut]:
        """The rows that the fractional choice breaks most."""
        chosen = [(x, c) for x, c in zip(simplex.amounts, simplex.basis, strict=True) if not isinstance(c, int) and x > 1e-3]
        touching: dict[int, list[tuple[int, int]]] = {}
        for n, (_, column) in enumerate(chosen):
            for row, amount in column.rows:
                touching.setdefault(row, []).append((n, amount))
        found = []
        candidates = self._candidates(simplex)
        simplex.effort.spend(2 * len(candidates))
        for cut in candidates:
            takes: dict[int, int] = {}
            for row, part in cut.parts:
                for n, amount in touching.get(row, ()):
                    takes[n] = takes.get(n, 0) + part * amount
            most = sum([chosen[n][0] * (taken // cut.whole) for n, taken in takes.items()]) - self._limit(cut)
            if most > BROKEN:
                found.append((-most, cut))
        found.sort()
        return [cut for _, cut in found[: 6 + len(self.capacities) // 16]]

    def _candidates(self, simplex: Simplex) -> set[Cut]:
        found: set[Cut] = set()
        fractional = [n for n, x in enumerate(simplex.amounts) if 0.01 < x % 1 < 0.99]
        for n in fractional:
            found.update(self._from_line(simplex.inverse[n][: self.units]))
        found.update(self._triangles([simplex.basis[n] for n in fractional]))
        return found - set(self.found)

    def _from_line(self, line: Sequence[float]) -> Iterable[Cut]:
        """A line of the inverse tells which fractions make a row that is broken."""
        whole = next((d for d in PARTS if all(abs(x * d - round(x * d)) < 1e-3 for x in line)), None)
        if whole is None:
            return
        parts = [round(x * whole) for x in line]
        for times in range(1, whole):
            mixed = tuple([(row, part * times % whole) for row, part in enumerate(parts) if part * times % whole])
            if mixed:
                yield Cut(mixed, whole)

    def _triangles(self, parts: Sequence[Column | int]) -> Iterable[Cut]:
        """One, two or three rows that share fractional columns, halved."""
        beside: dict[int, set[int]] = {}
        for column in parts:
            rows = [] if isinstance(column, int) else [row for row, _ in column.rows if row < self.units]
            for row in rows:
                beside.setdefault(row, set()).update(rows)
        sets = [(a, b, c) for a in beside for b, c in combinations(sorted(beside[a]), 2) if a < b and c in beside[b]]
        pairs = [(a, b) for a in beside for b in beside[a] if a < b]
        for members in [*sets, *pairs, *[(a,) for a in beside]]:
            if sum([self.capacities[row] for row in members]) % 2:
                yield Cut(tuple([(row, 1) for row in members]), 2)


def _with(column: Column, amount: int, row: int) -> Column:
    return Column(column.value, (*column.rows, (row, amount)), column.tag) if amount else column
