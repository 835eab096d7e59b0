"""The basket as pricing sees it: lines in canonical order, which goods a scope means, and a package's promotions by product."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from operator import itemgetter
from typing import NamedTuple

from pos_app.domain.basket import Line
from pos_app.domain.goods import may_be_discounted
from pos_app.domain.money import share_fen
from pos_app.domain.pricing.mechanics import stage_of
from pos_app.domain.pricing.mechanics.sets import SetShape
from pos_app.domain.pricing.model import FIRST_LINE, LARGEST_FRACTION, SETS, Package, Promotion, Refused, Scope
from pos_app.domain.pricing.shelf import ASKED, LABEL, ShelfPrice, shelf_price


class Row(NamedTuple):
    """One line, of the good `sku`. `shelf` is the catalogue's answer for this customer, `open_shelf` for a stranger.

    `unit_fen` is the lower of list and label, from which promotions of stage 0 start (per kg when weighed); `units` is 0 for
    a weighed line. `order` is where it stands among others.
    """

    order: tuple[str, int, int]
    sku: str
    line: Line
    shelf: ShelfPrice
    open_shelf: ShelfPrice
    unit_fen: int
    units: int
    is_open: bool

    @property
    def is_asked(self) -> bool:
        return self.open_shelf.source == ASKED

    @property
    def is_labelled(self) -> bool:
        return self.open_shelf.source == LABEL

    @property
    def categories(self) -> Sequence[str]:
        return self.line.item.category.split(";")

    @property
    def tax(self) -> tuple[str, int]:
        return self.line.item.tax_code, self.line.item.tax_bp


def row_of(line: Line, is_member: bool) -> Row:
    item = line.item
    sku, open_shelf = item.sku, shelf_price(line, False)
    shelf = shelf_price(line, True) if is_member and item.member_price_fen is not None else open_shelf
    units = 0 if line.weight_g is not None else line.quantity
    unit_fen = open_shelf.list_fen // units if units else item.price_fen
    return Row((sku, unit_fen, line.line_id), sku, line, shelf, open_shelf, unit_fen, units, may_be_discounted(item))


ORDER = itemgetter(0)


class Rows(list[Row]):
    """The lines of a basket in canonical order, and which of them a scope means."""

    is_grown = False  # out of the rows of a basket before it

    def __init__(self, rows: Iterable[Row]) -> None:
        super().__init__(rows)
        self._within: dict[Scope, tuple[int, ...]] = {}
        self.nets: dict[bool, list[int]] = {}  # with audience prices or not: what every row costs at the catalogue's

    @cached_property
    def by_sku(self) -> Mapping[str, list[int]]:
        """Numbers of the rows of each good."""
        found: dict[str, list[int]] = {}
        for n, row in enumerate(self):
            found.setdefault(row.sku, []).append(n)
        return found

    @cached_property
    def by_category(self) -> dict[str, list[int]]:
        """Numbers of the rows of each category."""
        found: dict[str, list[int]] = {}
        for n, row in enumerate(self):
            for category in row.categories:
                found.setdefault(category, []).append(n)
        return found

    def of_skus(self, skus: Mapping[str, object]) -> Sequence[tuple[int, str]]:
        """The rows of some goods, ascending: number and good."""
        return [(n, row.sku) for n, row in enumerate(self) if row.sku in skus]

    def know(self, named: Iterable[tuple[Scope, Sequence[int]]]) -> None:
        """Take the rows that some scopes name, ascending, as found already."""
        shut = set(self.shut)
        for scope, numbers in named:
            self._within[scope] = tuple([n for n in numbers if n not in shut])

    def net_fens(self, with_audience: bool) -> list[int]:
        """What every row costs at the catalogue's price."""
        if with_audience not in self.nets:
            self.nets[with_audience] = [plain_fen(row, with_audience) for row in self]
        return self.nets[with_audience]

    @cached_property
    def totals(self) -> "Totals":
        return totals_of(self)

    @cached_property
    def by_tax(self) -> Mapping[tuple[str, int], list[int]]:
        """Numbers of the rows under each tax code and rate."""
        found: dict[tuple[str, int], list[int]] = {}
        for n, row in enumerate(self):
            found.setdefault(row.tax, []).append(n)
        return found

    @cached_property
    def for_members(self) -> list[int]:
        """Numbers of the rows that have another shelf price for a member, who is here, ascending."""
        return [n for n, row in enumerate(self) if row.shelf != row.open_shelf]

    @cached_property
    def shut(self) -> list[int]:
        """Numbers of the rows that may not be discounted, ascending."""
        return [n for n, row in enumerate(self) if not row.is_open]

    def within(self, scope: Scope) -> Sequence[int]:
        """Numbers of the rows of a scope that may be discounted, ascending."""
        found = self._within.get(scope)
        if found is None:
            found = self._within[scope] = tuple([n for n in self.named(scope) if self[n].is_open])
        return found

    def reach(self, promotion: Promotion) -> Sequence[int]:
        """Numbers of the rows that a promotion looks at: of its scope, and for `price_once` without a label that won."""
        within = self.within(promotion.scope)
        return [n for n in within if not self[n].is_labelled] if promotion.price_once else within

    def named(self, scope: Scope) -> Sequence[int]:
        """Numbers of all rows of a scope, ascending."""
        skus, categories, without_skus = scope
        if not skus and not categories and not without_skus:
            return range(len(self))
        by_sku = self.by_sku
        named = {n for sku in skus if sku in by_sku for n in by_sku[sku]} if skus or categories else set(range(len(self)))
        for category in categories:
            named.update(self.by_category.get(category, ()))
        for sku in without_skus:
            named.difference_update(by_sku.get(sku, ()))
        return sorted(named)


