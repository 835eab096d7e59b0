"""Points of a sale whose goods come back: those spent go back to their lots, those earned are taken back.

In the end the member has what the goods that are kept would have given, by the floor that the sale itself used.
"""

from dataclasses import replace

from pos_app.domain import points
from pos_app.domain.events import PointsMove, Sale
from pos_app.domain.return_terms import is_all_back, part_fen, points_fen
from pos_app.domain.return_values import Before, CardBack, Ledger, ReturnPlan, Units


def points_due(sale: Sale, units: Units) -> int:
    """Points that are due on what is kept, by the floor of the sale: 117.39 kept at 1 point a yuan is 117."""
    earned = _earned(sale)
    kept = [line.net_fen - part_fen(line.net_fen, line.quantity, units.get(n, 0)) for n, line in enumerate(sale.lines)]
    if any(line.points_rate is not None for line in sale.lines):
        rated = zip(kept, sale.lines, strict=True)
        return min(earned, sum(fen * (line.points_rate or 0) for fen, line in rated) // 10_000)
    return earned * sum(kept) // sale.total_fen if sale.total_fen else 0


def _earned(sale: Sale) -> int:
    return sum(move.points for move in sale.points or () if move.rule == points.EARN)


def points_over(sale: Sale, units: Units) -> int:
    """Points earned that are no longer due."""
    return _earned(sale) - points_due(sale, units)


def spent_back(sale: Sale, units: Units) -> int:
    """Points spent that go back: by what they paid of the units that came back, all of them at the end."""
    spent = -sum(move.points for move in _redeemed(sale))
    amounts = [points_fen(sale, line) for line in sale.lines]
    total_fen = sum(amounts)
    if is_all_back(sale, units) or not total_fen:
        return spent if is_all_back(sale, units) else 0
    backs = (part_fen(fen, line.quantity, units.get(n, 0)) for n, (fen, line) in enumerate(zip(amounts, sale.lines, strict=True)))
    return spent * sum(backs) // total_fen


def _redeemed(sale: Sale) -> list[PointsMove]:
    return [move for move in sale.points or () if move.rule == points.REDEEM]


def points_moves(sale: Sale, before: Before, plan: ReturnPlan, ledger: Ledger) -> tuple[PointsMove, ...]:
    """Points spent go back to their lots, points earned are taken back, and debts are paid of what is there then."""
    back = points.undo(_redeemed(sale), plan.points_given, spent_back(sale, before.units)) if plan.points_given else ()
    lots = points.after(ledger.lots, back)
    own = points.lot_id(ledger.sale_uid, points.EARN)
    taken = points.claw_back(ledger.uid, lots, own, plan.points_taken, ledger.on) if plan.points_taken else ()
    return (*back, *taken, *points.settle(points.after(lots, taken), ledger.on))


def punch_moves(sale: Sale, before: Before, card: CardBack, ledger: Ledger) -> tuple[PointsMove, ...]:
    """The stamps of one card: those of cards made undone come back, those of returned units go; under the card's name."""
    given = [move for move in sale.punches or () if move.rule == card.card]
    stamps = card.undone * card.card_stamps
    back = points.undo(given, stamps, before.card_stamps.get(card.card, 0)) if stamps else ()
    lots = points.after(ledger.lots, back)
    taken = points.claw_back(ledger.uid, lots, points.lot_id(ledger.sale_uid, card.card), card.stamps, ledger.on)
    return tuple(replace(move, rule=card.card) for move in (*back, *taken))
