"""Dialogs as rows, in the place of the basket; the total stays in sight. One function a kind of content."""

from collections.abc import Callable
from typing import Any

from hardware.paper import pad, wrap_words
from pos_app.domain.goods import Item
from pos_app.domain.lane.intents import HeldRow, ItemFound
from pos_app.domain.lane.self_checkout import VISIT
from pos_app.domain.lane.state import Dialog, LaneState
from pos_app.domain.money import format_weight, format_yuan
from pos_app.domain.shift import Report, counted_fen
from pos_app.tui import offer_view, return_view
from pos_app.tui.frame import Box
from pos_app.tui.keys import PRESETS
from pos_app.tui.view import View, item_name, line_text, say, shop_time, text_of

HIDDEN = frozenset({"login_pin", "approve_pin", "visit_pin"})
LISTS = frozenset(
    {
        "held",
        "menu",
        "reason_cancel",
        "reason_no_sale",
        "reason_difference",
        "bags",
        "ways",
        "find",
        "visit",
        "card",
        "member_of",
        "usual",
    }
    | return_view.LISTS
)
YES_NO = frozenset({"confirm_quantity", "age", "count_done"})
CLOSE = frozenset({"help", "report_x", "report_z", "idle", "why"})


def draw(state: LaneState, view: View, box: Box, height: int) -> None:
    """Title, what the kind shows, the refusal if there is one, and the keys that help."""
    dialog = state.dialog
    if dialog is None:
        return
    title = wrap_words(_title(state, dialog), box.width)
    for row in title:
        box.put(row, "head")
    box.rule()
    content = CONTENT.get(dialog.kind)
    if content is not None:
        content(state, view, box, dialog, height - 6 - len(title))
    if dialog.kind in INPUTS:
        shown = "●" * len(dialog.text) if dialog.kind in HIDDEN else dialog.text
        box.put()
        box.spans((" > ", "head"), (shown + "_", "strong"))
    if dialog.refusal is not None:
        box.put()
        words = text_of(state, dialog.refusal.code, dialog.refusal.args)
        for row in wrap_words(f"✗ {words}  [{dialog.refusal.code}]", box.width):
            box.put(row, "error")
    if view.hint and dialog.kind in ("login_number", "login_pin"):
        box.put()
        box.put(view.hint, "dim")
    box.spare(height - 2)
    box.put(say(state, "dialog.queued", n=len(state.waiting)) if state.waiting else "", "warn" if state.waiting else "text")
    _keys(state, box, dialog)


def question(state: LaneState) -> str:
    """The open dialog in one line, for `--plain`."""
    view, box = View(80, 24, PRESETS["chinese-till"]), Box(60)
    draw(state, view, box, 24)
    rows = (" ".join("".join(part for part, _ in row).split()) for row in box.rows)
    return " | ".join(row for row in rows if row.strip("─ "))


