"""Returns at a lane: the receipt, what of it comes back, why, the plan in full, and only then the commit.

`state.returning` is the return as it is put together; the dialogs `return_*` are its steps, Esc goes one back. A person
without the permission gets this far too: it is lent at the end, by somebody who sees the plan.
"""

from dataclasses import replace

from pos_app.domain.basket import AttachReturn, DetachReturn
from pos_app.domain.errors import refuse
from pos_app.domain.lane.intents import Beep, PrintWaiting, PulseDrawer
from pos_app.domain.lane.people import with_permission
from pos_app.domain.lane.return_intents import (
    CommitReturn,
    FindNoReceipt,
    FindReceipt,
    NoReceiptFound,
    PlanReturn,
    QueuedFound,
    ReceiptFound,
    ReceiptsFound,
    RefundDone,
    ReturnDone,
    ReturnPlanned,
    ReturnRefused,
    SettleRefund,
)
from pos_app.domain.lane.selling import replay_waiting
from pos_app.domain.lane.state import (
    ERROR,
    INFO,
    OK,
    SELLING,
    Banner,
    Dialog,
    LaneState,
    Returning,
    Step,
    change,
    cleared,
    refused,
    say,
)
from pos_app.domain.money import format_yuan
from pos_app.domain.permissions import NO_RECEIPT_RETURN, RETURN_GOODS, VOID_SALE
from pos_app.domain.return_values import ReturnLine, ReturnRequest, Wanted
from pos_app.domain.returns import DONE, EXCHANGE, left_units, with_slip
from pos_app.domain.tender import CASH

ACTIONS = frozenset({"return", "void_sale", "return_yes"})
KINDS = frozenset({"return_find", "return_lines", "return_goods", "return_reason", "return_plan", "return_slip", "return_settle"})
TYPED: dict[str, str | None] = {"return_find": None, "return_lines": "0123456789", "return_slip": None, "return_settle": None}
LETTERS = {"return_plan": {"y": "yes", "n": "back", "g": "gifts", "w": "waste", "x": "exchange"}}
GO = -1  # the row under the lines that goes on
ALL_GIFTS, ALL_FEN = 9_999, 1 << 40


def press(state: LaneState, action: str) -> Step:
    """F7: a return; the key for it: the lane's last sale made void."""
    if state.is_self_checkout or state.phase != SELLING:
        return state, ()
    if state.shift_no is None:
        return refused(state, refuse("POS-4003"))
    if action == "return_yes":
        return confirm(state)
    if action == "void_sale":
        return replace(cleared(state), returning=None), (FindReceipt("", newest=True),)
    if state.basket.exchange is not None:
        state, effects = change(cleared(state), DetachReturn())
        return say(state, INFO, "banner.no_exchange"), effects
    if state.returning is not None and state.returning.plan is not None:  # left open to ask for a permission
        return replace(cleared(state), dialog=Dialog("return_plan")), ()
    return replace(cleared(state), returning=None, dialog=Dialog("return_find")), ()


def scan(state: LaneState, code: str) -> Step:
    """A receipt's number where one is asked for, else a good without receipt; in the other steps no code is expected."""
    kind = state.dialog.kind if state.dialog else ""
    if kind == "return_find" and "-" in code:
        return state, (FindReceipt(code),)
    if kind in ("return_find", "return_goods"):
        return state, (FindNoReceipt(code),)
    return refused(state, refuse("POS-2115"))


# ------------------------------------------------------------------ replies


def receipts_found(state: LaneState, reply: ReceiptsFound) -> Step:
    if state.dialog is None or state.dialog.kind != "return_find":
        return state, ()
    if not reply.rows:
        return _ask(state, replace(state.dialog, refusal=refuse("POS-3009")))
    return replace(state, dialog=replace(state.dialog, rows=reply.rows, text="", cursor=0, refusal=None)), ()


