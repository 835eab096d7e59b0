"""What lies over the basket: typing, choosing, confirming. A scan under a dialog waits or is the dialog's answer."""

from collections.abc import Callable
from dataclasses import replace

from pos_app.domain.basket import WEIGHT_MAX_G, Approve, Line
from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.goods import ADULT_ONLY
from pos_app.domain.lane import members, offers, paying, people, returning, self_checkout, selling, shifts
from pos_app.domain.lane.intents import Beep, Found, HeldRows, LookUp, LookUpSku, RecallBasket, SearchGoods
from pos_app.domain.lane.state import PAYMENT, SELLING, WAITING_MAX, Dialog, LaneState, Step, change, paying_from_now, refused
from pos_app.domain.money import BadAmount, is_digits, parse_yuan
from pos_app.domain.tender import CASH_MAX_FEN

TEXT_MAX = 40
NUMBERS = "0123456789"
# kind -> the characters that may be typed into it (None: any printable)
TYPED: dict[str, str | None] = {
    "login_number": NUMBERS,
    "login_pin": NUMBERS,
    "approve_number": NUMBERS,
    "approve_pin": NUMBERS,
    "visit_number": NUMBERS,
    "visit_pin": NUMBERS,
    "float": NUMBERS + ".",
    "find": None,
    "price_check": None,
    "ask_price": NUMBERS + ".",
    "ask_weight": NUMBERS + ".",
    "count": NUMBERS,
    "card": None,
    "member": NUMBERS,
    "offers": None,
    **returning.TYPED,
}
LETTERS = {
    **returning.LETTERS,
    "confirm_quantity": {"y": "yes", "n": "back"},
    "age": {"y": "yes", "n": "back"},
    "count_done": {"y": "yes", "n": "back"},
}
SCAN_ANSWERS = frozenset({"login_number", "approve_number", "visit_number"})
# Dialogs that end this basket or belong to no basket: a code that waited would land in the next shopper's.
NO_WAITING = frozenset({"reason_cancel", "reason_no_sale", "reason_difference", "count", "count_done", "float", "ways"})
# A lane without a person, a count that has begun: Esc does not lead past these.
STAYS = frozenset({"login_number", "reason_difference"})
MOVES = {"up": -1, "down": 1, "page_up": -5, "page_down": 5}


def scan_under_dialog(state: LaneState, code: str) -> Step:
    """Some dialogs ask for a code; under the others it waits for the dialog to close, up to a bound that is shown."""
    kind = state.dialog.kind if state.dialog else ""
    if kind == "price_check":
        return state, (LookUp(code, "check"),)
    if kind == "visit":  # one visit settles what is open while scanning goes on
        return selling.scan(state, code)
    if kind in SCAN_ANSWERS:
        return state, (LookUp(code, "badge"),)
    if kind == "usual":
        return selling.scan(replace(state, dialog=None), code)
    if kind in returning.KINDS:
        return returning.scan(state, code)
    if kind in offers.ASKING:
        return state, (LookUp(code, "offer"),)
    nobody = state.person is None and not state.is_self_checkout
    if nobody or state.phase == PAYMENT or kind in NO_WAITING or kind.startswith("approve_"):
        return refused(state, refuse("POS-2115"))
    if len(state.waiting) >= WAITING_MAX:
        return refused(state, refuse("POS-2109"))
    return replace(state, waiting=(*state.waiting, code)), (Beep("look"),)


def typed(state: LaneState, char: str) -> Step:
    dialog = _dialog(state)
    if dialog.kind in LETTERS:
        action = LETTERS[dialog.kind].get(char.lower())
        return press(state, action) if action else (state, ())
    if dialog.kind not in TYPED:
        return _choose_by_digit(state, dialog, char)
    allowed = TYPED[dialog.kind]
    if (allowed is not None and char not in allowed) or not char.isprintable() or len(dialog.text) >= TEXT_MAX:
        return state, ()
    return _with_text(state, dialog, dialog.text + char)


def press(state: LaneState, action: str) -> Step:
    dialog = _dialog(state)
    if action == "back":
        return back(state)
    if dialog.kind in returning.KINDS and (done := returning.dialog_press(state, dialog, action)):
        return done
    if action == "backspace":
        return _with_text(state, dialog, dialog.text[:-1]) if dialog.kind in TYPED else (state, ())
    if action in MOVES:
        return _move(state, dialog, MOVES[action])
    if action == "yes" and dialog.kind in YES:
        return YES[dialog.kind](state, dialog)
    if action.startswith("row_") and dialog.rows:  # touched
        cursor = min(int(action[4:]), len(dialog.rows) - 1)
        return enter(replace(state, dialog=replace(dialog, cursor=cursor, text="")))
    if action == "enter":
        return enter(state)
    if action.startswith("digit_"):  # touched
        return typed(state, action[6:])
    if dialog.kind == "visit":
        return self_checkout.visit_action(state, action)
    return state, ()


