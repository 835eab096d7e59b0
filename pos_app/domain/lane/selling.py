"""The basket screen: scans, quantities, voids, hold and recall."""

from collections.abc import Callable
from dataclasses import replace

from pos_app.domain.basket import (
    LINES_MAX,
    QUANTITY_ASKS_ABOVE,
    QUANTITY_MAX,
    WEIGHT_MAX_G,
    AddLine,
    Basket,
    Line,
    SetQuantity,
    Undo,
    VoidLine,
)
from pos_app.domain.codes import label_agrees
from pos_app.domain.errors import refuse
from pos_app.domain.goods import ADULT_ONLY, NEVER_AT_SELF_CHECKOUT, Item
from pos_app.domain.lane import why
from pos_app.domain.lane.intents import (
    Beep,
    CancelDone,
    CancelSale,
    CodeRefused,
    CopyQueued,
    HoldBasket,
    HoldDone,
    ItemFound,
    ListHeld,
    LookUp,
    LookUpSku,
    PrintCopy,
    RecallDone,
)
from pos_app.domain.lane.people import with_permission
from pos_app.domain.lane.state import (
    ENTRY_MAX,
    INFO,
    OK,
    PAYMENT,
    SELLING,
    WARN,
    Dialog,
    LaneState,
    Step,
    change,
    cleared,
    opened,
    paying_from_now,
    refused,
    reprice,
    say,
)
from pos_app.domain.money import is_digits
from pos_app.domain.permissions import CANCEL_SALE, VOID_LINE

# ------------------------------------------------------------------ scans and look-ups


def scan(state: LaneState, code: str) -> Step:
    """A code on the basket screen: it is looked up; what it means is decided by what is found."""
    return state, (LookUp(code),)


def code_refused(state: LaneState, reply: CodeRefused) -> Step:
    if reply.purpose == "name":  # the explanation says it by its SKU
        return state, ()
    if reply.purpose == "check" and state.dialog is not None:
        dialog = replace(state.dialog, text="", data=None, refusal=reply.refusal)
        return replace(state, dialog=dialog), (Beep("refused"),)
    if reply.purpose == "offer" and state.dialog is not None:
        return replace(state, dialog=replace(state.dialog, text="", refusal=reply.refusal)), (Beep("refused"),)
    return refused(replace(state, entry=""), reply.refusal)


def item_found(state: LaneState, reply: ItemFound) -> Step:
    """A good was scanned, typed, picked or asked about."""
    if reply.purpose == "name":
        return why.named(state, reply)
    if reply.purpose == "check":
        dialog = Dialog("price_check", data=reply)
        return replace(state, dialog=dialog), (Beep("done"),)
    if reply.purpose == "offer" and state.phase == PAYMENT:  # a good among the coupons, when goods are no longer taken
        return refused(state, refuse("POS-2115"))
    if state.dialog is not None and state.dialog.kind != "visit":  # an earlier scan of the same burst opened it
        return replace(state, waiting=(*state.waiting, reply.code)), ()
    return sell(state, reply)


def sell(state: LaneState, reply: ItemFound) -> Step:
    """Put a good into the basket, or open the question it needs answered first."""
    item, code = reply.item, reply.code
    if not state.is_self_checkout and state.shift_no is None:
        return refused(state, refuse("POS-4003"))
    if item.stop_sale:
        return refused(state, refuse("POS-2104", name=item.name, name_en=item.name_en))
    if state.is_self_checkout and item.restricted in NEVER_AT_SELF_CHECKOUT:
        return refused(state, refuse("POS-2108", name=item.name, name_en=item.name_en))
    if len(state.basket.lines) >= LINES_MAX:
        return refused(state, refuse("POS-2110", quantity=LINES_MAX))
    label_fen = reply.in_store.amount_fen if reply.in_store else None
    if label_fen == 0:
        return refused(state, refuse("POS-2112", amount="0.00"))
    if item.weighed:
        return _sell_weighed(state, reply)
    if item.ask_price and label_fen is None and state.is_self_checkout:
        return refused(state, refuse("POS-2108", name=item.name, name_en=item.name_en))
    if item.ask_price and label_fen is None:
        return replace(state, dialog=Dialog("ask_price", data=(item, code))), (Beep("look"),)
    return add(state, Line(state.basket.next_line_id, item, code, state.quantity or 1, label_fen=label_fen))