def receipt_found(state: LaneState, reply: ReceiptFound) -> Step:
    """The lines of the receipt that can still come back; all of them are chosen for a void."""
    left = left_units(reply.found.sale, reply.found.before)
    if not any(left):
        return return_refused(state, ReturnRefused(refuse("POS-3305", number=reply.found.sale.number)))
    chosen = tuple(left) if reply.is_void else (0,) * len(left)
    state = replace(state, returning=Returning(reply.found, chosen, is_void=reply.is_void))
    if reply.is_void:
        return replace(state, dialog=_reasons(state)), (Beep("look"),)
    rows = (*(n for n, units in enumerate(left) if units), GO)
    return replace(state, dialog=Dialog("return_lines", rows=rows)), (Beep("done"),)


def queued_found(state: LaneState, reply: QueuedFound) -> Step:
    """The number of a return whose refund waits: it can be made now."""
    return replace(state, dialog=Dialog("return_settle", data=reply.queued)), (Beep("look"),)


def settle_enter(state: LaneState, dialog: Dialog) -> Step:
    slip = dialog.text.strip()[:32]
    return (state, (SettleRefund(dialog.data, slip),)) if slip else _ask(state, replace(dialog, refusal=refuse("POS-3003")))


def refund_done(state: LaneState, reply: RefundDone) -> Step:
    state = say(replace(state, dialog=None), OK, "banner.settled", number=reply.number)
    state, more = replay_waiting(state)
    return state, (Beep("done"), *more)


def no_receipt_found(state: LaneState, reply: NoReceiptFound) -> Step:
    """One more good without a receipt."""
    now = state.returning if state.returning is not None and state.returning.found is None else Returning(None)
    state = replace(state, returning=now._replace(goods=(*now.goods, reply.good), plan=None))
    rows = (*range(len(now.goods) + 1), GO)
    return replace(state, dialog=Dialog("return_goods", rows=rows, cursor=len(rows) - 1)), (Beep("done"),)


def return_planned(state: LaneState, reply: ReturnPlanned) -> Step:
    now = state.returning
    if now is None:
        return state, ()
    if reply.request.wanted.exchange_fen:
        return _attach(state, reply)
    return replace(state, returning=now._replace(plan=reply.plan), dialog=Dialog("return_plan")), (Beep("look"),)


def _attach(state: LaneState, reply: ReturnPlanned) -> Step:
    """The goods that come back count towards the basket that is open or comes next."""
    fen = reply.plan.by_kind(EXCHANGE)
    state, effects = change(
        replace(cleared(state), returning=None, dialog=None, last_sale=None), AttachReturn(reply.request, fen)
    )
    state, more = replay_waiting(say(state, INFO, "banner.exchange", amount=format_yuan(fen)))
    return state, (*effects, Beep("done"), *more)


def return_refused(state: LaneState, reply: ReturnRefused) -> Step:
    """Nothing was given back. When the receipt changed meanwhile it is read again."""
    now, dialog = state.returning, state.dialog
    if reply.refusal.code == "POS-3306" and now is not None and now.found is not None:
        state = replace(state, banner=Banner(ERROR, reply.refusal.code, reply.refusal.args), dialog=None)
        return state, (Beep("refused"), FindReceipt(now.found.sale.number))
    if dialog is not None and dialog.kind in KINDS:
        return _ask(state, replace(dialog, text="", refusal=reply.refusal))
    return refused(replace(state, returning=None), reply.refusal)


def return_done(state: LaneState, reply: ReturnDone) -> Step:
    """The commit has returned: the drawer, the paper and the word "returned" come after it."""
    cash_fen = sum(refund.amount_fen for refund in reply.refunds if refund.kind == CASH)
    queued = any(refund.state != DONE for refund in reply.refunds)
    state = replace(state, returning=None, dialog=None, last_sale=None)
    total_fen = sum(refund.amount_fen for refund in reply.refunds if refund.kind != EXCHANGE)
    key = "banner.returned_queued" if queued else "banner.returned"
    state = say(state, OK, key, number=reply.number, total=format_yuan(total_fen), cash=format_yuan(cash_fen))
    state, more = replay_waiting(state)
    return state, (*((PulseDrawer("return"),) if cash_fen else ()), PrintWaiting(), Beep("done"), *more)


