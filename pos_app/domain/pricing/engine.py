"""`price(...)`: pure, whole fen, the same bytes for every order of the same input.

Stages run in one order: shelf price, item sets, member and group, spend-and-save, coupons, points. The package names what
each stage holds; this version of the package holds shelf prices.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pos_app.domain.basket import Basket, Line
from pos_app.domain.money import tax_included_fen
from pos_app.domain.pricing.shelf import shelf_price


@dataclass(frozen=True, slots=True)
class Package:
    """What HQ publishes for one shop. `digest` names it on every receipt; `cash_step_fen` is the China profile's 0.10."""

    digest: str = "shelf"
    cash_step_fen: int = 10


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line's money: list minus saving is net; `source` says which shelf price won."""

    line_id: int
    unit_fen: int
    list_fen: int
    net_fen: int
    source: str

    @property
    def saving_fen(self) -> int:
        return self.list_fen - self.net_fen


@dataclass(frozen=True, slots=True)
class TaxShare:
    """VAT inside the net shares of one tax code: computed once per code on their sum."""

    tax_code: str
    rate_bp: int
    net_fen: int
    tax_fen: int


@dataclass(frozen=True, slots=True)
class Priced:
    """The answer: lines in basket order, sums, VAT per code, and whether the total is proved to be the lowest."""

    lines: tuple[PricedLine, ...] = ()
    list_fen: int = 0
    discount_fen: int = 0
    total_fen: int = 0
    item_count: int = 0
    taxes: tuple[TaxShare, ...] = ()
    proved: bool = True
    gap_fen: int = 0
    events: tuple[str, ...] = field(default=())


def price(
    basket: Basket,
    customer: str | None,
    package: Package,
    now_ms: int,
    codes: frozenset[str] = frozenset(),
    effort: int = 10_000,
) -> Priced:
    """What the basket costs this customer (a member's alias, or None) at a moment, under a package and codes.

    `effort` bounds the search in steps, never in time. The sum of the lines' net is the total, and each tax share is
    computed on the sum of the net shares of its code: 2 x 3.50 at 13 % is 7.00 with 0.81 VAT inside.
    """
    is_member = customer is not None
    lines = [_shelf_stage(line, is_member) for line in basket.lines]
    nets: dict[tuple[str, int], int] = {}
    list_fen = total_fen = item_count = 0
    for line, priced in zip(basket.lines, lines, strict=True):
        list_fen += priced.list_fen
        total_fen += priced.net_fen
        item_count += line.quantity
        key = (line.item.tax_code, line.item.tax_bp)
        nets[key] = nets.get(key, 0) + priced.net_fen
    return Priced(
        lines=tuple(lines),
        list_fen=list_fen,
        discount_fen=list_fen - total_fen,
        total_fen=total_fen,
        item_count=item_count,
        taxes=_taxes(nets),
    )


# A line is a value and the stage is a function of it: an answer may be kept. Keyed by identity, as hashing a line costs more
# than pricing it; the entry holds the line, so that its id cannot pass to another one.
_kept: dict[tuple[int, bool], tuple[Line, PricedLine]] = {}
KEPT_MAX = 8_192


def _shelf_stage(line: Line, is_member: bool) -> PricedLine:
    """The shelf stage of one line, from memory where the very same line was priced before."""
    kept = _kept.get((id(line), is_member))
    if kept is not None and kept[0] is line:
        return kept[1]
    shelf = shelf_price(line, is_member)
    priced = PricedLine(line.line_id, shelf.unit_fen, shelf.list_fen, shelf.net_fen, shelf.source)
    if len(_kept) >= KEPT_MAX:
        _kept.clear()
    _kept[id(line), is_member] = (line, priced)
    return priced


def _taxes(nets: Mapping[tuple[str, int], int]) -> tuple[TaxShare, ...]:
    ordered = sorted(nets.items())
    return tuple(TaxShare(code, bp, net_fen, tax_included_fen(net_fen, bp)) for (code, bp), net_fen in ordered)
