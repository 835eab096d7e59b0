"""What the rows of a large basket have: nearly all of them one thing that follows from the row, and that nobody looks at."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar, overload

T = TypeVar("T")


class ByRow(Sequence[T]):
    """Row by row one thing each, `plain(row)`, made when it is asked for; but `others` for the rows that have none or more.

    The same in every comparison as a list of all of them.
    """

    def __init__(self, count: int, plain: Callable[[int], T], others: Mapping[int, Sequence[T]]) -> None:
        self.row_count, self._plain, self.others = count, plain, others
        self._firsts, self._rows = [0], [0]  # from these numbers on the things are of these rows, one each, up to the next
        for row, some in sorted(others.items()):
            if len(some) != 1:
                self._firsts.append(self.first(row) + len(some))
                self._rows.append(row + 1)
        self._length = self.first(count)

    def first(self, row: int) -> int:
        """The number of the first thing of a row, or where it would be."""
        n = bisect_right(self._rows, row) - 1
        return self._firsts[n] + row - self._rows[n]

    def of(self, row: int) -> Sequence[T]:
        return self.others[row] if row in self.others else (self._plain(row),)

    def numbers(self, rows: Sequence[int]) -> list[int]:
        """Numbers of all that some rows, in ascending order, have."""
        if len(self._rows) == 1:
            return list(rows)
        if len(rows) * 8 > self.row_count:
            wanted = set(rows)
            return [n for n, row in enumerate(self.rows) if row in wanted]
        return [n for row in rows for n in range(self.first(row), self.first(row + 1))]

    def numbered_others(self) -> Iterator[tuple[int, T]]:
        """What is not plain, with its numbers."""
        for row in sorted(self.others):
            yield from enumerate(self.others[row], self.first(row))

    @cached_property
    def rows(self) -> list[int]:
        """The row of every thing."""
        found = list(range(self.row_count))
        for row, some in sorted(self.others.items(), reverse=True):
            found[row : row + 1] = [row] * len(some)
        return found

    @cached_property
    def _every(self) -> list[T]:
        return [one for row in range(self.row_count) for one in self.of(row)]

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return iter(self._every)

    @overload
    def __getitem__(self, at: int) -> T: ...

    @overload
    def __getitem__(self, at: slice) -> list[T]: ...

    def __getitem__(self, at: int | slice) -> T | list[T]:
        if isinstance(at, slice):
            return self._every[at]
        n = range(self._length)[at]
        place = bisect_right(self._firsts, n) - 1
        row = self._rows[place] + n - self._firsts[place]
        if place + 1 < len(self._rows):  # no row of one thing: those of the next that has several
            row = min(row, self._rows[place + 1] - 1)
        return self.of(row)[n - self.first(row)]

    def __eq__(self, other: object) -> bool:
        return self._every == list(other) if isinstance(other, ByRow | list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


def numbered(things: Sequence[T]) -> Iterable[tuple[int, T]]:
    """Of a list all things with their numbers; where there are plain ones, those that are not."""
    return things.numbered_others() if isinstance(things, ByRow) else enumerate(things)
