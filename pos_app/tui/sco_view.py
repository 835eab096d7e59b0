"""The shopper's screen as rows: big lines, few words, everything can be touched."""

from hardware.paper import cells, pad
from pos_app.domain.lane.state import LaneState
from pos_app.domain.money import format_yuan
from pos_app.i18n import text
from pos_app.tui import dialog_view, offer_view
from pos_app.tui.frame import Box, Frame, Hit, digits, two_panes, wide
from pos_app.tui.keys import key_for
from pos_app.tui.view import View, banner_row, footer, line_text, say, status_row, visible

KEYS = ("pay", "undo", "member", "offers", "why", "bags", "call_staff", "language", "big_text", "help", "visit")
DIALOG_KEYS = ("language",)  # the others stand in the dialog
BUTTONS = (
    ("member", "sco.member"),
    ("offers", "sco.offers"),
    ("why", "sco.why"),
    ("call_staff", "sco.help"),
    ("bags", "sco.bags"),
    ("language", "sco.language"),
    ("big_text", "sco.bigger"),
    ("undo", "sco.undo"),
)
AMOUNT = 9


def self_checkout_frame(state: LaneState, view: View) -> Frame:
    """The whole screen, `view.width` x `view.height` cells."""
    right_width = 33 if view.width >= 96 else 27 if view.width >= 76 else 20
    left, right = Box(view.width - right_width - 7), Box(right_width)
    height = view.height - 6
    if state.dialog is not None:
        dialog_view.draw(state, view, left, height)
    elif state.is_idle:
        _welcome(state, left, height)
    else:
        _basket(state, left, height)
    _buttons(state, view, right, height)
    left.spare(height)
    right.spare(height)
    foot, places = footer(state, view, "dialog", DIALOG_KEYS) if state.dialog else footer(state, view, "sco", KEYS)
    title, who = say(state, "screen.sco"), f"{state.config.store}·{state.config.lane}"
    head = [status_row(state, view, title, f"{who}  {say(state, 'status.just_scan')}"), banner_row(state, view.width - 4)]
    frame = two_panes(view.width, head, left, right, foot)
    frame.hits += [Hit(view.height - 2, x + 2, width, action) for x, width, action in places]
    return frame


def _welcome(state: LaneState, box: Box, height: int) -> None:
    box.spare(max(1, height // 2 - 5))
    last = state.last_sale
    if last is not None:
        box.put(f"✓ {say(state, 'idle.last_sale')}", "head", "centre")
        for row in digits(format_yuan(last.total_fen), box.width):
            box.put(row, "total", "centre")
        box.put(last.number, "dim", "centre")
        box.put()
        offer_view.ceremony(state, last, box)
    if state.basket.member is not None:
        box.put(f"{say(state, 'member.member')} {offer_view.member_name(state)}", "head", "centre")
        box.put()
    for lang in (state.lang, "en" if state.lang == "zh" else "zh"):  # a shopper's language is not known yet
        box.put(text(lang, "idle.first"), "strong" if lang == state.lang else "text", "centre")
    box.put()
    box.put("▌▌▐▌▐▐▌▌▐▌▐▌▌▐▐▌▌▐", "dim", "centre")


def _basket(state: LaneState, box: Box, height: int) -> None:
    own, tail = 2 if state.big else 1, list(offer_view.tail(state))[: offer_view.TAIL_MAX]
    room = height - 4 - len(tail)
    most = offer_view.rows_a_line(state, own, 1, room)
    for i in visible(state.basket.lines, state.cursor, lambda i: offer_view.rows_of(state, i, own, 1, most), room):
        line, money = state.basket.lines[i], state.priced.lines[i]
        here = line.line_id == state.cursor
        form = wide if state.big else str
        amount = form(format_yuan(money.list_fen))
        units = money.paid_units(line.quantity)
        quantity = form(f" ×{units}") if units > 1 else ""
        room = box.width - 3 - cells(quantity) - max(cells(amount) + 1, AMOUNT)
        name = f"{'▶' if here else ' '}  {line_text(state, line, money, room, form)}{quantity}"
        box.rows.append([(pad(name, box.width - cells(amount)) + amount, "cursor" if here else "strong")])
        if not offer_view.saving_rows(state, money, box, 6, most):
            box.put()
        if state.big:
            box.put()
    for words, amount in tail:
        offer_view.tail_row(box, f"      {words}", amount)
    box.spare(height - 3)
    offer_view.hint_row(state, box)
    box.put("    " + say(state, "sco.scan_next"), "head")
    box.put("    ▌▌▐▌▐▐▌▌▐▌▐▌▌▐▐▌▌▐", "dim")


def _buttons(state: LaneState, view: View, box: Box, height: int) -> None:
    box.put(say(state, "total.to_pay"), "head")
    for row in digits(format_yuan(state.priced.total_fen), box.width):
        box.put(row, "total", "right")
    counts = say(state, "total.lines", lines=len(state.basket.lines), items=state.priced.item_count)
    box.put(counts, "dim")
    saved = wide(format_yuan(state.priced.discount_fen)) if state.priced.discount_fen else ""
    box.sides(say(state, "sco.saved") if saved else "", saved, "saving")
    box.put(offer_view.member_name(state), "head")
    inner = box.width - 4
    label = f"{say(state, 'sco.pay')}   [{key_for(view.keys, 'sco', 'pay')}]"
    for words in ("", label, ""):
        box.spans(("  ", "text"), (pad(words, inner, "centre"), "button"), ("  ", "text"))
        box.touch("pay")
    for action, key in BUTTONS:
        box.spans(("  ", "text"), (f" {key_for(view.keys, 'sco', action)} ", "button"), (f"  {say(state, key)}", "strong"))
        box.touch(action)
