"""The trace: every application of stages 0 to 4 with its units, amounts and shares, as the checker and people read it."""

from collections.abc import Sequence
from typing import cast

from pos_app.domain.as_asked import AsAsked
from pos_app.domain.pricing.by_row import numbered
from pos_app.domain.pricing.choice import Choice
from pos_app.domain.pricing.later_stages import Step
from pos_app.domain.pricing.model import SETS, SHELF, Applied, StageShare, Use
from pos_app.domain.pricing.rows import Rows
from pos_app.domain.pricing.set_search import Chosen
from pos_app.domain.pricing.set_stage import SetRules
from pos_app.domain.pricing.shelf_stage import Piece


def trace_of(choice: Choice, sets: SetRules, rows: Rows, pieces: Sequence[Piece], is_whole: bool) -> tuple[Applied, ...]:
    """Stages 0 to 4 in their order; in stages 0 and 1 by promotion id.

    Shares of later stages are made as they are asked for, unless the trace is to be whole.
    """
    return (
        *shelf_applied(rows, pieces),
        *sorted([_set_applied(one, sets, rows, pieces) for one in choice.chosen], key=lambda a: (a.promotion, a.uses)),
        *[_step_applied(step, choice, rows, is_whole) for step in choice.later.steps],
    )


def shelf_applied(rows: Rows, pieces: Sequence[Piece]) -> list[Applied]:
    """One application a promotion of stage 0, over all its units."""
    found: dict[str, list[Piece]] = {}
    for _, piece in numbered(pieces):
        if piece.promotion is not None:
            found.setdefault(piece.promotion.id, []).append(piece)
    return [_shelf_promotion(name, rows, found[name]) for name in sorted(found)]


def _shelf_promotion(name: str, rows: Rows, pieces: Sequence[Piece]) -> Applied:
    uses = tuple([Use(rows[p.row].line.line_id, p.units, rows[p.row].unit_fen, p.units) for p in pieces])
    shares = tuple([StageShare(rows[p.row].line.line_id, p.base_fen, p.base_fen - p.amount_fen) for p in pieces])
    times = sum([piece.units for piece in pieces]) or 1
    before_fen, saving_fen = sum([share.before_fen for share in shares]), sum([share.fen for share in shares])
    return Applied(SHELF, name, saving_fen, before_fen, times, uses=uses, shares=shares)


def _set_applied(one: Chosen, sets: SetRules, rows: Rows, pieces: Sequence[Piece]) -> Applied:
    offer, slots, saving_fen, share_of, times = one
    reduced = _reduced(one, sets)
    taken: dict[int, int] = {}
    for slot in slots:
        for c, units in slot:
            taken[c] = taken.get(c, 0) + units
    uses, shares, fens, before_fen = [], [], dict(share_of), 0
    for c, units in sorted(taken.items()):
        row, _, unit_fen, _, _, promotion = pieces[sets.pieces[c]]
        line_id, fen = rows[row].line.line_id, units * unit_fen
        uses.append(Use(line_id, units, unit_fen, reduced.count(c), promotion.id if promotion else ""))
        shares.append(StageShare(line_id, fen * times, fens.get(c, 0) * times))
        before_fen += fen
    return Applied(SETS, sets.promotions[offer].id, saving_fen * times, before_fen, times, uses=tuple(uses), shares=tuple(shares))


def _reduced(one: Chosen, sets: SetRules) -> list[int]:
    """The units that the benefit reduces, each by its class: the cheapest, those of the last slot, or all."""
    shape = sets.offers[one.offer].shape
    slots = one.slots[-1:] if shape.percent and not shape.cheapest else one.slots
    units = [c for slot in slots for c, n in slot for _ in range(n)]
    return sorted(units, key=lambda c: (sets.classes[c].price_fen, c))[: shape.cheapest] if shape.cheapest else units


def _step_applied(step: Step, choice: Choice, rows: Rows, is_whole: bool) -> Applied:
    offer, cells = step.offer, choice.cells

    def one(n: int) -> StageShare:
        return StageShare(rows[cells[step.cells[n]].row].line.line_id, step.befores[n], step.fens[n])

    shares = AsAsked(len(step.cells), one)
    return Applied(
        offer.stage, offer.promotion.id, step.saving_fen, step.measured_fen, step.times, step.tier,
        shares=tuple(shares) if is_whole else cast(tuple[StageShare, ...], shares),
    )  # fmt: skip
