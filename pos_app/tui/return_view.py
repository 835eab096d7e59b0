"""What a return looks like: the sales to choose from, the lines, and the plan with everything it will do."""

from hardware.paper import pad, wrap_words
from pos_app.domain.events import ReturnedLine, SaleLine
from pos_app.domain.lane.returning import GO
from pos_app.domain.lane.state import Dialog, LaneState, Returning
from pos_app.domain.money import format_weight, format_yuan
from pos_app.domain.return_values import NoReceiptGood, ReturnPlan
from pos_app.domain.returns import DONE, left_units
from pos_app.tui.frame import Box
from pos_app.tui.offer_view import promotion_name
from pos_app.tui.view import View, say, shop_time

LISTS = frozenset({"return_reason", "return_goods"})
INPUTS = frozenset({"return_find", "return_slip", "return_settle"})


def name_of(state: LaneState, row: SaleLine | ReturnedLine | NoReceiptGood) -> str:
    return row.name_en if state.lang == "en" and row.name_en else row.name


def receipts(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    """The sales found, newest first; before a search, what may be asked for."""
    for words in wrap_words(say(state, "return.find_hint"), box.width) if not dialog.rows else ():
        box.put(words, "dim")
    for i, row in list(enumerate(dialog.rows))[:height]:
        here = i == dialog.cursor
        words = f"{'▶' if here else ' '} {row.number}  {shop_time(state, row.at_ms)}  ×{row.item_count}"
        box.put(pad(words, box.width - 12) + pad(format_yuan(row.total_fen), 12, "right"), "cursor" if here else "text")
        box.touch(f"row_{i}")


def lines(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    """The lines with units left; typed digits stand where they count."""
    now = state.returning
    if now is None:
        return
    first = max(0, min(dialog.cursor - height + 1, len(dialog.rows) - height))
    for i, row in list(enumerate(dialog.rows))[first : first + height]:
        here = i == dialog.cursor
        name, count = _line(state, now, row)
        count = dialog.text + "_" if here and dialog.text else count
        words = pad(f"{'▶' if here else ' '} {name}", box.width - 14) + pad(count, 14, "right")
        box.put(words, "cursor" if here else "text")
        box.touch(f"row_{i}")


def _line(state: LaneState, now: Returning, row: int) -> tuple[str, str]:
    if row == GO:
        return say(state, "return.go"), ""
    if now.found is None:
        good = now.goods[row]
        return name_of(state, good), format_yuan(good.fen)
    left = left_units(now.found.sale, now.found.before)[row]
    return name_of(state, now.found.sale.lines[row]), say(state, "return.units", units=now.chosen[row], left=left)


def plan(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    """What will be done: goods, gifts, coupons, points, and how much goes back which way."""
    now = state.returning
    if now is None or now.plan is None:
        return
    shown = now.plan
    why = wrap_words(_why(state, shown), box.width)
    rows = [*_goods(state, shown, max(1, height - 12 - len(why))), *_repriced(state, shown)]
    rows += [*((words, "", "dim") for words in why), *_given(state, shown)]
    rows.append((say(state, "return.to_waste" if now.to_waste else "return.to_stock"), "", "text"))
    for words, amount, role in rows:
        box.sides(words, amount, role)
    box.rule()
    if shown.rounding_fen:
        box.sides(say(state, "receipt.rounding"), format_yuan(shown.rounding_fen))
    for refund in shown.refunds:
        label = f"{say(state, f'tender.{refund.kind}')} {refund.payment.reference}".rstrip()
        box.sides(label + ("" if refund.state == DONE else " !"), format_yuan(refund.amount_fen))
    box.sides(say(state, "return.total"), format_yuan(shown.refund_fen), "strong", "total")
    if now.found is not None:
        box.put(say(state, "return.invoice"), "dim")
    if shown.tier_recheck:
        box.put(say(state, "return.tier"), "dim")


def _goods(state: LaneState, shown: ReturnPlan, most: int) -> list[tuple[str, str, str]]:
    """The goods, or where there is no room for all of them their sum."""
    if len(shown.lines) > most:
        return [(f"{say(state, 'return.goods')} ×{len(shown.lines)}", format_yuan(shown.goods_fen), "text")]
    return [(_good(state, line), format_yuan(line.refund_fen), "text") for line in shown.lines]


def _good(state: LaneState, line: ReturnedLine) -> str:
    count = f"{format_weight(line.weight_g)}kg" if line.weight_g is not None else f"×{line.units}"
    return f"{name_of(state, line)} {count}"


def _repriced(state: LaneState, shown: ReturnPlan) -> list[tuple[str, str, str]]:
    """What the price of the goods kept takes off their shares, or adds."""
    if not shown.repriced_fen:
        return []
    words = say(state, "return.repriced_back")
    if shown.kept_fen is not None:
        words = say(state, "return.repriced", kept=format_yuan(shown.kept_fen))
    return [(words, format_yuan(-shown.repriced_fen), "warn" if shown.repriced_fen > 0 else "text")]


def _why(state: LaneState, shown: ReturnPlan) -> str:
    """Why less goes back than the receipt says, or why it was not priced again."""
    if shown.by_shares:
        return say(state, f"return.by_shares.{shown.by_shares}")
    return say(state, "return.repriced_why") if shown.repriced_fen > 0 else ""


def _given(state: LaneState, shown: ReturnPlan) -> list[tuple[str, str, str]]:
    rows = []
    for gift in shown.gifts:
        name = promotion_name(state, gift.promotion)
        if gift.back:
            rows.append((say(state, "return.gift_back", name=name, n=gift.back), "", "ok"))
        if gift.missing:
            rows.append((say(state, "return.gift", name=name, n=gift.missing), format_yuan(-gift.withheld_fen), "warn"))
    rows += [(say(state, "return.coupon_void", code=code[-8:]), "", "text") for code in shown.coupons]
    if shown.coupons_withheld_fen:
        rows.append((say(state, "return.coupon_spent"), format_yuan(-shown.coupons_withheld_fen), "warn"))
    if shown.points_taken:
        rows.append((say(state, "return.points_taken"), f"-{shown.points_taken}", "text"))
    if shown.points_given:
        rows.append((say(state, "return.points_given"), f"+{shown.points_given}", "text"))
    rows += [(say(state, "return.stamps"), f"-{card.stamps}", "text") for card in shown.cards]
    return rows
