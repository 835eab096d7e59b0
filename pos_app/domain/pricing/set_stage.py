"""Stage 1 in a basket: the units that sets may take, what each promotion may take of them, and what a choice of sets leaves."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from pos_app.domain.pricing.by_row import ByRow
from pos_app.domain.pricing.conditions import NOT_USED, budget_left_fen, times_left
from pos_app.domain.pricing.later_stages import Cell
from pos_app.domain.pricing.mechanics.sets import SetShape
from pos_app.domain.pricing.model import ON_LIST, Promotion, Used
from pos_app.domain.pricing.rows import Rows
from pos_app.domain.pricing.set_search import Chosen, SetOffer, UnitClass
from pos_app.domain.pricing.shelf_stage import OPEN, SHUT, GrownPieces, Piece, kind_of


class SetRules(NamedTuple):
    """Stage 1 in this basket: the classes of equal units that an offer looks at (each a piece), the offers and whose they are."""

    classes: tuple[UnitClass, ...]
    pieces: tuple[int, ...]  # class -> piece
    offers: tuple[SetOffer, ...]
    promotions: tuple[Promotion, ...]


def set_rules(
    rows: Rows, pieces: Sequence[Piece], promotions: Sequence[Promotion], shapes: Mapping[str, SetShape], used: Mapping[str, Used]
) -> SetRules:
    """The units that sets may take, and what each promotion (its shape by its id) may take of them; in order of id."""
    reached = [[rows.within(slot.scope) for slot in shapes[promotion.id].slots] for promotion in promotions]
    wanted = {n for slots in reached for slot in slots for n in slot}
    found = [(n, piece) for n, piece in pieces_of_rows(wanted, pieces) if is_for_sets(piece, rows)]
    of_row: dict[int, list[int]] = {}  # row -> classes
    for c, (_, piece) in enumerate(found):
        of_row.setdefault(piece.row, []).append(c)
    offers, here = [], []
    for promotion, slots in zip(promotions, reached, strict=True):
        if promotion.min_spend_fen and measured_fen(promotion, rows, pieces) < promotion.min_spend_fen:
            continue
        members = tuple([_members(promotion, slot, rows, of_row) for slot in slots])
        if all(members):
            had = used.get(promotion.id, NOT_USED)
            offers.append(SetOffer(shapes[promotion.id], members, times_left(promotion, had), budget_left_fen(promotion, had)))
            here.append(promotion)
    return SetRules(
        tuple([UnitClass(piece.unit_fen, piece.units) for _, piece in found]),
        tuple([n for n, _ in found]),
        tuple(offers),
        tuple(here),
    )


def pieces_of_rows(wanted: set[int], pieces: Sequence[Piece]) -> Iterable[tuple[int, Piece]]:
    """The pieces of some rows with their numbers."""
    if isinstance(pieces, GrownPieces) and len(wanted) * 4 < len(pieces):
        return [(n, pieces[n]) for n in pieces.numbers(sorted(wanted))]
    return [(n, piece) for n, piece in enumerate(pieces) if piece.row in wanted]


def is_for_sets(piece: Piece, rows: Rows) -> bool:
    """Whether sets may take units of a piece."""
    row, units, unit_fen, _, _, promotion = piece
    return bool(units and unit_fen and rows[row].is_open and (promotion is None or not promotion.exclusive))


def measured_fen(promotion: Promotion, rows: Rows, pieces: Sequence[Piece]) -> int:
    """What is left (or the list amount) in a promotion's scope when stage 1 begins."""
    within = set(rows.reach(promotion))
    found = [piece for piece in pieces if piece.row in within and piece.kind != SHUT]
    return sum(piece.base_fen if promotion.threshold_on == ON_LIST else piece.amount_fen for piece in found)


def _members(promotion: Promotion, within: Sequence[int], rows: Rows, of_row: Mapping[int, list[int]]) -> tuple[int, ...]:
    """The classes that a slot may take from."""
    if promotion.price_once:
        within = [n for n in within if not rows[n].is_labelled]
    return tuple([c for n in within if n in of_row for c in of_row[n]])


