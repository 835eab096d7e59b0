"""Points: a ledger of lots. Every function answers with moves and changes nothing.

A balance is the sum of the lots that count on a day; a lot counts through its `expires` day and needs no entry to lapse.
100 points out of (60 until 31 January, 80 until 30 June) on 31 January: 60 and 40; on 1 February 40 are left.

Entries are kept once per (event, rule, lot, direction), so that no retry doubles them.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.events import PointsMove
from pos_app.domain.money import share_fen
from pos_app.domain.pricing.model import PointsRules

EARN, REDEEM, UNDO, CLAW_BACK, DEBT = "earn", "redeem", "undo", "claw_back", "debt"
DONATE, SIGN_UP, CORRECTION = "donate", "sign_up", "correction"
Moves = tuple[PointsMove, ...]


class Lot(NamedTuple):
    """Points that came together. A debt is a lot below zero; it never lapses (`expires` is empty)."""

    lot: str
    points_left: int
    expires: str = ""

    def counts(self, on: str) -> bool:
        return not self.expires or on <= self.expires


def lot_id(uid: str, rule: str) -> str:
    """The name of the lot that a rule of an event makes: "sale uid:rule id"."""
    return f"{uid}:{rule}"


def is_debt(lot: str) -> bool:
    """Whether a lot's name is that of a debt."""
    return lot.endswith(f":{DEBT}")


def balance(lots: Iterable[Lot], on: str) -> int:
    """The sum of the lots that count on a day; below zero only by a stated debt."""
    return sum(lot.points_left for lot in lots if lot.counts(on))


def lapsed(lots: Iterable[Lot], on: str) -> tuple[Lot, ...]:
    """Lots past their day with points left in them: lost."""
    return tuple(lot for lot in lots if lot.points_left > 0 and not lot.counts(on))


def after(lots: Iterable[Lot], moves: Iterable[PointsMove]) -> tuple[Lot, ...]:
    """The lots after some moves; empty ones are left out."""
    left = {lot.lot: lot for lot in lots}
    for move in moves:
        lot = left.get(move.lot) or Lot(move.lot, 0, move.expires)
        left[move.lot] = lot._replace(points_left=lot.points_left + move.points)
    return tuple(lot for lot in left.values() if lot.points_left)


def earn(uid: str, points: int, on: str, life_days: int, rule: str = EARN) -> Moves:
    """One new lot, good through `on` + `life_days`; nothing for no points."""
    if points <= 0:
        return ()
    expires = datetime.date.fromisoformat(on) + datetime.timedelta(days=life_days)
    return (PointsMove(rule, lot_id(uid, rule), points, expires.isoformat()),)


def redeem(lots: Sequence[Lot], points: int, on: str, rule: str = REDEEM) -> Moves | Refusal:
    """Points out of the lots that expire first: as a discount, for a good cause, for a place in an event."""
    have = max(0, balance(lots, on))
    if points > have:
        return refuse("POS-4303", points=points, have=have)
    return _take(lots, points, on, rule)


def undo(moves: Sequence[PointsMove], points: int | None = None, before: int = 0) -> Moves:
    """Back to the lots they came from, the last taken first; what goes to a lot past its day stays lost.

    `points` of them (else all), after `before` that went back earlier: 60 of a and 40 of b, 50 back, 20 before: 20 to b, 30 to a.
    """
    taken = [move for move in reversed(moves) if move.points < 0]
    points = -sum(move.points for move in taken) - before if points is None else points
    back = []
    for move in taken:
        skipped = min(before, -move.points)
        given = min(points, -move.points - skipped)
        before, points = before - skipped, points - given
        if given > 0:
            back.append(PointsMove(UNDO, move.lot, given, move.expires))
    return tuple(back)


def claw_back(uid: str, lots: Sequence[Lot], lot: str, points: int, on: str) -> Moves:
    """Points of a returned part taken back: from the lot they made, then from the others, then as a debt named by the return.

    50 to take, 20 left in the lot, 10 elsewhere: 20, 10 and a debt of 20, which the next points pay.
    """
    own = _take([own for own in lots if own.lot == lot], points, "", CLAW_BACK)
    rest = points + sum(move.points for move in own)
    elsewhere = [other for other in lots if other.lot != lot]
    found = sum(other.points_left for other in elsewhere if other.points_left > 0 and other.counts(on))
    moves = (*own, *_take(elsewhere, min(rest, found), on, CLAW_BACK))
    owed = rest - min(rest, found)
    return (*moves, PointsMove(CLAW_BACK, lot_id(uid, DEBT), -owed)) if owed else moves


def settle(lots: Sequence[Lot], on: str) -> Moves:
    """What the lots that count pay of the debts. 30 earned with 20 owed: 20 out of the new lot, 20 into the debt."""
    debts = [lot for lot in lots if lot.points_left < 0]
    have = sum(lot.points_left for lot in lots if lot.points_left > 0 and lot.counts(on))
    due = min(have, -sum(debt.points_left for debt in debts))
    moves = list(_take(lots, due, on, DEBT))
    for debt in debts:
        paid = min(due, -debt.points_left)
        due -= paid
        if paid:
            moves.append(PointsMove(DEBT, debt.lot, paid))
    return tuple(moves)


def _take(lots: Iterable[Lot], points: int, on: str, rule: str) -> Moves:
    """Points out of lots that count (all do where `on` is empty), earliest expiry first."""
    moves = []
    for lot in sorted(lots, key=lambda lot: (lot.expires, lot.lot)):
        taken = min(points, lot.points_left)
        if taken > 0 and lot.counts(on):
            moves.append(PointsMove(rule, lot.lot, -taken, lot.expires))
            points -= taken
    return tuple(moves)


# ------------------------------------------------------------------ while cut off


class Allowance(NamedTuple):
    """What HQ lets a member spend at one device without asking, through a day; a share of the balance, put aside there."""

    points: int
    expires: str


def offline_allowance(rules: PointsRules, known: int, spent: int, on: str, allowance: Allowance | None = None) -> int:
    """What a member may still spend at a device that is cut off, having spent `spent` there since.

    Within the allowance while it is valid; without one, the cap of the rules and never more than the balance last known.
    A cap of 500, 800 points known, 200 spent: 300.
    """
    if allowance is not None and on <= allowance.expires:
        return max(0, allowance.points - spent)
    return max(0, min(rules.offline_points_max, known) - spent)


def put_aside(balance: int, spent: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """A balance as HQ puts it aside: device -> what may be spent there in all, ever. By HQ's log `spent` was spent so far.

    A share that was given `before` only grows, as it may be spent already without HQ's having heard; the rest is divided.
    900 left, 100 and 0 spent of 150 and 0: 150 + 425 and 0 + 425, as 50 of the balance are spoken for.
    """
    if not spent:
        return {}
    held = {device: max(amount, before.get(device, 0)) for device, amount in sorted(spent.items())}
    free = balance - sum(held[device] - amount for device, amount in spent.items())
    shares = share_fen(max(0, free), [1] * len(held))
    return {device: amount + share for (device, amount), share in zip(held.items(), shares, strict=True)}


def worst_overdraft(rules: PointsRules, known: int, devices: int) -> int:
    """The most that a member can spend beyond the balance when all devices are cut off and hold no allowance.

    Four devices, a cap of 500, 800 points: 2,000 - 800 = 1,200. Allowances are shares of the balance: they overdraw nothing.
    """
    return max(0, devices * min(rules.offline_points_max, known) - known)
