"""The shift at a lane: opening float, X report, blind count, close and Z; drawer without a sale; lock."""

from dataclasses import replace

from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.lane.intents import (
    Beep,
    CloseShift,
    MakeReport,
    NoSaleDone,
    OpenShift,
    PrintReport,
    PulseDrawer,
    RecordNoSale,
    ReportReady,
    ShiftReady,
)
from pos_app.domain.lane.people import lock, with_permission
from pos_app.domain.lane.state import INFO, OK, SELLING, Dialog, LaneState, Step, cleared, refused, say
from pos_app.domain.money import BadAmount, format_yuan, is_digits, parse_yuan
from pos_app.domain.permissions import CLOSE_SHIFT, NO_SALE, X_REPORT
from pos_app.domain.shift import counted_fen, needs_reason
from pos_app.domain.tender import CASH_MAX_FEN, NOTES_FEN

PIECES_DIGITS_MAX = 6
ACTIONS = frozenset({"shift", "x_report", "close_shift", "no_sale", "lock"})
MENU = ("x_report", "close_shift", "no_sale", "lock")


def press(state: LaneState, action: str) -> Step:
    if state.is_self_checkout:
        return state, ()
    if action == "lock":
        return lock(state)
    if state.phase != SELLING:
        return state, ()
    if action == "shift":
        return replace(cleared(state), dialog=Dialog("menu", rows=MENU)), ()
    if action == "no_sale":
        return with_permission(state, NO_SALE, "no_sale", _ask_no_sale)
    if state.shift_no is None:
        return refused(state, refuse("POS-4003"))
    if action == "x_report":
        return with_permission(state, X_REPORT, "x_report", lambda s: (s, (MakeReport("x"),)))
    return close(state)


def close(state: LaneState) -> Step:
    """Close is counted blind: pieces first, the expected figure after."""
    if state.basket.lines:
        return refused(state, refuse("POS-3004"))
    return with_permission(state, CLOSE_SHIFT, "close_shift", _ask_count)


def _ask_count(state: LaneState) -> Step:
    return replace(state, dialog=Dialog("count", rows=tuple((note_fen, 0) for note_fen in NOTES_FEN))), ()


def _ask_no_sale(state: LaneState) -> Step:
    return replace(state, dialog=Dialog("reason_no_sale", rows=state.config.no_sale_reasons, data=state.approver)), ()


def float_typed(state: LaneState, dialog: Dialog) -> Step:
    amount = _amount(dialog.text or "0")
    if isinstance(amount, Refusal):
        return replace(state, dialog=replace(dialog, text="", refusal=amount)), (Beep("refused"),)
    return replace(state, dialog=None), (OpenShift(amount),)


def shift_ready(state: LaneState, reply: ShiftReady) -> Step:
    state = replace(state, shift_no=reply.shift_no, float_fen=reply.float_fen)
    return say(state, OK, "banner.shift_open", shift=reply.shift_no, amount=format_yuan(reply.float_fen)), ()


def count_typed(state: LaneState, dialog: Dialog) -> Step:
    """Enter stores the pieces of one denomination and goes to the next; after the last, the sum is compared."""
    if dialog.text and (not is_digits(dialog.text) or len(dialog.text) > PIECES_DIGITS_MAX):
        return replace(state, dialog=replace(dialog, text="", refusal=refuse("POS-2110", quantity=dialog.text))), ()
    rows = list(dialog.rows)
    if dialog.text:
        rows[dialog.cursor] = (rows[dialog.cursor][0], int(dialog.text))
    if dialog.cursor + 1 < len(rows):
        return replace(state, dialog=replace(dialog, rows=tuple(rows), text="", cursor=dialog.cursor + 1, refusal=None)), ()
    done = replace(dialog, kind="count_done", rows=tuple(rows), text="", data=counted_fen(rows), refusal=None)
    return replace(state, dialog=done), ()


def count_confirmed(state: LaneState) -> Step:
    return state, (MakeReport("close"),)


def report_ready(state: LaneState, reply: ReportReady) -> Step:
    if reply.purpose == "x":
        return replace(state, dialog=Dialog("report_x", data=reply.report)), (PrintReport("x"),)
    if reply.purpose == "closed":
        state = replace(state, shift_no=None, float_fen=0, dialog=Dialog("report_z", data=reply.report))
        return say(state, OK, "banner.shift_closed"), (PrintReport("z"), Beep("done"))
    dialog = state.dialog
    if dialog is None or dialog.kind != "count_done":
        return state, ()
    difference_fen = dialog.data - reply.report.expected_cash_fen
    if needs_reason(difference_fen):
        reasons = replace(dialog, kind="reason_difference", cursor=0, rows=state.config.difference_reasons)
        return replace(state, dialog=replace(reasons, data=(dialog.rows, difference_fen))), (Beep("look"),)
    return state, (CloseShift(dialog.rows, ""),)


def close_with_reason(state: LaneState, counts: tuple[tuple[int, int], ...], reason: str) -> Step:
    return state, (CloseShift(counts, reason),)


def no_sale_with_reason(state: LaneState, reason: str, approver: str) -> Step:
    return state, (RecordNoSale(reason, approver or state.staff_number),)


def no_sale_done(state: LaneState, reply: NoSaleDone) -> Step:
    return say(state, INFO, "banner.no_sale"), (PulseDrawer("no_sale"),)


def _amount(text: str) -> int | Refusal:
    try:
        amount = parse_yuan(text)
    except BadAmount:
        return refuse("POS-2112", amount=text)
    return amount if 0 <= amount <= CASH_MAX_FEN else refuse("POS-2112", amount=text)
