"""`step`: one intent or reply in, the next state and the effects out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pos_app.domain.errors import refuse
from pos_app.domain.lane import dialogs, members, offers, paying, people, prices, returning, self_checkout, selling, shifts, why
from pos_app.domain.lane.intents import (
    BadgeSeen,
    CancelDone,
    Char,
    CodeRefused,
    CopyQueued,
    CouponFound,
    CutScan,
    Failed,
    Found,
    HeldRows,
    HoldDone,
    Intent,
    ItemFound,
    MemberFound,
    NoSaleDone,
    NumberReady,
    OfferRefused,
    OffersChanged,
    PackageChanged,
    PinChecked,
    Press,
    RecallDone,
    Reply,
    ReportReady,
    SaleDone,
    Scan,
    ShiftReady,
    Tick,
)
from pos_app.domain.lane.return_intents import (
    NoReceiptFound,
    QueuedFound,
    ReceiptFound,
    ReceiptsFound,
    RefundDone,
    ReturnDone,
    ReturnPlanned,
    ReturnRefused,
)
from pos_app.domain.lane.state import PAYMENT, LaneState, Step, refused


def step(state: LaneState, intent: Intent | Reply) -> Step:
    """The next state and effects. Pure: the same state and intent always give the same answer."""
    return HANDLERS[type(intent)](state, intent)


def scan(state: LaneState, intent: Scan) -> Step:
    state = self_checkout.touched(state)
    if state.dialog is not None:
        return dialogs.scan_under_dialog(state, intent.code)
    if state.phase == PAYMENT:
        return paying.scan_while_paying(state, intent.code)
    return selling.scan(state, intent.code)


def cut_scan(state: LaneState, intent: CutScan) -> Step:
    return refused(state, refuse("POS-2114"))  # what was read may be a part of a payment code: it is not kept


def char(state: LaneState, intent: Char) -> Step:
    state = self_checkout.touched(state)
    if state.dialog is not None:
        return dialogs.typed(state, intent.char)
    if intent.action:
        return press(state, Press(intent.action))
    if state.phase == PAYMENT:
        return paying.typed(state, intent.char)
    return selling.typed(state, intent.char)


def press(state: LaneState, intent: Press) -> Step:
    state = self_checkout.touched(state)
    action = intent.action
    if action == "language":
        return replace(state, lang="en" if state.lang == "zh" else "zh"), ()
    if action == "big_text":
        return replace(state, big=not state.big), ()
    if state.dialog is not None:
        return dialogs.press(state, action)
    if action in OFFERS:
        return OFFERS[action](state, action)
    if action in returning.ACTIONS:
        return returning.press(state, action)
    if action in shifts.ACTIONS:
        return shifts.press(state, action)
    if state.is_self_checkout and action in self_checkout.ACTIONS:
        return self_checkout.press(state, action)
    if state.phase == PAYMENT:
        return paying.press(state, action)
    if state.is_self_checkout and action not in self_checkout.SHOPPER_MAY:
        return state, ()
    return selling.press(state, action)


def tick(state: LaneState, intent: Tick) -> Step:
    state = replace(state, now_ms=intent.now_ms)
    return self_checkout.tick(why.rested(state) if intent.at_rest else state)


def failed(state: LaneState, reply: Failed) -> Step:
    return refused(state, reply.refusal)


HANDLERS: dict[type, Callable[[LaneState, Any], Step]] = {
    Scan: scan,
    CutScan: cut_scan,
    Char: char,
    Press: press,
    Tick: tick,
    Failed: failed,
    ItemFound: selling.item_found,
    CodeRefused: selling.code_refused,
    BadgeSeen: people.badge_seen,
    NumberReady: paying.number_ready,
    SaleDone: paying.sale_done,
    CancelDone: selling.cancel_done,
    HoldDone: selling.hold_done,
    HeldRows: dialogs.held_rows,
    RecallDone: selling.recall_done,
    Found: dialogs.found,
    PinChecked: people.pin_checked,
    ShiftReady: shifts.shift_ready,
    ReportReady: shifts.report_ready,
    NoSaleDone: shifts.no_sale_done,
    CopyQueued: selling.copy_queued,
    MemberFound: members.member_found,
    CouponFound: offers.coupon_found,
    OfferRefused: offers.offer_refused,
    OffersChanged: offers.offers_changed,
    PackageChanged: prices.package_changed,
    ReceiptFound: returning.receipt_found,
    ReceiptsFound: returning.receipts_found,
    NoReceiptFound: returning.no_receipt_found,
    ReturnPlanned: returning.return_planned,
    ReturnRefused: returning.return_refused,
    ReturnDone: returning.return_done,
    QueuedFound: returning.queued_found,
    RefundDone: returning.refund_done,
}
OFFERS: dict[str, Callable[[LaneState, str], Step]] = {
    "member": members.press,
    "offers": offers.press,
    "why": why.press,
}