def enter(state: LaneState) -> Step:
    dialog = _dialog(state)
    handler = ENTER.get(dialog.kind)
    return handler(state, dialog) if handler else (state, ())


def back(state: LaneState) -> Step:
    """Esc: one step back. The basket stays whatever it is."""
    dialog = _dialog(state)
    if dialog.kind in STAYS or dialog.kind.endswith("_wait"):
        is_typing = dialog.kind in TYPED
        return (replace(state, dialog=replace(dialog, text="", refusal=None)), ()) if is_typing else (state, ())
    if dialog.kind in returning.KINDS:
        return returning.back(state, dialog)
    if dialog.kind == "login_pin":
        return replace(state, dialog=Dialog("login_number")), ()
    if dialog.kind == "visit":
        return self_checkout.visit_action(state, "leave")
    if dialog.kind == "float":
        return people.lock(state)
    if dialog.kind == "card" and state.is_self_checkout:
        return selling.replay_waiting(replace(state, dialog=None, phase=SELLING, needs_help=False))
    quantity = None if dialog.kind in ("ask_price", "ask_weight") else state.quantity
    return selling.replay_waiting(replace(state, dialog=None, approver="", quantity=quantity))


# ------------------------------------------------------------------ replies


def found(state: LaneState, reply: Found) -> Step:
    dialog = state.dialog
    if dialog is None or dialog.kind != "find" or dialog.text != reply.text:
        return state, ()
    return replace(state, dialog=replace(dialog, rows=reply.items, cursor=0)), ()


def held_rows(state: LaneState, reply: HeldRows) -> Step:
    if not reply.rows:
        return refused(state, refuse("POS-3005"))
    return replace(state, dialog=Dialog("held", rows=reply.rows)), ()


# ------------------------------------------------------------------ Enter in each kind


def _find(state: LaneState, dialog: Dialog) -> Step:
    if not dialog.rows:
        return state, ()
    state, more = selling.replay_waiting(replace(state, dialog=None))
    return state, (LookUpSku(dialog.rows[dialog.cursor].sku), *more)


def _price_check(state: LaneState, dialog: Dialog) -> Step:
    return (state, (LookUp(dialog.text, "check"),)) if dialog.text else (state, ())


def _ask_price(state: LaneState, dialog: Dialog) -> Step:
    amount = _amount(dialog.text)
    if isinstance(amount, Refusal):
        return _again(state, dialog, amount)
    item, code = dialog.data
    line = Line(state.basket.next_line_id, item, code, state.quantity or 1, label_fen=amount)
    return _added(state, line)


def _ask_weight(state: LaneState, dialog: Dialog) -> Step:
    """Kilograms with a point, or whole grams: `0.846` and `846` are the same."""
    try:
        weight_g = _grams(dialog.text)
    except ValueError:
        weight_g = 0
    item, code = dialog.data
    if not 0 < weight_g <= WEIGHT_MAX_G:
        return _again(state, dialog, refuse("POS-2111", weight=dialog.text or "-"))
    if item.ask_price:
        return replace(state, dialog=Dialog("ask_price", data=(item, code))), ()
    return _added(state, Line(state.basket.next_line_id, item, code, weight_g=weight_g))


def _grams(text: str) -> int:
    whole, point, decimals = text.partition(".")
    if not point:
        return int(whole)
    return int(whole or "0") * 1000 + int(decimals[:3].ljust(3, "0") or "0")


def _added(state: LaneState, line: Line) -> Step:
    state, effects = selling.add(replace(state, dialog=None), line)
    state, more = selling.replay_waiting(state)
    return state, (*effects, *more)


def _card(state: LaneState, dialog: Dialog) -> Step:
    state, effects = paying.card_taken(state, dialog.data, dialog.text)
    return state, effects


def _recall(state: LaneState, dialog: Dialog) -> Step:
    row = dialog.rows[dialog.cursor]
    return replace(state, dialog=None), (RecallBasket(row.draft_id, row.uid),)


def _menu(state: LaneState, dialog: Dialog) -> Step:
    return shifts.press(replace(state, dialog=None), dialog.rows[dialog.cursor])


def _reason_cancel(state: LaneState, dialog: Dialog) -> Step:
    return selling.cancel_with_reason(replace(state, dialog=None), dialog.rows[dialog.cursor], dialog.data)


def _reason_no_sale(state: LaneState, dialog: Dialog) -> Step:
    return shifts.no_sale_with_reason(replace(state, dialog=None), dialog.rows[dialog.cursor], dialog.data)


def _reason_difference(state: LaneState, dialog: Dialog) -> Step:
    counts, _ = dialog.data
    return shifts.close_with_reason(state, counts, dialog.rows[dialog.cursor])


