"""The payment screen: cash, the external card terminal, and the moment a sale is done."""

from collections.abc import Callable
from dataclasses import replace

from pos_app.domain.basket import AddTender, DropTender, PricedUnder, TakeNumber
from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.lane.intents import (
    Beep,
    CommitSale,
    LookUp,
    NumberReady,
    PrintWaiting,
    PulseDrawer,
    SaleDone,
    TakeReceiptNumber,
)
from pos_app.domain.lane.people import with_permission
from pos_app.domain.lane.selling import emptied, replay_waiting
from pos_app.domain.lane.state import (
    INFO,
    OK,
    SELLING,
    Dialog,
    LaneState,
    LastSale,
    Step,
    change,
    cleared,
    refused,
    say,
)
from pos_app.domain.money import BadAmount, format_yuan, is_digits, parse_yuan
from pos_app.domain.permissions import CANCEL_SALE
from pos_app.domain.tender import CASH, suggested_notes_fen, tender_card, tender_cash


def scan_while_paying(state: LaneState, code: str) -> Step:
    """No scan takes money here; it is refused with a sound. On self-checkout a staff card is looked for."""
    if state.is_self_checkout:
        return state, (LookUp(code, "badge"),)
    return refused(state, refuse("POS-2115"))


def typed(state: LaneState, char: str) -> Step:
    if not (is_digits(char) or char == ".") or len(state.entry) >= 10 or state.is_self_checkout:
        return state, ()
    return replace(state, entry=state.entry + char, banner=None), ()


def press(state: LaneState, action: str) -> Step:
    """On self-checkout the shopper can only go back: money is taken in a staff visit."""
    handler = ACTIONS.get(action)
    if handler is None or (state.is_self_checkout and action not in ("back", "help")):
        return state, ()
    return handler(state)


def back(state: LaneState) -> Step:
    """Esc: typed amount first, then back to the basket; not while money taken outside counts towards it."""
    if state.entry:
        return cleared(state), ()
    if state.basket.tenders:
        return refused(state, refuse("POS-3012"))
    return replay_waiting(replace(cleared(state), phase=SELLING, needs_help=False))


def backspace(state: LaneState) -> Step:
    return replace(state, entry=state.entry[:-1]), ()


def exact_cash(state: LaneState) -> Step:
    return take_cash(state, state.cash_due_fen)


def amount_cash(state: LaneState) -> Step:
    """Amount and Enter. Enter alone takes nothing: scanners send it."""
    if not state.entry:
        return state, ()
    amount = _amount(state)
    return refused(replace(state, entry=""), amount) if isinstance(amount, Refusal) else take_cash(state, amount)


def note(state: LaneState, index: int) -> Step:
    """One of the suggested amounts."""
    notes = suggested_notes_fen(state.cash_due_fen)
    return take_cash(state, notes[index]) if index < len(notes) else (state, ())


def take_cash(state: LaneState, tendered_fen: int) -> Step:
    if state.is_self_checkout:
        return state, ()
    if _is_paid_in_full(state):
        return finish(state)
    tender = tender_cash(state.left_fen, tendered_fen, state.package.cash_step_fen)
    if isinstance(tender, Refusal):
        return refused(replace(state, entry=""), tender)
    return replace(state, entry=""), (CommitSale((*state.basket.tenders, tender)),)


def card(state: LaneState) -> Step:
    """The external terminal: a number is taken first, as this attempt can fail; then the slip's reference is typed."""
    if _is_paid_in_full(state):
        return finish(state)
    amount = _amount(state) if state.entry else state.left_fen
    if isinstance(amount, Refusal):
        return refused(replace(state, entry=""), amount)
    if not 0 < amount <= state.left_fen:
        return refused(replace(state, entry=""), refuse("POS-2112", amount=format_yuan(amount)))
    state = replace(state, entry="", dialog=Dialog("card", data=amount), banner=None)
    return state, (() if state.basket.number else (TakeReceiptNumber(),))


def _is_paid_in_full(state: LaneState) -> bool:
    return bool(state.basket.tenders or state.basket.exchange) and state.left_fen == 0


def finish(state: LaneState) -> Step:
    """Everything is paid outside already, only the commit is still to come (an earlier one failed, or the PC did)."""
    return cleared(state), (CommitSale(state.basket.tenders),)


def number_ready(state: LaneState, reply: NumberReady) -> Step:
    state, _ = change(state, TakeNumber(reply.series_no, reply.counter))
    return state, ()


def card_taken(state: LaneState, amount_fen: int, reference: str) -> Step:
    """The terminal's result, confirmed by its reference: it counts from now on, whatever happens to this PC."""
    tender = tender_card(state.left_fen, amount_fen, reference)
    if isinstance(tender, Refusal):
        return replace(state, dialog=Dialog("card", data=amount_fen, refusal=tender)), (Beep("refused"),)
    first = () if state.basket.tenders else (PricedUnder(state.package.digest, state.price_ms),)
    state, effects = change(replace(state, dialog=None), *first, AddTender(tender))
    if state.left_fen == 0:
        return state, (*effects, CommitSale(state.basket.tenders))
    return say(state, INFO, "banner.card_part"), (*effects, Beep("done"))


def give_back(state: LaneState) -> Step:
    """`-` while paying: the newest card amount was reversed on the terminal."""
    if not state.basket.tenders:
        return state, ()
    return with_permission(state, CANCEL_SALE, "void", _give_back)


def _give_back(state: LaneState) -> Step:
    state, effects = change(state, DropTender(state.approver or state.staff_number))
    return say(state, INFO, "banner.card_back"), effects


def sale_done(state: LaneState, reply: SaleDone) -> Step:
    """The commit has returned: the drawer, the paper and the word "paid" come after it."""
    cash = next((tender for tender in reply.tenders if tender.kind == CASH), None)
    back_fen = sum(refund.amount_fen for refund in reply.refunds if refund.kind == CASH)  # of an exchange, in cash
    last = LastSale(
        number=reply.number,
        total_fen=reply.total_fen,
        paid_fen=sum(tender.amount_fen for tender in reply.tenders),
        tendered_fen=sum(tender.tendered_fen for tender in reply.tenders),
        change_fen=sum(tender.change_fen for tender in reply.tenders) + back_fen,
        item_count=reply.item_count,
        tier=reply.tier,
        gift=reply.gift,
    )
    state = replace(emptied(state), last_sale=last, sales_today=state.sales_today + 1)
    effects = (*((PulseDrawer("sale"),) if cash or back_fen else ()), PrintWaiting(), Beep("look" if reply.tier else "done"))
    return say(state, OK, "banner.paid", number=reply.number), effects


def _amount(state: LaneState) -> int | Refusal:
    try:
        return parse_yuan(state.entry)
    except BadAmount:
        return refuse("POS-2112", amount=state.entry)


ACTIONS: dict[str, Callable[[LaneState], Step]] = {
    "enter": amount_cash,
    "back": back,
    "backspace": backspace,
    "pay": exact_cash,
    "card": card,
    "void": give_back,
    "note_1": lambda state: note(state, 0),
    "note_2": lambda state: note(state, 1),
    "note_3": lambda state: note(state, 2),
    "note_4": lambda state: note(state, 3),
    "help": lambda state: (replace(state, dialog=Dialog("help")), ()),
}