def _keys(state: LaneState, box: Box, dialog: Dialog) -> None:
    if dialog.kind in YES_NO:
        box.put(say(state, "dialog.yes_no"), "key")
        box.touch("yes", 0, box.width // 2)
        box.touch("back", box.width // 2, box.width // 2)
    elif dialog.kind in CLOSE:
        box.put(say(state, "dialog.close"), "key")
        box.touch("back")
        if dialog.kind == "why":
            offer_view.page_keys(state, box)
    elif dialog.kind in ("offers", "return_plan"):
        box.put(say(state, "dialog.offers_keys" if dialog.kind == "offers" else "dialog.return_keys"), "key")
        box.touch("enter" if dialog.kind == "offers" else "yes", 0, box.width // 2)
        box.touch("back", box.width // 2, box.width // 2)
    else:
        box.put(say(state, "dialog.choose" if dialog.kind in LISTS and dialog.kind != "card" else "dialog.enter"), "key")
        box.touch("enter", 0, box.width // 2)
        box.touch("back", box.width // 2, box.width // 2)


def _title(state: LaneState, dialog: Dialog) -> str:
    args: dict[str, object] = {}
    if dialog.kind.startswith("approve_"):
        permission = dialog.data[0] if dialog.kind == "approve_number" else dialog.data[1][0]
        args["what"] = say(state, f"permission.{permission}")
    elif dialog.kind in ("ask_price", "ask_weight"):
        args["name"] = item_name(state, dialog.data[0])
    elif dialog.kind == "confirm_quantity":
        args["n"] = dialog.data
    elif dialog.kind in ("card", "count_done", "return_slip"):
        args["amount"] = format_yuan(dialog.data)
    elif dialog.kind == "return_settle":
        args["amount"] = format_yuan(dialog.data.fen)
    elif dialog.kind == "reason_difference":
        args["amount"] = format_yuan(dialog.data[1])
    elif dialog.kind == "visit":
        args["name"] = dialog.data[1]
    return say(state, f"dialog.{dialog.kind}", **args)


# ------------------------------------------------------------------ contents


def _choices(label: Callable[[LaneState, Any], str]) -> Callable[..., None]:
    def content(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
        first = max(0, min(dialog.cursor - height + 1, len(dialog.rows) - height))
        for i, row in list(enumerate(dialog.rows))[first : first + height]:
            here = i == dialog.cursor
            number = f"{i + 1}" if i < 9 else " "
            box.put(f"{'▶' if here else ' '} {number}  {label(state, row)}", "cursor" if here else "text")
            box.touch(f"row_{i}")

    return content


def _found(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    box.spans((" > ", "head"), (dialog.text + "_", "strong"))
    if not dialog.rows:
        box.put(say(state, "dialog.no_result") if dialog.text else "", "dim")
    room = height - 1
    first = max(0, dialog.cursor - room + 1)
    for i, item in list(enumerate(dialog.rows))[first : first + room]:
        here = i == dialog.cursor
        amount = format_yuan(item.price_fen) + ("/kg" if item.weighed else "")
        name = pad(f"{'▶' if here else ' '} {item_name(state, item)}", box.width - 12)
        box.put(name + pad(amount, 12, "right"), "cursor" if here else "text")
        box.touch(f"row_{i}")


def _checked(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    found: ItemFound | None = dialog.data
    if found is None:
        return
    item = found.item
    box.put(item.name, "strong")
    box.put(item.name_en, "dim")
    box.put()
    box.sides(
        say(state, "source.list"), format_yuan(item.price_fen) + ("/kg" if item.weighed else f"/{item.unit}"), "text", "total"
    )
    if item.promo_price_fen is not None:
        box.sides(say(state, "source.promo"), format_yuan(item.promo_price_fen), "saving")
    if item.member_price_fen is not None:
        box.sides(say(state, "source.member"), format_yuan(item.member_price_fen), "saving")
    if found.on_hand is not None:
        stock = f"{format_weight(found.on_hand)} kg" if item.weighed and found.on_hand >= 0 else str(found.on_hand)
        box.sides(say(state, "dialog.stock"), stock)
    box.sides(item.sku, found.code, "dim")


def _held(state: LaneState, row: HeldRow) -> str:
    since = shop_time(state, row.since_ms)
    return f"{pad(row.label, 10)} {since}  {say(state, 'held.lines', lines=row.lines)}  {format_yuan(row.total_fen)}"


def _age(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    for line in state.unapproved()[:height]:
        box.put(f"  {item_name(state, line.item)} ×{line.quantity}")


def _count(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    for i, (note_fen, pieces) in enumerate(dialog.rows):
        here = i == dialog.cursor
        shown = dialog.text + "_" if here else str(pieces)
        box.put(f"{'▶' if here else ' '} {pad(format_yuan(note_fen), 10, 'right')} × {shown}", "cursor" if here else "text")
    box.sides(say(state, "z.counted"), format_yuan(counted_fen(dialog.rows)), "strong")


def _report(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    figures: Report = dialog.data
    box.sides(say(state, "z.sales"), str(figures.sales))
    box.sides(say(state, "z.cancelled"), str(figures.cancelled))
    box.sides(say(state, "z.items"), str(figures.items))
    box.sides(say(state, "total.subtotal"), format_yuan(figures.list_fen))
    box.sides(say(state, "receipt.discount"), format_yuan(-figures.discount_fen))
    box.sides(say(state, "z.total"), format_yuan(figures.total_fen), "strong")
    box.sides(say(state, "receipt.rounding"), format_yuan(figures.rounding_fen))
    for total in figures.tenders:
        box.sides(f"{say(state, 'tender.' + total.kind)} ×{total.count}", format_yuan(total.amount_fen))
    for share in figures.taxes:
        box.sides(f"{say(state, 'receipt.tax')} {share.rate_bp / 100:g}%", format_yuan(share.tax_fen), "dim")
    if figures.returns:
        box.sides(say(state, "z.returns"), str(figures.returns))
    for total in figures.refunds:
        label = f"{say(state, 'z.refund')} {say(state, 'tender.' + total.kind)} ×{total.count}"
        box.sides(label, format_yuan(-total.amount_fen))
    box.sides(say(state, "z.float"), format_yuan(figures.float_fen))
    if dialog.kind == "report_z":  # an X before a blind count does not tell
        box.sides(say(state, "z.expected"), format_yuan(figures.expected_cash_fen), "strong")


def _visit(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    for i, action in enumerate(VISIT[:3], 1):
        box.put(f"  {i}  {say(state, 'visit.' + action)}", "strong")
        box.touch(action)
    box.rule()
    lines = list(zip(state.basket.lines, state.priced.lines, strict=True))[-max(1, height - 4) :]
    for line, money in lines:
        here = line.line_id == state.cursor
        name = line_text(state, line, money, box.width - 8)
        box.put(f"{'▶' if here else ' '} {name} ×{line.quantity}", "cursor" if here else "text")


def _help(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    """From the key table itself: what a key does here is what help says."""
    from pos_app.tui.help import help_rows

    rows = help_rows(state, view)
    columns = 2 if len(rows) > height and box.width >= 44 else 1
    width = box.width // columns
    half = -(-len(rows) // columns)
    for i in range(min(half, height)):
        spans = []
        for column in range(columns):
            if column * half + i < len(rows):
                key, label = rows[column * half + i]
                spans += [(pad(key, 12), "key"), (pad(label, width - 12), "text")]
        box.spans(*spans)


def _bag(state: LaneState, item: Item) -> str:
    return f"{pad(item_name(state, item), 24)} {format_yuan(item.price_fen)}"


INPUTS = frozenset(
    {"login_number", "login_pin", "approve_number", "approve_pin", "visit_number", "visit_pin", "float", "price_check",
     "ask_price", "ask_weight", "card", "member", "offers"}
    | return_view.INPUTS
)  # fmt: skip
CONTENT: dict[str, Callable[..., None]] = {
    "find": _found,
    "price_check": _checked,
    "held": _choices(_held),
    "menu": _choices(lambda state, row: say(state, f"menu.{row}")),
    "reason_cancel": _choices(lambda state, row: say(state, f"reason.{row}")),
    "reason_no_sale": _choices(lambda state, row: say(state, f"reason.{row}")),
    "reason_difference": _choices(lambda state, row: say(state, f"reason.{row}")),
    "bags": _choices(_bag),
    "ways": _choices(lambda state, row: say(state, f"ways.{row}")),
    "age": _age,
    "count": _count,
    "report_x": _report,
    "report_z": _report,
    "visit": _visit,
    "member": offer_view.keypad,
    "member_of": _choices(lambda state, row: say(state, f"member.{row}")),
    "offers": offer_view.offers,
    "why": offer_view.explanation,
    "usual": offer_view.usual,
    "return_find": return_view.receipts,
    "return_lines": return_view.lines,
    "return_goods": return_view.lines,
    "return_reason": _choices(lambda state, row: say(state, f"reason.{row}")),
    "return_plan": return_view.plan,
    "help": _help,
}
