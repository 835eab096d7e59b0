"""A price without promotions: shelf prices alone, their sums carried over from the last basket."""

from collections.abc import Mapping, Sequence

from pos_app.domain.basket import Line
from pos_app.domain.money import tax_included_fen
from pos_app.domain.pricing.model import Priced, PricedLine, TaxShare
from pos_app.domain.pricing.shelf import shelf_price


def shelf_only(lines: Sequence[Line], is_member: bool) -> Priced:
    """Shelf prices alone: sums are carried over from the last basket."""
    sums = _Sums() if is_member != _last.is_member else _last.behind(tuple(lines))
    for line in lines[len(sums.lines) :]:
        sums.add(line, is_member)
    _remember(sums, tuple(lines), is_member)
    return Priced(
        lines=tuple(sums.lines),
        list_fen=sums.list_fen,
        discount_fen=sums.list_fen - sums.total_fen,
        total_fen=sums.total_fen,
        item_count=sums.item_count,
        taxes=taxes_of({key: net_fen for key, (net_fen, _) in sums.nets.items()}),
        after_coupons_fen=sums.total_fen,
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


def taxes_of(nets: Mapping[tuple[str, int], int]) -> tuple[TaxShare, ...]:
    return tuple(TaxShare(code, bp, net_fen, tax_included_fen(net_fen, bp)) for (code, bp), net_fen in sorted(nets.items()))
