"""The cashier's screen as rows: basket on the left, what is due on the right."""

from hardware.paper import pad
from pos_app.domain.lane.state import PAYMENT, LaneState
from pos_app.domain.money import format_yuan
from pos_app.domain.tender import suggested_notes_fen
from pos_app.tui import dialog_view, offer_view
from pos_app.tui.frame import Box, Frame, Hit, digits, two_panes
from pos_app.tui.keys import key_for
from pos_app.tui.view import View, banner_row, footer, line_text, say, status_row, visible

SELLING_KEYS = (
    "help", "find", "member", "hold", "return", "offers", "pay", "why", "price_check", "shift", "repeat", "void", "undo",
    "language", "reprint", "lock",
)  # fmt: skip
DIALOG_KEYS = ("language",)  # the others stand in the dialog
PAYMENT_KEYS = ("pay", "card", "offers", "member", "why", "back", "help")
QUANTITY, AMOUNT = 8, 11


def cashier_frame(state: LaneState, view: View) -> Frame:
    """The whole screen, `view.width` x `view.height` cells."""
    right_width = 33 if view.width >= 96 else 25 if view.width >= 76 else 20
    left, right = Box(view.width - right_width - 7), Box(right_width)
    height = view.height - 6
    if state.dialog is not None:
        dialog_view.draw(state, view, left, height)
    elif state.is_idle:
        _idle(state, view, left, height)
    else:
        _basket(state, left, height)
    _totals(state, view, right)
    left.spare(height)
    right.spare(height)
    foot, places = footer(state, view, *_keys(state))
    head = [_status(state, view), banner_row(state, view.width - 4)]
    frame = two_panes(view.width, head, left, right, foot)
    frame.hits += [Hit(view.height - 2, x + 2, width, action) for x, width, action in places]
    return frame


def _keys(state: LaneState) -> tuple[str, tuple[str, ...]]:
    """The context whose keys count now, and those worth showing."""
    if state.dialog is not None:
        return "dialog", DIALOG_KEYS
    return ("payment", PAYMENT_KEYS) if state.phase == PAYMENT else ("selling", SELLING_KEYS)


def _status(state: LaneState, view: View) -> list[tuple[str, str]]:
    person = state.person.name if state.person else say(state, "status.nobody")
    shift = "" if state.shift_no is not None else f" · {say(state, 'status.no_shift')}"
    return status_row(state, view, say(state, "screen.cashier"), f"{state.config.store}·{state.config.lane} {person}{shift}")


def _basket(state: LaneState, box: Box, height: int) -> None:
    name_width = box.width - QUANTITY - AMOUNT
    head = f"   # {say(state, 'head.item')}", say(state, "head.quantity"), say(state, "head.amount")
    box.rows.append(_columns(*head, name_width, "dim"))
    tail = list(offer_view.tail(state))[: offer_view.TAIL_MAX]
    room = height - 2 - len(tail)
    most = offer_view.rows_a_line(state, 1, 0, room)
    for i in visible(state.basket.lines, state.cursor, lambda i: offer_view.rows_of(state, i, 1, 0, most), room):
        line, money = state.basket.lines[i], state.priced.lines[i]
        here = line.line_id == state.cursor
        mark = "▶" if here else " "
        role = "cursor" if here else "text"
        name = f"{mark}{i + 1:3d} {line_text(state, line, money, name_width - 5)}"
        quantity = "" if line.weight_g is not None else str(money.paid_units(line.quantity))
        box.rows.append(_columns(name, quantity, format_yuan(money.list_fen), name_width, role))
        offer_view.saving_rows(state, money, box, 5, most)
    for words, amount in tail:
        offer_view.tail_row(box, f"     {words}", amount)
    box.spare(height - 1)
    offer_view.hint_row(state, box)


def _columns(name: str, quantity: str, amount: str, name_width: int, role: str) -> list[tuple[str, str]]:
    return [(pad(name, name_width) + pad(quantity, QUANTITY, "right") + pad(amount, AMOUNT, "right"), role)]