def plain_fen(row: Row, with_audience: bool) -> int:
    """A row at the catalogue's price, unit by unit."""
    net_fen, units = (row.shelf if with_audience else row.open_shelf).net_fen, row.units
    return net_fen // units * units if units else net_fen


class Totals(NamedTuple):
    """Of some rows: their list amount, their units (none for what is weighed), and what their lines count."""

    list_fen: int
    units: int
    quantity: int


def totals_of(rows: Sequence[Row]) -> Totals:
    return Totals(
        sum([row.open_shelf.list_fen for row in rows]),
        sum([row.units for row in rows]),
        sum([row.line.quantity for row in rows]),
    )


def canonical_rows(lines: Sequence[Line], is_member: bool, known: Sequence[Row] = ()) -> Rows:
    """Lines by SKU, shelf unit price and line id, whatever the order they were scanned in.

    `known` rows, in that order and for the same `is_member`, are taken for lines that are the very same.
    """
    if not known:
        return Rows(sorted([row_of(line, is_member) for line in lines], key=ORDER))
    here = set(map(id, lines))
    rows = [row for row in known if id(row.line) in here]
    if len(rows) < len(lines):
        here.difference_update([id(row.line) for row in rows])
        rows = sorted([*rows, *[row_of(line, is_member) for line in lines if id(line) in here]], key=ORDER)
    return Rows(rows)


def share(amount_fen: int, weights: Sequence[int], leftover: str = LARGEST_FRACTION) -> list[int]:
    """Shares that sum to the amount, the fen left over by the package's rule. 100 over (100, 100, 100): 34, 33, 33.

    The first or last line takes no more than it costs; what is still left goes to the one next to it.
    """
    if leftover == LARGEST_FRACTION:
        return share_fen(amount_fen, weights)
    total = sum(weights)
    shares = [amount_fen * weight // total for weight in weights] if total else [0] * len(weights)
    rest_fen, order = amount_fen - sum(shares), range(len(weights))
    for n in order if leftover == FIRST_LINE else reversed(order):
        more_fen = min(rest_fen, weights[n] - shares[n])
        shares[n], rest_fen = shares[n] + more_fen, rest_fen - more_fen
    return shares


def share_of(leftover: str) -> Callable[[int, Sequence[int]], list[int]]:
    """`share` by a rule."""
    return share_fen if leftover == LARGEST_FRACTION else partial(share, leftover=leftover)


class Book:
    """A package's promotions in order of id, found by product: the cost of a basket follows the basket, not the calendar."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.promotions = tuple(sorted(package.promotions, key=lambda promotion: promotion.id))
        self.stages = tuple(stage_of(promotion.rule) for promotion in self.promotions)
        self.shapes: dict[str, SetShape] = {
            p.id: p.rule.shape(p.scope) for p, stage in zip(self.promotions, self.stages, strict=True) if stage == SETS
        }
        self.no_goods = tuple(Refused(p.id, stage, "goods") for p, stage in zip(self.promotions, self.stages, strict=True))
        self._codes = {promotion.id: promotion.code for promotion in self.promotions if promotion.code}
        self._by_sku: dict[str, list[int]] = {}
        self._by_category: dict[str, list[int]] = {}
        self._everywhere: list[int] = []
        lists: dict[Scope, list[int]] = {}  # scopes that are lists of goods, and the promotions that look at each
        for number, promotion in enumerate(self.promotions):
            for scope in scopes_of(promotion):
                if scope.skus and not scope.categories and not scope.without_skus:
                    lists.setdefault(scope, []).append(number)
                else:
                    self._file(scope, number)
        self._lists = tuple(lists.items())
        self._lists_by_sku: dict[str, list[int]] = {}
        for number, (scope, _) in enumerate(self._lists):
            for sku in dict.fromkeys(scope.skus):
                self._lists_by_sku.setdefault(sku, []).append(number)

    def _file(self, scope: Scope, number: int) -> None:
        if scope.is_all:
            self._everywhere.append(number)
        for sku in scope.skus:
            self._by_sku.setdefault(sku, []).append(number)
        for category in scope.categories:
            self._by_category.setdefault(category, []).append(number)

    def codes(self, promotions: Iterable[str]) -> frozenset[str]:
        """The codes that open these promotions: a single coupon names the promotion, pricing asks for its code."""
        return frozenset(self._codes[name] for name in promotions if name in self._codes)

    def touching(self, rows: Rows) -> set[int]:
        """Numbers of the promotions that name a good of this basket; the rows are told what their lists of goods reach."""
        found = set(self._everywhere)
        reach: dict[int, list[int]] = {}
        for n, sku in rows.of_skus(self._lists_by_sku):
            for number in self._lists_by_sku[sku]:
                reach.setdefault(number, []).append(n)
        rows.know([(self._lists[number][0], numbers) for number, numbers in reach.items()])
        for number in reach:
            found.update(self._lists[number][1])
        for sku in self._by_sku and rows.by_sku.keys() & self._by_sku.keys():
            found.update(self._by_sku[sku])
        for category in self._by_category and rows.by_category.keys() & self._by_category.keys():
            found.update(self._by_category[category])
        return found


def scopes_of(promotion: Promotion) -> tuple[Scope, ...]:
    """Every scope a promotion looks at: its own, or those of its set's slots."""
    shape = getattr(promotion.rule, "shape", None)
    return tuple(slot.scope for slot in shape(promotion.scope).slots) if shape else (promotion.scope,)


_book: Book | None = None


def book_of(package: Package) -> Book:
    """The package's book; made once, as a lane prices under one package for hours."""
    global _book
    if _book is None or _book.package is not package:
        _book = Book(package)
    return _book
