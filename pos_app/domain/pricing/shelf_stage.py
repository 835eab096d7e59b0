"""Stage 0 with promotions: per unit the lowest price; promotions with a number go to the units where they save most."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from pos_app.domain.money import weighed_amount_fen
from pos_app.domain.pricing.by_row import ByRow
from pos_app.domain.pricing.conditions import NOT_USED, budget_left_fen, times_left
from pos_app.domain.pricing.model import Promotion, Used
from pos_app.domain.pricing.rows import Row, Rows, plain_fen

ROW = itemgetter(0)
OPEN, NO_SPEND, SHUT = 0, 1, 2  # what later stages may still do with an amount


class Piece(NamedTuple):
    """Units of one row at one price (0 units: a weighed line), and the promotion that made it, if one did."""

    row: int
    units: int
    unit_fen: int
    amount_fen: int
    base_fen: int  # what the units cost before this stage's promotions
    promotion: Promotion | None = None

    @property
    def kind(self) -> int:
        return OPEN if self.promotion is None else kind_of(self.promotion)


def kind_of(promotion: Promotion) -> int:
    """What a promotion of stage 0 or 1 leaves to later stages."""
    return SHUT if promotion.exclusive else OPEN if promotion.counts_to_spend else NO_SPEND


def shelf_stage(
    rows: Rows, promotions: Sequence[Promotion], used: Mapping[str, Used], rounding: str, with_audience: bool
) -> Sequence[Piece]:
    """The pieces of the basket after stage 0, row by row, the dearer first.

    `with_audience` False leaves out member prices and promotions for an audience, as for a stranger.
    """
    here = [
        p
        for p in promotions
        if (with_audience or p.is_for_anyone) and (not p.min_spend_fen or spent_fen(p, rows) >= p.min_spend_fen)
    ]
    offers = [_Offer(p, rows, used, rounding) for p in here]
    free = [offer for offer in offers if offer.left is None and offer.budget_fen is None]
    best = {n: _catalogue(rows[n], with_audience) for n in {n for offer in offers for n in offer.reach}}
    for offer in free:
        for n in offer.reach:
            if (found := offer.price(rows[n])).price_fen < best[n].price_fen:
                best[n] = found
    taken = _give_limited(rows, best, [offer for offer in offers if not (offer.left is None and offer.budget_fen is None)])
    if rows.is_grown:
        others = {n: _row_pieces(rows[n], n, best[n], taken.get(n)) for n in best}
        return GrownPieces(rows, with_audience, others)
    pieces = []
    for n, row in enumerate(rows):
        if n in best:
            pieces += _row_pieces(row, n, best[n], taken.get(n))
        else:
            pieces.append(plain_piece(row, n, with_audience))
    return pieces


class GrownPieces(ByRow[Piece]):
    """Of a large basket mostly: pieces at the catalogue's price but for rows that a promotion of this stage reaches."""

    def __init__(self, rows: Rows, with_audience: bool, others: Mapping[int, Sequence[Piece]]) -> None:
        super().__init__(len(rows), lambda n: plain_piece(rows[n], n, with_audience), others)
        self.net_fens = rows.net_fens(with_audience)  # of every row, as if it were plain

    @property
    def amount_fen(self) -> int:
        more = [sum([piece.amount_fen for piece in some]) - self.net_fens[row] for row, some in self.others.items()]
        return sum(self.net_fens) + sum(more)