Cells = tuple[Sequence[Cell], tuple[int, ...], tuple[tuple[int, int], ...]]


def left_cells(chosen: Sequence[Chosen], sets: SetRules, rows: Rows, pieces: Sequence[Piece]) -> Cells:
    """Cells and amounts for later stages, and (row, fen) that they may not touch."""
    if not isinstance(pieces, GrownPieces):
        return cells_of(chosen, sets, rows, pieces, pieces)
    busy = _busy_pieces(chosen, sets, rows, pieces)
    cells, begin, fixed = cells_of(chosen, sets, rows, pieces, busy)
    return *_grown_cells(pieces, {piece.row for piece in busy}, cells, begin), fixed


def cells_of(chosen: Sequence[Chosen], sets: SetRules, rows: Rows, pieces: Sequence[Piece], some: Sequence[Piece]) -> Cells:
    """The same of some pieces, out of which all of `chosen` takes."""
    left: dict[tuple[int, int], list[int]] = {}  # row, kind -> [fen, list fen]
    for row, _, _, amount_fen, base_fen, promotion in some:
        key = row, SHUT if not rows[row].is_open else OPEN if promotion is None else kind_of(promotion)
        if key in left:
            _put(left, key, amount_fen, base_fen)
        else:
            left[key] = [amount_fen, base_fen]
    for one in chosen:
        kind, times = kind_of(sets.promotions[one.offer]), one.times
        if kind != OPEN:
            for slot in one.slots:
                for c, units in slot:
                    piece = pieces[sets.pieces[c]]
                    if kind > piece.kind:
                        fen, list_fen = units * times * piece.unit_fen, units * times * rows[piece.row].unit_fen
                        _put(left, (piece.row, piece.kind), -fen, -list_fen)
                        _put(left, (piece.row, kind), fen, list_fen)
        for c, fen in one.shares:
            row, _, _, _, _, promotion = pieces[sets.pieces[c]]
            left[row, kind if promotion is None else max(kind, kind_of(promotion))][0] -= fen * times
    cells, begin, fixed = [], [], []
    for (row, kind), (fen, list_fen) in sorted(left.items()):
        if kind == SHUT:
            fixed.append((row, fen))
        else:
            cells.append(Cell(row, kind, list_fen))
            begin.append(fen)
    return tuple(cells), tuple(begin), tuple(fixed)


def _put(left: dict[tuple[int, int], list[int]], key: tuple[int, int], fen: int, list_fen: int) -> None:
    cell = left.setdefault(key, [0, 0])
    cell[0] += fen
    cell[1] += list_fen


def _busy_pieces(chosen: Sequence[Chosen], sets: SetRules, rows: Rows, pieces: GrownPieces) -> Sequence[Piece]:
    """The pieces that a promotion has touched or none may touch."""
    of_sets = {pieces[sets.pieces[c]].row for one in chosen for slot in (*one.slots, one.shares) for c, _ in slot}
    return [piece for row in sorted(of_sets.union(rows.shut, pieces.others)) for piece in pieces.of(row)]


def _grown_cells(
    pieces: GrownPieces, busy: Iterable[int], busy_cells: Sequence[Cell], busy_fens: Sequence[int]
) -> tuple[Sequence[Cell], tuple[int, ...]]:
    """The cells and amounts of all rows, of which those of the busy rows are known."""
    cells: dict[int, list[Cell]] = {row: [] for row in busy}
    fens: dict[int, list[int]] = {row: [] for row in busy}
    for cell, fen in zip(busy_cells, busy_fens, strict=True):
        cells[cell.row].append(cell)
        fens[cell.row].append(fen)
    begin = list(pieces.net_fens)
    for row in sorted(fens, reverse=True):
        begin[row : row + 1] = fens[row]
    return ByRow(len(pieces.net_fens), partial(_plain_cell, pieces), cells), tuple(begin)


def _plain_cell(pieces: GrownPieces, row: int) -> Cell:
    return Cell(row, OPEN, pieces.of(row)[0].base_fen)
