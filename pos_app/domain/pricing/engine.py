"""`price(...)`: pure, whole fen, the same bytes for every order of the same input.

Stages run in one order: shelf price, item sets, member and group, spend-and-save, coupons, points. The package names what
each stage holds; this version of the package holds shelf prices.
"""

from collections.abc import Mapping

from pos_app.domain.basket import Basket, Line
from pos_app.domain.money import tax_included_fen
from pos_app.domain.pricing.model import Customer, Package, Priced, PricedLine, TaxShare
from pos_app.domain.pricing.shelf import shelf_price


def price(
    basket: Basket,
    customer: Customer,
    package: Package,
    now_ms: int,
    codes: frozenset[str] = frozenset(),
    effort: int = 10_000,
) -> Priced:
    """What the basket costs this customer  at a moment, under a package and codes.

    `effort` bounds the search in steps, never in time. The sum of the lines' net is the total, and each tax share is
    computed on the sum of the net shares of its code: 2 x 3.50 at 13 % is 7.00 with 0.81 VAT inside.
    """
    is_member = customer.is_member
    sums = _Sums() if is_member != _last.is_member else _last.behind(basket.lines)
    for line in basket.lines[len(sums.lines) :]:
        sums.add(line, is_member)
    _remember(sums, basket.lines, is_member)
    return Priced(
        lines=tuple(sums.lines),
        list_fen=sums.list_fen,
        discount_fen=sums.list_fen - sums.total_fen,
        total_fen=sums.total_fen,
        item_count=sums.item_count,
        taxes=_taxes(sums.nets),
    )


class _Sums:
    """The shelf stage of some lines, summed."""

    def __init__(self) -> None:
        self.lines: list[PricedLine] = []
        self.nets: dict[tuple[str, int], list[int]] = {}  # tax code and rate -> [net, lines]
        self.list_fen = self.total_fen = self.item_count = 0

    def add(self, line: Line, is_member: bool) -> None:
        shelf = shelf_price(line, is_member)
        self.lines.append(PricedLine(line.line_id, shelf.unit_fen, shelf.list_fen, shelf.net_fen, shelf.source))
        self._count(line, shelf.list_fen, shelf.net_fen, 1)

    def drop(self, line: Line) -> None:
        priced = self.lines.pop()
        self._count(line, priced.list_fen, priced.net_fen, -1)

    def _count(self, line: Line, list_fen: int, net_fen: int, sign: int) -> None:
        self.list_fen += sign * list_fen
        self.total_fen += sign * net_fen
        self.item_count += sign * line.quantity
        key = (line.item.tax_code, line.item.tax_bp)
        net = self.nets.setdefault(key, [0, 0])
        net[0] += sign * net_fen
        net[1] += sign
        if net[1] == 0:
            del self.nets[key]


class _Last:
    """The last basket that was priced: the next one is nearly always the same with one more line, or its last line changed.

    Lines are values and the stage is a function of each alone, so carrying sums over gives what adding them up again gives.
    """

    def __init__(self) -> None:
        self.basket_lines: tuple[Line, ...] = ()
        self.is_member = False
        self.sums = _Sums()

    def behind(self, lines: tuple[Line, ...]) -> _Sums:
        """The sums of the beginning that both baskets share; empty ones where they share less than all lines but the last."""
        sums, old = self.sums, self.basket_lines
        self.basket_lines, self.sums = (), _Sums()  # until the new ones are whole
        shared = next((i for i, (a, b) in enumerate(zip(old, lines, strict=False)) if a is not b), min(len(old), len(lines)))
        if shared < len(old) - 1:
            return _Sums()
        if shared == len(old) - 1:
            sums.drop(old[-1])
        return sums


_last = _Last()


def _remember(sums: _Sums, lines: tuple[Line, ...], is_member: bool) -> None:
    _last.basket_lines, _last.sums, _last.is_member = lines, sums, is_member


def _taxes(nets: Mapping[tuple[str, int], list[int]]) -> tuple[TaxShare, ...]:
    ordered = sorted((key, net_fen) for key, (net_fen, _) in nets.items())
    return tuple(TaxShare(code, bp, net_fen, tax_included_fen(net_fen, bp)) for (code, bp), net_fen in ordered)
