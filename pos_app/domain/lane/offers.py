"""Points and coupons, asked for in one list: what may be spent, what was entered, and what each takes off."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from pos_app.domain.basket import AddCode, DropCode, SpendPoints
from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.lane.intents import Beep, CheckCoupon, CouponFound, OfferRefused, OffersChanged
from pos_app.domain.lane.selling import replay_waiting
from pos_app.domain.lane.state import INFO, PAYMENT, Dialog, LaneState, Step, change, cleared, refused, say
from pos_app.domain.pricing.mechanics.points_redeem import PointsRedeem
from pos_app.domain.pricing.model import POINTS, SPEND, Applied

ASKING = frozenset({"member", "member_of", "offers"})  # dialogs that a member's card or a coupon answers
CODES_MAX = 20
BLOCKS = (1, 2, 3, 5, 10, 20, 50)


class PointsChoice(NamedTuple):
    """So many points for this basket; 0 for none. 300 points in blocks of 100 for 10.00 each: 30.00."""

    points: int
    worth_fen: int


def press(state: LaneState, action: str) -> Step:
    """F8: the list of points and coupons, on the basket screen and while paying."""
    refusal = why_not(state)
    if refusal is not None:
        return refused(state, refusal)
    return listed(replace(cleared(state), dialog=Dialog("offers"))), ()


def why_not(state: LaneState) -> Refusal | None:
    """Why members, coupons and points cannot be changed now: no shift; money was taken for the price as it is."""
    if state.shift_no is None and not state.is_self_checkout:
        return refuse("POS-4003")
    if state.basket.tenders:
        return refuse("POS-3012")
    return refuse("POS-3203") if state.is_self_checkout and state.phase == PAYMENT else None


def listed(state: LaneState) -> LaneState:
    """The state with the open list's rows as the basket is now."""
    if state.dialog is None:
        return state
    rows = (*choices(state), *state.basket.codes)
    cursor = min(state.dialog.cursor, max(0, len(rows) - 1))
    return replace(state, dialog=replace(state.dialog, text="", rows=rows, cursor=cursor, refusal=None))


def choices(state: LaneState) -> tuple[PointsChoice, ...]:
    """The amounts of points that this member may spend now: none, some whole blocks, and as many as fit."""
    member, rule = state.basket.member, redeeming(state)
    if member is None or rule is None or not member.may_spend:
        return ()
    most = rule.blocks(member.customer.points, state.priced.after_coupons_fen)
    blocks = sorted({n for n in (*BLOCKS, most) if 0 < n <= most})
    return (PointsChoice(0, 0), *(PointsChoice(n * rule.block_points, n * rule.block_fen) for n in blocks)) if blocks else ()


def redeeming(state: LaneState) -> PointsRedeem | None:
    """The rule that turns points into a discount: the first by its promotion's id."""
    rules = {p.id: p.rule for p in state.package.promotions if isinstance(p.rule, PointsRedeem)}
    return rules[min(rules)] if rules else None


def enter(state: LaneState, dialog: Dialog) -> Step:
    """A typed code is checked; without one the highlighted row is chosen: points to spend, or a coupon to take out."""
    if dialog.text:
        return state, (CheckCoupon(dialog.text),)
    if not dialog.rows:
        return state, ()
    row = dialog.rows[dialog.cursor]
    return _spend(state, row) if isinstance(row, PointsChoice) else _drop(state, row)


def _spend(state: LaneState, row: PointsChoice) -> Step:
    state, effects = change(state, SpendPoints(row.points))
    return listed(state), (*effects, Beep("done"))


def _drop(state: LaneState, row: AddCode) -> Step:
    state, effects = change(state, DropCode(row.code))
    return say(listed(state), INFO, "banner.coupon_gone", code=row.code), (*effects, Beep("done"))


def coupon_found(state: LaneState, reply: CouponFound) -> Step:
    """A coupon, scanned anywhere on the basket screen or typed: it counts from now on, once."""
    refusal = why_not(state)
    if refusal is None and any(code.code == reply.op.code for code in state.basket.codes):
        refusal = refuse("POS-3201", code=reply.op.code)
    if refusal is None and len(state.basket.codes) >= CODES_MAX:
        refusal = refuse("POS-3202", most=CODES_MAX)
    if refusal is not None:
        return offer_refused(state, OfferRefused(refusal))
    state, effects = change(replace(state, banner=None), reply.op)
    state, more = answered(say(state, INFO, "banner.coupon", code=reply.op.code))
    return state, (*effects, Beep("done"), *more)


def answered(state: LaneState) -> Step:
    """The dialog that asked is gone; the list of offers stays, with its rows anew."""
    if state.dialog is None or state.dialog.kind not in ASKING:
        return state, ()
    if state.dialog.kind == "offers":
        return listed(state), ()
    return replay_waiting(replace(state, dialog=None))


def offer_refused(state: LaneState, reply: OfferRefused) -> Step:
    """No such member, no such coupon: said where it was asked."""
    if state.dialog is not None and state.dialog.kind in ASKING:
        return replace(state, dialog=replace(state.dialog, text="", refusal=reply.refusal)), (Beep("refused"),)
    return refused(state, reply.refusal)


def offers_changed(state: LaneState, reply: OffersChanged) -> Step:
    """The sale was not made: what no longer counts is taken out, the price is a new one, and the basket stays."""
    state, effects = change(state, *reply.ops)
    state, more = refused(state, reply.refusal)
    return state, (*effects, *more)


def on_basket(applied: Iterable[Applied] | None) -> list[Applied]:
    """What was taken off the basket as a whole, not off single goods: spend-and-save, coupons, points."""
    return [one for one in applied or () if SPEND <= one.stage <= POINTS]


def saved_fen(state: LaneState, stage: int) -> int:
    """What a stage took off in all."""
    return sum(applied.saving_fen for applied in state.priced.applied if applied.stage == stage)