def pieces_of(row: int, pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The pieces of a row."""
    if isinstance(pieces, ByRow):
        return pieces.of(row)
    first = end = bisect_left(pieces, row, key=ROW)
    while end < len(pieces) and pieces[end].row == row:
        end += 1
    return pieces[first:end]


def amount_fen(pieces: Sequence[Piece]) -> int:
    return pieces.amount_fen if isinstance(pieces, GrownPieces) else sum([piece.amount_fen for piece in pieces])


def _row_pieces(row: Row, n: int, best: "Best", taken: Sequence[tuple[int, int, Promotion]] | None) -> list[Piece]:
    return _pieces(row, n, best, taken) if taken else [_piece(row, n, row.units, best)]


def _pieces(row: Row, n: int, best: "Best", taken: Sequence[tuple[int, int, Promotion]]) -> list[Piece]:
    """The pieces of a row of which promotions with a number took units."""
    rest = row.units - sum([units for units, *_ in taken])
    found = [_piece(row, n, rest, best)] if rest else []
    found += [_piece(row, n, units, Best(unit_fen, unit_fen, promotion)) for units, unit_fen, promotion in taken]
    return sorted(found, key=lambda p: (-p.unit_fen, p.promotion.id if p.promotion else ""))


def spent_fen(promotion: Promotion, rows: Rows) -> int:
    """What a threshold of this stage is held against: the list amount of the promotion's scope."""
    return sum(rows[n].open_shelf.list_fen for n in rows.reach(promotion)) if promotion.min_spend_fen else 0


class Best(NamedTuple):
    """The lowest price: of one unit, or of the whole weighed line (`unit_fen` is then per kg), and whose it is."""

    price_fen: int
    unit_fen: int
    promotion: Promotion | None


class _Offer:
    """A promotion of this stage in this basket: where it counts, what it makes of a unit price, how much is left of it."""

    def __init__(self, promotion: Promotion, rows: Rows, used: Mapping[str, Used], rounding: str) -> None:
        self.promotion = promotion
        self.rounding = rounding
        self.reach = [n for n in rows.reach(promotion) if not rows[n].is_asked]
        self.units = sum(rows[n].units for n in self.reach)
        had = used.get(promotion.id, NOT_USED)
        limits = [n for n in (promotion.rule.max_units, times_left(promotion, had)) if n is not None]
        self.left = min(limits) if limits else None
        self.budget_fen = budget_left_fen(promotion, had)

    def price(self, row: Row) -> Best:
        """What it makes of a row."""
        unit_fen = int(self.promotion.rule.unit_price_fen(row.unit_fen, self.units, self.rounding))
        if row.units:
            return Best(unit_fen, unit_fen, self.promotion)
        amount_fen = min(weighed_amount_fen(unit_fen, row.line.weight_g or 0), row.open_shelf.list_fen)
        return Best(amount_fen, unit_fen, self.promotion)


def _catalogue(row: Row, with_audience: bool) -> Best:
    shelf = row.shelf if with_audience else row.open_shelf
    return Best(shelf.net_fen // row.units if row.units else shelf.net_fen, shelf.unit_fen, None)


def _give_limited(rows: Rows, best: Mapping[int, Best], offers: Sequence[_Offer]) -> dict[int, list[tuple[int, int, Promotion]]]:
    """Largest saving a unit first, then promotion id, then row; a unit gets one promotion."""
    wishes = []
    for offer in offers:
        for n in offer.reach:
            if rows[n].units and (saving_fen := best[n].price_fen - (price_fen := offer.price(rows[n]).price_fen)) > 0:
                wishes.append((-saving_fen, offer.promotion.id, n, price_fen, offer))
    left = {n: rows[n].units for _, _, n, *_ in wishes}
    taken: dict[int, list[tuple[int, int, Promotion]]] = {}
    for _, _, n, price_fen, offer in sorted(wishes, key=lambda wish: wish[:3]):
        units = left[n] if offer.left is None else min(left[n], offer.left)
        if offer.budget_fen is not None:
            units = min(units, offer.budget_fen // (rows[n].unit_fen - price_fen))
        if units:
            left[n] -= units
            taken.setdefault(n, []).append((units, price_fen, offer.promotion))
            offer.left = None if offer.left is None else offer.left - units
            if offer.budget_fen is not None:
                offer.budget_fen -= units * (rows[n].unit_fen - price_fen)
    return taken


def _piece(row: Row, n: int, units: int, best: Best) -> Piece:
    if row.units == 0:
        return Piece(n, 0, best.unit_fen, best.price_fen, row.open_shelf.list_fen, best.promotion)
    return Piece(n, units, best.price_fen, units * best.price_fen, units * row.unit_fen, best.promotion)


def plain_piece(row: Row, n: int, with_audience: bool) -> Piece:
    """A row that no promotion of this stage reaches, at the catalogue's price."""
    units, shelf, fen = row.units, row.shelf if with_audience else row.open_shelf, plain_fen(row, with_audience)
    if not units:
        return Piece(n, 0, shelf.unit_fen, fen, row.open_shelf.list_fen)
    return Piece(n, units, fen // units, fen, units * row.unit_fen)