def _idle(state: LaneState, view: View, box: Box, height: int) -> None:
    """Between two shoppers: the last sale's number, total and change, large."""
    last = state.last_sale
    if last is None:
        box.spare(max(0, height // 2 - 2))
        box.put(say(state, "idle.ready"), "head", "centre")
        box.put()
        box.put(view.hint, "dim", "centre")
        return
    box.put()
    box.sides(say(state, "idle.last_sale"), last.number, "dim")
    box.put()
    box.sides(say(state, "idle.total"), format_yuan(last.paid_fen), "text", "strong")
    box.sides(say(state, "idle.received"), format_yuan(last.tendered_fen), "text", "strong")
    box.put()
    box.put(say(state, "idle.change"), "head", "centre")
    for row in digits(format_yuan(last.change_fen), box.width):
        box.put(row, "total", "centre")
    box.put()
    offer_view.ceremony(state, last, box)
    box.put(say(state, "idle.ready"), "dim", "centre")


def _totals(state: LaneState, view: View, box: Box) -> None:
    priced = state.priced
    counts = say(state, "total.lines", lines=len(state.basket.lines), items=priced.item_count)
    box.put(f"{say(state, 'total.total')}  {counts}", "head")
    paying = state.phase == PAYMENT
    due_fen = state.cash_due_fen if paying else state.left_fen
    for row in digits(format_yuan(due_fen), box.width):
        box.put(row, "total", "right")
    box.rule()
    box.sides(say(state, "total.subtotal"), format_yuan(priced.list_fen))
    offer_view.stage_rows(state, box)
    box.sides(say(state, "total.due"), format_yuan(priced.total_fen), "strong")
    if state.basket.exchange:  # as long as nothing is scanned, too: what the goods that come back will pay
        box.sides(say(state, "tender.exchange"), format_yuan(-state.basket.exchange.refund_fen), "text", "saving")
    if not paying:
        box.sides(say(state, "total.tax"), format_yuan(sum(share.tax_fen for share in priced.taxes)), "dim")
    box.rule()
    offer_view.member_rows(state, box)
    box.rule()
    if paying:
        _paying(state, view, box)
    else:
        _last_line(state, box)


def _paying(state: LaneState, view: View, box: Box) -> None:
    exchange = state.basket.exchange
    if exchange and exchange.refund_fen > state.exchange_fen:
        box.sides(say(state, "return.total"), format_yuan(exchange.refund_fen - state.exchange_fen), "strong")
    for tender in state.basket.tenders:
        box.sides(f"{say(state, 'tender.' + tender.kind)} {tender.reference}", format_yuan(tender.amount_fen))
    if state.basket.tenders or state.exchange_fen:
        box.sides(say(state, "total.left"), format_yuan(state.left_fen))
    box.sides(say(state, "total.cash_due"), format_yuan(state.cash_due_fen), "strong")
    box.sides(say(state, "total.entry"), state.entry + "_", "head")
    if state.dialog is None:
        _notes(state, view, box)


def _notes(state: LaneState, view: View, box: Box) -> None:
    """Likely amounts, each a key and a button."""
    half, notes = box.width // 2, list(enumerate(suggested_notes_fen(state.cash_due_fen), 1))
    for pair in (notes[n : n + 2] for n in range(0, len(notes), 2)):
        words = (f"{key_for(view.keys, 'payment', f'note_{i}')} {format_yuan(note_fen)}" for i, note_fen in pair)
        box.spans(*((pad(text, half), "key") for text in words))
        for n, (i, _) in enumerate(pair):
            box.touch(f"note_{i}", n * half, half)


def _last_line(state: LaneState, box: Box) -> None:
    if state.quantity is not None:
        box.put(say(state, "total.quantity", n=state.quantity), "head")
    box.sides(say(state, "total.entry"), state.entry[-12:] + "_", "head" if state.entry else "dim")
    box.rule()
    line = state.highlighted()
    if line is None:
        return
    position = next(i for i in range(len(state.basket.lines) - 1, -1, -1) if state.basket.lines[i].line_id == line.line_id)
    money = state.priced.lines[position]
    box.put(f"{say(state, 'total.last')} ✓", "dim")
    box.put(line_text(state, line, money, box.width), "strong")
    unit_fen, units = money.list_unit_fen(line.quantity), money.paid_units(line.quantity)
    box.sides(f"{format_yuan(unit_fen)} × {units}", format_yuan(money.list_fen))
    if line.weight_g is None:
        box.put(line.code, "dim")
