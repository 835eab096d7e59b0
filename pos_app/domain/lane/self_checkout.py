"""What is different where the shopper scans: bags, staff visits, idle times, ways to pay without a cashier."""

from dataclasses import replace

from pos_app.domain.basket import LABEL, Approve, VoidLine
from pos_app.domain.errors import refuse
from pos_app.domain.goods import ADULT_ONLY
from pos_app.domain.lane.intents import Beep, HoldBasket, LookUpSku
from pos_app.domain.lane.members import detach
from pos_app.domain.lane.offers import ASKING
from pos_app.domain.lane.paying import card
from pos_app.domain.lane.selling import replay_waiting
from pos_app.domain.lane.state import (
    INFO,
    PAYMENT,
    SELLING,
    WARN,
    Banner,
    Dialog,
    LaneState,
    Step,
    change,
    cleared,
    paying_from_now,
    refused,
    say,
)

ACTIONS = frozenset({"pay", "call_staff", "bags", "visit"})
SHOPPER_MAY = frozenset({"enter", "back", "backspace", "undo", "up", "down", "page_up", "page_down", "help"})
WAYS = ("pay_card", "pay_at_till")
VISIT = ("approve_age", "remove_line", "take_card", "leave")


def touched(state: LaneState) -> LaneState:
    """Somebody is there: the idle time starts again."""
    dialog = None if state.dialog is not None and state.dialog.kind == "idle" else state.dialog
    return replace(state, touched_ms=state.now_ms, dialog=dialog)


def tick(state: LaneState) -> Step:
    """60 s without a touch warn, 120 s hold the basket; nobody's shopping is ever thrown away."""
    if not state.is_self_checkout or state.needs_help or state.basket.tenders:
        return state, ()
    if not state.basket.lines:
        return _gone(state) if state.now_ms - state.touched_ms >= state.config.idle_warn_ms else (state, ())
    if state.dialog is not None and state.dialog.kind.startswith(("visit", "card")):
        return state, ()
    idle_ms = state.now_ms - state.touched_ms
    if idle_ms >= state.config.idle_hold_ms:
        state, waiting = replay_waiting(replace(state, dialog=None, phase=SELLING))
        return state, (*waiting, HoldBasket(""))
    if idle_ms >= state.config.idle_warn_ms and state.dialog is None:
        return replace(state, dialog=Dialog("idle")), (Beep("look"),)
    return state, ()


def _gone(state: LaneState) -> Step:
    """Nobody scanned anything: the member who was attached, or a number half typed, is not left for the next shopper."""
    if state.dialog is not None and state.dialog.kind in (*ASKING, "usual"):
        state = replace(state, dialog=None)
    return detach(state) if state.basket.member and state.dialog is None else (state, ())


def press(state: LaneState, action: str) -> Step:
    if action == "call_staff":
        return say(replace(state, needs_help=True), WARN, "banner.help_coming"), (Beep("look"),)
    if action == "visit":
        return replace(state, dialog=Dialog("visit_number")), ()
    if action == "bags":
        return replace(state, dialog=Dialog("bags", rows=state.bags)), ()
    if state.phase == PAYMENT:
        return state, ()
    return pay(state)


def pay(state: LaneState) -> Step:
    """Bags are asked once, what needs staff is settled in one visit, then the ways to pay."""
    if not state.basket.lines:
        return refused(state, refuse("POS-3001"))
    state = cleared(state)
    if not state.bags_asked and state.bags:
        return replace(state, bags_asked=True, dialog=Dialog("bags", rows=state.bags, data="pay")), ()
    if state.unapproved():
        return say(replace(state, needs_help=True), WARN, "banner.staff_needed"), (Beep("look"),)
    return replace(state, dialog=Dialog("ways", rows=WAYS)), ()


def bag_chosen(state: LaneState, sku: str) -> Step:
    return replace(state, dialog=None), (LookUpSku(sku),)


def way_chosen(state: LaneState, way: str) -> Step:
    if way == "pay_at_till":
        return replace(state, dialog=None), (HoldBasket("till"),)
    state = paying_from_now(replace(cleared(state), dialog=None, needs_help=True))
    return replace(state, banner=Banner(WARN, "banner.card_by_staff")), (Beep("look"),)


def visit_action(state: LaneState, action: str) -> Step:
    """One staff visit settles whatever is open; scanning may go on meanwhile."""
    dialog = state.dialog
    staff = dialog.data[0] if dialog else ""
    if action == "approve_age" and state.unapproved():
        state, effects = change(state, Approve(staff, (*sorted(str(c) for c in ADULT_ONLY), LABEL)))
        return say(state, INFO, "banner.approved"), (*effects, Beep("done"))
    if action == "remove_line" and state.basket.tenders:
        return refused(state, refuse("POS-3012"))
    if action == "remove_line":
        line = state.highlighted()
        if line is None:
            return refused(state, refuse("POS-3001"))
        state, effects = change(state, VoidLine(line.line_id, staff))
        cursor = state.basket.lines[-1].line_id if state.basket.lines else 0
        return replace(state, cursor=cursor), (*effects, Beep("done"))
    if action == "take_card" and state.basket.lines:
        if state.unapproved():
            return refused(state, refuse("POS-4002"))
        return card(paying_from_now(cleared(state)))
    if action == "leave":
        return replay_waiting(replace(state, dialog=None, phase=SELLING, banner=None))
    return state, ()