# ------------------------------------------------------------------ keys in the dialogs


def dialog_press(state: LaneState, dialog: Dialog, action: str) -> Step | None:
    """What a key does in a step of the return; None where it does what it does in every dialog."""
    if dialog.kind == "return_plan" and action in ("gifts", "waste"):
        return _changed(state, action)
    if dialog.kind == "return_plan" and action == "exchange":
        return _exchange(state)
    if dialog.kind in ("return_lines", "return_goods"):
        if action == "pay":
            return _go(state, dialog)
        if action in ("up", "down"):
            cursor = (dialog.cursor + (1 if action == "down" else -1)) % len(dialog.rows)
            return replace(state, dialog=replace(dialog, cursor=cursor, text="", refusal=None)), ()
    return None


def back(state: LaneState, dialog: Dialog) -> Step:
    """One step back; from the first one the return is given up."""
    now = state.returning
    if dialog.kind == "return_slip":
        return replace(state, dialog=Dialog("return_plan")), ()
    if now is not None and now.is_exchange:
        state = replace(state, returning=(now := now._replace(is_exchange=False, approver="")))
    if dialog.kind == "return_plan" and now is not None and not now.is_void:
        return replace(state, dialog=_reasons(state), returning=now._replace(plan=None)), ()
    if dialog.kind == "return_reason" and now is not None and not now.is_void:
        return replace(state, dialog=_lines(now)), ()
    if dialog.kind in ("return_lines", "return_goods"):
        return replace(state, dialog=Dialog("return_find"), returning=None), ()
    return replay_waiting(replace(state, dialog=None, returning=None))


def find_enter(state: LaneState, dialog: Dialog) -> Step:
    """The typed number or amount, the marked sale of the list, or the list itself."""
    if dialog.text or not dialog.rows:
        return state, (FindReceipt(dialog.text),)
    return state, (FindReceipt(dialog.rows[dialog.cursor].number),)


def lines_enter(state: LaneState, dialog: Dialog) -> Step:
    """Digits and Enter: so many units of this line; Enter alone: all that are left, or none."""
    now = state.returning
    row = dialog.rows[dialog.cursor]
    if now is None or now.found is None or row == GO:
        return _go(state, dialog)
    left = left_units(now.found.sale, now.found.before)[row]
    units = int(dialog.text) if dialog.text else (0 if now.chosen[row] else left)
    if units > left:
        name = now.found.sale.lines[row].name
        return _ask(state, replace(dialog, text="", refusal=refuse("POS-3302", name=name, left=left, units=units)))
    chosen = (*now.chosen[:row], units, *now.chosen[row + 1 :])
    moved = replace(dialog, text="", cursor=dialog.cursor + 1, refusal=None)
    return replace(state, returning=now._replace(chosen=chosen, plan=None), dialog=moved), ()


def goods_enter(state: LaneState, dialog: Dialog) -> Step:
    """On a good: it is left out; on the last row: on to the reason."""
    now, row = state.returning, dialog.rows[dialog.cursor]
    if now is None or row == GO:
        return _go(state, dialog)
    now = now._replace(goods=now.goods[:row] + now.goods[row + 1 :])
    return replace(state, returning=now, dialog=_lines(now)), ()


def _go(state: LaneState, dialog: Dialog) -> Step:
    now = state.returning
    if now is None or not (any(now.chosen) or now.goods):
        return _ask(state, replace(dialog, refusal=refuse("POS-3303")))
    return replace(state, dialog=_reasons(state)), ()


def reason_enter(state: LaneState, dialog: Dialog) -> Step:
    """The reason says where the goods go, too; the plan is asked for."""
    now, reason = state.returning, dialog.rows[dialog.cursor]
    if now is None:
        return back(state, dialog)
    now = now._replace(reason=reason, to_waste=reason in state.config.waste_reasons)
    return _plan(replace(state, returning=now))


def _changed(state: LaneState, what: str) -> Step:
    """The gifts are here after all, or not; the goods go on the shelf, or not."""
    now = state.returning
    if now is None:
        return state, ()
    now = now._replace(gifts_here=not now.gifts_here) if what == "gifts" else now._replace(to_waste=not now.to_waste)
    return _plan(replace(state, returning=now))


