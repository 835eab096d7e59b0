"""The rows of a basket that is a line more, a line less or a line other than one whose rows are known: a scan's, mostly.

What was found out about the rows goes along. Only numbers of rows are kept anew, as those behind the change move by one.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence
from operator import add, itemgetter, sub
from typing import TypeVar

from pos_app.domain.basket import Line
from pos_app.domain.pricing.model import EVERYTHING, Scope
from pos_app.domain.pricing.rows import ORDER, Row, Rows, Totals, canonical_rows, plain_fen, row_of, totals_of

SKU = itemgetter(1)
File = TypeVar("File")


def rows_after(known: Rows, before: Sequence[Line], lines: Sequence[Line], is_member: bool) -> Rows:
    """The rows of `lines`; `known` are those of the lines `before`, for the same kind of shopper."""
    if not before:
        return canonical_rows(lines, is_member)
    if lines[:-1] == before:
        return _with(known, row_of(lines[-1], is_member))
    if lines == before[:-1]:
        return _without(known, row_of(before[-1], is_member))
    if lines[:-1] == before[:-1]:
        new, old = row_of(lines[-1], is_member), row_of(before[-1], is_member)
        if new.order == old.order:
            return GrownRows(known, _place(known, new), 1, (new,))
        return _with(_without(known, old), new)
    return canonical_rows(lines, is_member, known)


def _with(rows: Rows, new: Row) -> Rows:
    return GrownRows(rows, _place(rows, new), 0, (new,))


def _without(rows: Rows, old: Row) -> Rows:
    return GrownRows(rows, _place(rows, old), 1, ())


def _place(rows: Rows, row: Row) -> int:
    return bisect_left(rows, row.order, key=ORDER)


class GrownRows(Rows):
    """Known rows with `gone` of them, from `at` on, taken out and `new` ones put in their place."""

    is_grown = True

    def __init__(self, known: Rows, at: int, gone: int, new: Sequence[Row]) -> None:
        list.__init__(self, known)
        self[at : at + gone] = new
        self.at, self.end, self.by = at, at + gone, len(new) - gone
        numbers = range(at, at + len(new))
        self._within = {}
        self.by_sku = self._skus(known, new)
        self.by_category = self._filed(known.by_category, [row.categories for row in new])
        self.by_tax = self._filed(known.by_tax, [(row.tax,) for row in new])
        self.totals = Totals(*map(sub, map(add, known.totals, totals_of(new)), totals_of(known[at : self.end])))
        self.shut = sorted([*self._moved(known.shut), *(n for n in numbers if not self[n].is_open)])
        dearer = (n for n in numbers if self[n].shelf != self[n].open_shelf)
        self.for_members = sorted([*self._moved(known.for_members), *dearer])
        self.nets = {}
        for audience, fens in known.nets.items():
            self.nets[audience] = [*fens[:at], *(plain_fen(row, audience) for row in new), *fens[self.end :]]

    def within(self, scope: Scope) -> Sequence[int]:
        """Most often everything is asked for, and nearly all of it may be discounted."""
        if scope == EVERYTHING and scope not in self._within:
            found = list(range(len(self)))
            for n in reversed(self.shut):
                del found[n]
            self._within[scope] = tuple(found)
        return super().within(scope)

    def of_skus(self, skus: Mapping[str, object]) -> Sequence[tuple[int, str]]:
        return sorted([(n, sku) for sku in skus.keys() & self.by_sku.keys() for n in self.by_sku[sku]])

    def _skus(self, known: Rows, new: Sequence[Row]) -> "BySku":
        skus = dict(known.by_sku.skus) if isinstance(known.by_sku, BySku) else dict.fromkeys(known.by_sku)
        for row in known[self.at : self.end]:
            del skus[row.sku]  # put back below if another row is left of it
        skus.update((row.sku, None) for row in [*self[max(0, self.at - 1) : self.at], *new, *self[self.end + self.by :][:1]])
        return BySku(list(self), skus)

    def _filed(self, known: Mapping[File, list[int]], new: Iterable[Iterable[File]]) -> dict[File, list[int]]:
        """Numbers by something that rows have, with the new rows under what each of them has."""
        found = {file: self._moved(numbers) for file, numbers in known.items()}
        for n, files in enumerate(new, self.at):
            for file in files:
                insort(found.setdefault(file, []), n)
        return {file: numbers for file, numbers in found.items() if numbers}

    def _moved(self, numbers: Sequence[int]) -> list[int]:
        """Ascending numbers of known rows, as they are now."""
        first, rest = bisect_left(numbers, self.at), bisect_left(numbers, self.end)
        return [*numbers[:first], *([n + self.by for n in numbers[rest:]] if self.by else numbers[rest:])]


class BySku(Mapping[str, list[int]]):
    """Numbers of the rows of each good, which stand together."""

    def __init__(self, rows: Sequence[Row], skus: dict[str, None]) -> None:
        self._rows, self.skus = rows, skus

    def __getitem__(self, sku: str) -> list[int]:
        if sku not in self.skus:
            raise KeyError(sku)
        first = end = bisect_left(self._rows, sku, key=SKU)
        while end < len(self._rows) and self._rows[end].sku == sku:
            end += 1
        return list(range(first, end))

    def __contains__(self, sku: object) -> bool:
        return sku in self.skus

    def __iter__(self) -> Iterator[str]:
        return iter(self.skus)

    def __len__(self) -> int:
        return len(self.skus)

    def keys(self) -> KeysView[str]:
        return self.skus.keys()
