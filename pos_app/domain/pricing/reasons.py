"""Why a promotion whose conditions hold did not apply: the first thing that failed, with its numbers."""

from collections.abc import Iterator, Mapping, Sequence

from pos_app.domain.pricing.by_row import ByRow
from pos_app.domain.pricing.choice import Choice
from pos_app.domain.pricing.later_stages import Cell, LaterOffer, after, apply_offer, named, picked, reached
from pos_app.domain.pricing.later_stages import Rules as LaterRules
from pos_app.domain.pricing.mechanics.quantity_percent_tiers import QuantityPercentTiers
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers
from pos_app.domain.pricing.model import COUPON, GROUP, ON_LIST, SETS, SHELF, SPEND, Promotion, Refused
from pos_app.domain.pricing.rows import Rows
from pos_app.domain.pricing.set_stage import SetRules, measured_fen
from pos_app.domain.pricing.shelf_stage import Piece, spent_fen


def shelf_reasons(promotions: Sequence[Promotion], applied: set[str], rows: Rows, with_audience: bool) -> Iterator[Refused]:
    """Stage 0: too few units, left out with all audience prices, or another price is lower."""
    for promotion in promotions:
        if promotion.id in applied:
            continue
        rule = promotion.rule
        units = sum(rows[n].units for n in rows.reach(promotion))
        if isinstance(rule, QuantityPercentTiers) and units < rule.tiers[0].units:
            yield Refused(promotion.id, SHELF, "units", str(rule.tiers[0].units), str(units))
        elif (have_fen := spent_fen(promotion, rows)) < promotion.min_spend_fen:
            yield Refused(promotion.id, SHELF, "spend", str(promotion.min_spend_fen), str(have_fen))
        elif not with_audience and not promotion.is_for_anyone:
            yield Refused(promotion.id, SHELF, "audience_dearer")
        else:
            yield Refused(promotion.id, SHELF, "better")


def set_reasons(
    promotions: Sequence[Promotion], applied: set[str], sets: SetRules, rows: Rows, pieces: Sequence[Piece]
) -> Iterator[Refused]:
    """Stage 1: below its threshold, too few units, or another choice pays less."""
    offers = {promotion.id: offer for promotion, offer in zip(sets.promotions, sets.offers, strict=True)}
    for promotion in promotions:
        if promotion.id in applied:
            continue
        left_fen = measured_fen(promotion, rows, pieces) if promotion.min_spend_fen else 0
        if left_fen < promotion.min_spend_fen:
            yield Refused(promotion.id, SETS, "spend", str(promotion.min_spend_fen), str(left_fen))
            continue
        offer = offers.get(promotion.id)
        need = [slot.units for slot in (offer.shape if offer else promotion.rule.shape(promotion.scope)).slots]
        have = [sum([sets.classes[c].count for c in members]) for members in offer.slots] if offer else [0]
        if offer is None or any(n < units for n, units in zip(have, need, strict=True)):
            yield Refused(promotion.id, SETS, "units", str(sum(need)), str(sum(have)))
        else:
            yield Refused(promotion.id, SETS, "better")


def later_reasons(
    promotions: Sequence[tuple[Promotion, int]], offers: Sequence[LaterOffer], rows: Rows, choice: Choice, rules: LaterRules
) -> Iterator[Refused]:
    """Stages 2 to 4."""
    known = {offer.promotion.id: offer for offer in offers}
    applied = {step.offer.promotion.id for step in choice.later.steps}
    begins = _begins(choice)
    cells = {} if isinstance(choice.cells, ByRow) else _by_row(choice.cells)
    for promotion, stage in promotions:
        if promotion.id in applied:
            continue
        offer = known.get(promotion.id)
        if offer is None:
            yield Refused(promotion.id, stage, "goods")
        else:
            touched = [n for row in rows.reach(promotion) for n in cells.get(row, ())] if cells else named(offer, choice.cells)
            yield _later_reason(offer, touched, choice, begins, rules)


def _by_row(cells: Sequence[Cell]) -> dict[int, list[int]]:
    """Numbers of the cells of each row."""
    found: dict[int, list[int]] = {}
    for n, cell in enumerate(cells):
        found.setdefault(cell.row, []).append(n)
    return found


def _begins(choice: Choice) -> dict[int, Sequence[int]]:
    """What was left in each cell when stages 2, 3 and 4 began, and after them."""
    left: Sequence[int] = choice.begin
    begins = dict[int, Sequence[int]]()
    for stage in (GROUP, SPEND, COUPON):
        begins[stage] = left
        for step in choice.later.steps:
            if step.offer.stage == stage:
                left = after(step, left)
    begins[COUPON + 1] = left
    return begins


def _later_reason(
    offer: LaterOffer, touched: Sequence[int], choice: Choice, begins: Mapping[int, Sequence[int]], rules: LaterRules
) -> Refused:
    promotion, rule, stage = offer.promotion, offer.promotion.rule, offer.stage
    begin = begins[stage]
    is_list = promotion.threshold_on == ON_LIST
    measured = sum([cell.list_fen for cell in picked(choice.cells, touched)] if is_list else picked(begin, touched))
    need_fen = promotion.min_spend_fen
    if isinstance(rule, SpendSaveTiers):
        need_fen = max(need_fen, rule.tiers[0].spend_fen)
    if measured < need_fen:
        return Refused(promotion.id, stage, "spend", str(need_fen), str(measured))
    if apply_offer(offer, choice.cells, reached(offer, choice.cells), begin, begin, rules) is None:
        return Refused(promotion.id, stage, "worthless")
    others = [step.offer for step in choice.later.steps if step.offer.stage == stage and step.offer.rows & offer.rows]
    rival = next((other for other in others if other.promotion.group == promotion.group), None)
    if rival is not None and not (stage == COUPON and promotion.group == "basket"):
        return Refused(promotion.id, stage, "stacking", have=rival.promotion.id)
    if not any(picked(begins[stage + 1], touched)):
        return Refused(promotion.id, stage, "worthless")
    return Refused(promotion.id, stage, "better")