def _plan(state: LaneState) -> Step:
    return state, ((PlanReturn(request_of(state.returning)),) if state.returning else ())


# ------------------------------------------------------------------ confirm


def confirm_yes(state: LaneState, dialog: Dialog) -> Step:
    """Y: it is given back, whatever was thought of before."""
    now = state.returning
    return confirm(replace(state, returning=now._replace(is_exchange=False)) if now else state)


def _exchange(state: LaneState) -> Step:
    """X: nothing is given back; what comes back pays for other goods. Only with a receipt, and one a basket."""
    now = state.returning
    if now is None or now.found is None or now.is_void or state.basket.exchange is not None:
        return state, ()
    return confirm(replace(state, returning=now._replace(is_exchange=True)))


def confirm(state: LaneState) -> Step:
    """With the permission, lent or own: the slip of the reversal first where one is due, then the commit."""
    now = state.returning
    if now is None or now.plan is None:
        return state, ()
    if now.is_void:
        return with_permission(state, VOID_SALE, "return_yes", _permitted)
    if now.found is None:
        return with_permission(state, NO_RECEIPT_RETURN, "return_yes", _permitted)
    return with_permission(state, RETURN_GOODS, "return_yes", _permitted)


def _permitted(state: LaneState) -> Step:
    now = state.returning
    if now is None or now.plan is None:
        return state, ()
    plan, now = now.plan, now._replace(approver=state.approver or state.staff_number)
    state = replace(state, returning=now)
    if now.is_exchange:
        return state, (PlanReturn(request_of(now)),)
    outside_fen = sum(refund.amount_fen for refund in plan.refunds if refund.reference)
    if outside_fen:
        return replace(state, dialog=Dialog("return_slip", data=outside_fen)), ()
    return replace(state, dialog=Dialog("return_plan")), _commit(now)


def slip_enter(state: LaneState, dialog: Dialog) -> Step:
    """The slip's reference; nothing typed: the terminal cannot do it now, and the refund is queued."""
    now = state.returning
    if now is None or now.plan is None:
        return back(state, dialog)
    plan = now.plan
    kinds = tuple(sorted({refund.kind for refund in plan.refunds if refund.reference}))
    slip = dialog.text.strip()[:32]
    now = now._replace(slip=slip, cut_off=() if slip else kinds, plan=with_slip(plan, slip))
    return replace(state, returning=now), _commit(now)


def _commit(now: Returning) -> tuple[CommitReturn, ...]:
    return (CommitReturn(request_of(now), now.plan),) if now.plan is not None else ()


def request_of(now: Returning) -> ReturnRequest:
    """What is asked of the store."""
    gifts = tuple((gift.promotion, ALL_GIFTS) for gift in now.found.sale.gifts or ()) if now.found and now.gifts_here else ()
    lines = tuple(ReturnLine(n, units, now.reason, now.to_waste) for n, units in enumerate(now.chosen) if units)
    number = now.found.sale.number if now.found else ""
    wanted = Wanted(lines, gifts, ALL_FEN if now.is_exchange and now.approver else 0, now.slip, now.cut_off)
    return ReturnRequest(number, wanted, now.reason, now.approver, now.is_void, now.goods, now.to_waste)


# ------------------------------------------------------------------ helpers


def _reasons(state: LaneState) -> Dialog:
    is_void = state.returning is not None and state.returning.is_void
    return Dialog("return_reason", rows=state.config.void_reasons if is_void else state.config.return_reasons)


def _lines(now: Returning) -> Dialog:
    if now.found is None:
        return Dialog("return_goods", rows=(*range(len(now.goods)), GO))
    left = left_units(now.found.sale, now.found.before)
    return Dialog("return_lines", rows=(*(n for n, units in enumerate(left) if units), GO))


def _ask(state: LaneState, dialog: Dialog) -> Step:
    return replace(state, dialog=dialog), (Beep("refused"),)
