"""Stage 1 in a basket: the units that sets may take, what each promotion may take of them, and what a choice of sets leaves."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pos_app.domain.pricing.conditions import NOT_USED, budget_left_fen, times_left
from pos_app.domain.pricing.later_stages import Cell
from pos_app.domain.pricing.mechanics.sets import SetShape
from pos_app.domain.pricing.model import ON_LIST, Promotion, Used
from pos_app.domain.pricing.rows import Rows
from pos_app.domain.pricing.set_search import Chosen, SetOffer, UnitClass
from pos_app.domain.pricing.shelf_stage import OPEN, SHUT, Piece, kind_of


class SetRules(NamedTuple):
    """Stage 1 in this basket: the classes of equal units that an offer looks at (each a piece), the offers and whose they are."""

    classes: tuple[UnitClass, ...]
    pieces: tuple[int, ...]  # class -> piece
    offers: tuple[SetOffer, ...]
    promotions: tuple[Promotion, ...]


def set_rules(rows: Rows, pieces: Sequence[Piece], promotions: Sequence[Promotion], used: Mapping[str, Used]) -> SetRules:
    """The units that sets may take, and what each promotion may take of them; in order of id."""
    shapes: list[SetShape] = [promotion.rule.shape(promotion.scope) for promotion in promotions]
    wanted = {n for shape in shapes for slot in shape.slots for n in rows.within(slot.scope)}
    of_row: dict[int, list[int]] = {}
    for n, piece in enumerate(pieces):
        if piece.row in wanted and is_for_sets(piece, rows):
            of_row.setdefault(piece.row, []).append(n)
    offers, owners = [], []
    for promotion, shape in zip(promotions, shapes, strict=True):
        if promotion.min_spend_fen and measured_fen(promotion, rows, pieces) < promotion.min_spend_fen:
            continue
        offer = _set_offer(promotion, shape, rows, of_row, used)
        if offer is not None:
            offers.append(offer)
            owners.append(promotion)
    numbers = sorted({n for offer in offers for slot in offer.slots for n in slot})
    class_of = {n: c for c, n in enumerate(numbers)}
    return SetRules(
        tuple([UnitClass(pieces[n].unit_fen, pieces[n].units) for n in numbers]),
        tuple(numbers),
        tuple(
            [
                SetOffer(shape, tuple([tuple([class_of[n] for n in slot]) for slot in slots]), times, budget_fen)
                for shape, slots, times, budget_fen in offers
            ]
        ),
        tuple(owners),
    )


def is_for_sets(piece: Piece, rows: Rows) -> bool:
    """Whether sets may take units of a piece."""
    row, units, unit_fen, _, _, promotion = piece
    return bool(units and unit_fen and rows[row].is_open and (promotion is None or not promotion.exclusive))


def measured_fen(promotion: Promotion, rows: Rows, pieces: Sequence[Piece]) -> int:
    """What is left (or the list amount) in a promotion's scope when stage 1 begins."""
    within = set(rows.reach(promotion))
    found = [piece for piece in pieces if piece.row in within and piece.kind != SHUT]
    return sum(piece.base_fen if promotion.threshold_on == ON_LIST else piece.amount_fen for piece in found)


def _set_offer(
    promotion: Promotion, shape: SetShape, rows: Rows, of_row: Mapping[int, list[int]], used: Mapping[str, Used]
) -> SetOffer | None:
    slots = []
    for slot in shape.slots:
        reach = [n for n in rows.within(slot.scope) if n in of_row and not (promotion.price_once and rows[n].is_labelled)]
        if not reach:
            return None
        slots.append(tuple([c for n in reach for c in of_row[n]]))
    had = used.get(promotion.id, NOT_USED)
    return SetOffer(shape, tuple(slots), times_left(promotion, had), budget_left_fen(promotion, had))


def left_cells(
    chosen: Sequence[Chosen], sets: SetRules, rows: Rows, pieces: Sequence[Piece]
) -> tuple[tuple[Cell, ...], tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Cells and amounts for later stages, and (row, fen) that they may not touch."""
    left: dict[tuple[int, int], list[int]] = {}  # row, kind -> [fen, list fen]

    def put(row: int, kind: int, fen: int, list_fen: int) -> None:
        cell = left.setdefault((row, kind), [0, 0])
        cell[0] += fen
        cell[1] += list_fen

    for row, _, _, amount_fen, base_fen, promotion in pieces:
        key = row, SHUT if not rows[row].is_open else OPEN if promotion is None else kind_of(promotion)
        if key in left:
            put(*key, amount_fen, base_fen)
        else:
            left[key] = [amount_fen, base_fen]
    for one in chosen:
        kind = kind_of(sets.promotions[one.offer])
        for slot in one.slots:
            for c, units in slot:
                piece = pieces[sets.pieces[c]]
                if kind > piece.kind:
                    fen, list_fen = units * one.times * piece.unit_fen, units * one.times * rows[piece.row].unit_fen
                    put(piece.row, piece.kind, -fen, -list_fen)
                    put(piece.row, kind, fen, list_fen)
        for c, fen in one.shares:
            piece = pieces[sets.pieces[c]]
            put(piece.row, max(kind, piece.kind), -fen * one.times, 0)
    ordered = sorted(left.items())
    is_open = [one for one in ordered if one[0][1] != SHUT]
    cells = tuple([Cell(row, kind, list_fen) for (row, kind), (_, list_fen) in is_open])
    fixed = tuple([(row, fen) for (row, kind), (fen, _) in ordered if kind == SHUT])
    return cells, tuple([fen for _, (fen, _) in is_open]), fixed