def _bags(state: LaneState, dialog: Dialog) -> Step:
    state, effects = self_checkout.bag_chosen(state, dialog.rows[dialog.cursor].sku) if dialog.rows else (state, ())
    state, more = selling.replay_waiting(state)
    return state, (*effects, *more)


def _ways(state: LaneState, dialog: Dialog) -> Step:
    return self_checkout.way_chosen(state, dialog.rows[dialog.cursor])


ENTER: dict[str, Callable[[LaneState, Dialog], Step]] = {
    "login_number": people.number_typed,
    "approve_number": people.number_typed,
    "visit_number": people.number_typed,
    "login_pin": people.pin_typed,
    "approve_pin": people.pin_typed,
    "visit_pin": people.pin_typed,
    "float": shifts.float_typed,
    "find": _find,
    "price_check": _price_check,
    "ask_price": _ask_price,
    "ask_weight": _ask_weight,
    "count": shifts.count_typed,
    "card": _card,
    "held": _recall,
    "menu": _menu,
    "reason_cancel": _reason_cancel,
    "reason_no_sale": _reason_no_sale,
    "reason_difference": _reason_difference,
    "bags": _bags,
    "ways": _ways,
    "member": members.phone_typed,
    "member_of": members.menu,
    "offers": offers.enter,
    "usual": members.take_usual,
    "return_find": returning.find_enter,
    "return_lines": returning.lines_enter,
    "return_goods": returning.goods_enter,
    "return_reason": returning.reason_enter,
    "return_slip": returning.slip_enter,
    "return_settle": returning.settle_enter,
}


# ------------------------------------------------------------------ Y in each kind


def _quantity_confirmed(state: LaneState, dialog: Dialog) -> Step:
    return selling.replay_waiting(replace(state, dialog=None, quantity=dialog.data))


def _age_confirmed(state: LaneState, dialog: Dialog) -> Step:
    approve = Approve(state.staff_number, tuple(sorted(str(c) for c in ADULT_ONLY)))
    state, effects = change(replace(state, dialog=None), approve)
    if state.waiting:  # goods came meanwhile: they go into the basket before anything is paid
        state, more = selling.replay_waiting(state)
        return state, (*effects, *more)
    return paying_from_now(state), effects


def _count_confirmed(state: LaneState, dialog: Dialog) -> Step:
    return shifts.count_confirmed(state)


YES: dict[str, Callable[[LaneState, Dialog], Step]] = {
    "confirm_quantity": _quantity_confirmed,
    "age": _age_confirmed,
    "count_done": _count_confirmed,
    "return_plan": returning.confirm_yes,
}

# ------------------------------------------------------------------ helpers


def _dialog(state: LaneState) -> Dialog:
    if state.dialog is None:
        raise RuntimeError("no dialog is open")
    return state.dialog


def _with_text(state: LaneState, dialog: Dialog, text: str) -> Step:
    changed = replace(dialog, text=text, refusal=None)
    if dialog.kind == "find":
        changed = replace(changed, rows=changed.rows if text else (), cursor=0)
        return replace(state, dialog=changed), ((SearchGoods(text),) if text else ())
    return replace(state, dialog=changed), ()


def _move(state: LaneState, dialog: Dialog, by: int) -> Step:
    if dialog.kind == "visit":
        return selling.move(state, by)
    if not dialog.rows or dialog.kind == "count":
        return state, ()
    if dialog.kind == "why":  # a page to read: it has a beginning and an end
        return replace(state, dialog=replace(dialog, cursor=max(0, min(len(dialog.rows) - 1, dialog.cursor + by)))), ()
    return replace(state, dialog=replace(dialog, cursor=(dialog.cursor + by) % len(dialog.rows))), ()


def _choose_by_digit(state: LaneState, dialog: Dialog, char: str) -> Step:
    """1-9 choose a row of a short list."""
    if dialog.kind == "visit":
        action = dict(zip("123", self_checkout.VISIT, strict=False)).get(char, "")
        return self_checkout.visit_action(state, action)
    if not is_digits(char) or not 0 < int(char) <= len(dialog.rows) or dialog.kind == "count_done":
        return state, ()
    return enter(replace(state, dialog=replace(dialog, cursor=int(char) - 1)))


def _again(state: LaneState, dialog: Dialog, refusal: Refusal) -> Step:
    return replace(state, dialog=replace(dialog, text="", refusal=refusal)), (Beep("refused"),)


def _amount(text: str) -> int | Refusal:
    try:
        amount = parse_yuan(text)
    except BadAmount:
        return refuse("POS-2112", amount=text or "-")
    return amount if 0 < amount <= CASH_MAX_FEN else refuse("POS-2112", amount=text)