def _sell_weighed(state: LaneState, reply: ItemFound) -> Step:
    item, label = reply.item, reply.in_store
    if state.quantity is not None:
        return refused(state, refuse("POS-2113", name=item.name, name_en=item.name_en))
    unlabelled = label is None or (label.weight_g is None and label.amount_fen is None) or item.price_fen == 0
    if unlabelled and state.is_self_checkout:
        return refused(state, refuse("POS-2116", name=item.name, name_en=item.name_en))
    if label is None or unlabelled:
        return replace(state, dialog=Dialog("ask_weight", data=(item, reply.code))), (Beep("look"),)
    weight_g = label.weight_g
    if weight_g is None:  # the smallest weight that costs no less than the label says
        weight_g = max(1, -(-(label.amount_fen or 0) * 1000 // item.price_fen))
    if not 0 < weight_g <= WEIGHT_MAX_G:
        return refused(state, refuse("POS-2111", weight=weight_g))
    flagged = label.weight_g is not None and label.amount_fen is not None and not _agrees(item, weight_g, label.amount_fen)
    line = Line(state.basket.next_line_id, item, reply.code, weight_g=weight_g, label_fen=label.amount_fen, flagged=flagged)
    state, effects = add(state, line)
    if flagged:
        return say(state, WARN, "banner.label_differs", name=item.name, name_en=item.name_en), (*effects, Beep("look"))
    return state, effects


def _agrees(item: Item, weight_g: int, amount_fen: int) -> bool:
    return label_agrees(item.price_fen, weight_g, amount_fen)


def add(state: LaneState, line: Line) -> Step:
    """Add a line; the same item joins the last line, and only the last one."""
    last = state.basket.lines[-1] if state.basket.lines else None
    if last is not None and _joins(last, line) and last.quantity + line.quantity <= QUANTITY_MAX:
        state, effects = change(cleared(state), SetQuantity(last.line_id, last.quantity + line.quantity))
        cursor = last.line_id
    else:
        state, effects = change(cleared(state), AddLine(line))
        cursor = line.line_id
    state = replace(state, cursor=cursor, last_sale=None, restored=False, last_item=(line.item.sku, line.code))
    if line.item.restricted in ADULT_ONLY and not state.basket.is_approved(line):
        key = "banner.age_self" if state.is_self_checkout else "banner.age"
        return say(state, WARN, key, name=line.item.name, name_en=line.item.name_en), (*effects, Beep("look"))
    return state, (*effects, Beep("done"))


def _joins(last: Line, line: Line) -> bool:
    plain = last.weight_g is None and last.label_fen is None and line.weight_g is None and line.label_fen is None
    return plain and last.item == line.item and last.code == line.code


# ------------------------------------------------------------------ typed characters and keys


def typed(state: LaneState, char: str) -> Step:
    """Characters build a code or a quantity; nothing happens before Enter or a key."""
    if not (char.isascii() and char.isalnum()) and char not in ".-":
        return state, ()
    return replace(state, entry=(state.entry + char)[:ENTRY_MAX], banner=None), ()


def press(state: LaneState, action: str) -> Step:
    handler = ACTIONS.get(action)
    return handler(state) if handler else (state, ())


def enter(state: LaneState) -> Step:
    if not state.entry:
        return state, ()
    return scan(replace(state, entry=""), state.entry)


def back(state: LaneState) -> Step:
    """Esc: one step back; never loses the basket."""
    return cleared(state), ()


def backspace(state: LaneState) -> Step:
    if not state.entry and state.is_self_checkout:
        return undo(state)
    return replace(state, entry=state.entry[:-1]), ()


def multiply(state: LaneState) -> Step:
    """`n*`: the next good is taken n times; above 99 a question comes first."""
    if not is_digits(state.entry) or not 0 < int(state.entry) <= QUANTITY_MAX:
        return refused(replace(state, entry=""), refuse("POS-2110", quantity=state.entry or "-"))
    quantity = int(state.entry)
    if quantity > QUANTITY_ASKS_ABOVE:
        return replace(state, entry="", dialog=Dialog("confirm_quantity", data=quantity)), (Beep("look"),)
    return replace(state, entry="", quantity=quantity, banner=None), ()


def void(state: LaneState) -> Step:
    if state.basket.tenders:
        return refused(state, refuse("POS-3012"))
    line = state.highlighted()
    if line is None:
        return refused(state, refuse("POS-3001"))
    return with_permission(state, VOID_LINE, "void", _void)


def _void(state: LaneState) -> Step:
    line = state.highlighted()
    if line is None:
        return refused(state, refuse("POS-3001"))
    position = state.basket.lines.index(line)
    state, effects = change(cleared(state), VoidLine(line.line_id, state.approver or state.staff_number))
    left = state.basket.lines
    cursor = left[min(position, len(left) - 1)].line_id if left else 0
    return say(replace(state, cursor=cursor), INFO, "banner.voided", name=line.item.name, name_en=line.item.name_en), (
        *effects,
        Beep("done"),
    )


def undo(state: LaneState) -> Step:
    if state.basket.tenders:
        return refused(state, refuse("POS-3012"))
    if not state.basket.undo:
        return refused(state, refuse("POS-3008"))
    state, effects = change(cleared(state), Undo())
    cursor = state.basket.lines[-1].line_id if state.basket.lines else 0
    return say(replace(state, cursor=cursor), INFO, "banner.undone"), (*effects, Beep("done"))


def repeat(state: LaneState) -> Step:
    """Sell the last good once more."""
    if state.last_item is None or not state.basket.lines:
        return refused(state, refuse("POS-3011"))
    sku, code = state.last_item
    return state, (LookUpSku(sku) if code == sku else LookUp(code),)


def move(state: LaneState, by: int) -> Step:
    lines = state.basket.lines
    if not lines:
        return state, ()
    ids = [line.line_id for line in lines]
    position = ids.index(state.cursor) if state.cursor in ids else len(ids) - 1
    return replace(state, cursor=ids[max(0, min(len(ids) - 1, position + by))]), ()


def pay(state: LaneState) -> Step:
    """To the payment screen, after every question the basket raises."""
    if not state.basket.lines:
        return refused(state, refuse("POS-3001"))
    if state.shift_no is None:
        return refused(state, refuse("POS-4003"))
    state = cleared(state)
    if state.unapproved():
        return replace(state, dialog=Dialog("age")), (Beep("look"),)
    return paying_from_now(state), ()


def cancel(state: LaneState) -> Step:
    if not state.basket.lines and not state.basket.voided and state.basket.number is None:
        return refused(state, refuse("POS-3001"))
    if state.basket.tenders:
        return refused(state, refuse("POS-3012"))
    return with_permission(state, CANCEL_SALE, "cancel_sale", _ask_cancel_reason)


def _ask_cancel_reason(state: LaneState) -> Step:
    return replace(state, dialog=Dialog("reason_cancel", rows=state.config.cancel_reasons, data=state.approver)), ()


def cancel_with_reason(state: LaneState, reason: str, approver: str) -> Step:
    return state, (CancelSale(reason, approver or state.staff_number),)


def cancel_done(state: LaneState, reply: CancelDone) -> Step:
    return say(emptied(state), INFO, "banner.cancelled", number=reply.number), (Beep("done"),)


def hold(state: LaneState) -> Step:
    """F4: put the basket aside; with an empty one, fetch a held one."""
    if not state.is_self_checkout and state.shift_no is None:
        return refused(state, refuse("POS-4003"))
    if not state.basket.lines:
        return state, (ListHeld(),)
    if state.basket.tenders:
        return refused(state, refuse("POS-3012"))
    return state, (HoldBasket(""),)


def hold_done(state: LaneState, reply: HoldDone) -> Step:
    key = "banner.held_self" if state.is_self_checkout else "banner.held"
    return say(emptied(state), INFO, key, label=reply.label), (Beep("done"),)


def recall_done(state: LaneState, reply: RecallDone) -> Step:
    state = opened(replace(cleared(state), dialog=None, last_sale=None), reply.basket)
    cursor = reply.basket.lines[-1].line_id if reply.basket.lines else 0
    state = say(replace(state, cursor=cursor), OK, "banner.recalled", lines=len(reply.basket.lines))
    state, more = replay_waiting(state)
    return state, (Beep("done"), *more)


def reprint(state: LaneState) -> Step:
    return state, (PrintCopy(),)


def copy_queued(state: LaneState, reply: CopyQueued) -> Step:
    return say(state, INFO, "banner.copy", number=reply.number), ()


def emptied(state: LaneState) -> LaneState:
    """The lane between two shoppers: everything of the last one gone but what the idle screen shows, nothing waiting."""
    state = replace(
        cleared(state), phase=SELLING, basket=Basket(), cursor=0, dialog=None, needs_help=False, bags_asked=False,
        restored=False, approver="", waiting=(), hints=(), hints_for=None,
    )  # fmt: skip
    return reprice(state)


def replay_waiting(state: LaneState) -> Step:
    """Codes that came under a dialog, in their order, now that it is gone."""
    if state.dialog is not None or not state.waiting or state.phase == PAYMENT:
        return state, ()
    return replace(state, waiting=()), tuple(LookUp(code) for code in state.waiting)


ACTIONS: dict[str, Callable[[LaneState], Step]] = {
    "enter": enter,
    "back": back,
    "backspace": backspace,
    "multiply": multiply,
    "void": void,
    "undo": undo,
    "repeat": repeat,
    "up": lambda state: move(state, -1),
    "down": lambda state: move(state, 1),
    "page_up": lambda state: move(state, -10),
    "page_down": lambda state: move(state, 10),
    "pay": pay,
    "cancel_sale": cancel,
    "hold": hold,
    "reprint": reprint,
    "find": lambda state: (replace(cleared(state), dialog=Dialog("find")), ()),
    "price_check": lambda state: (replace(cleared(state), dialog=Dialog("price_check")), ()),
    "help": lambda state: (replace(state, dialog=Dialog("help")), ()),
}
