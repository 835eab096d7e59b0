"""The receipt of a return: what came back, what is given back and how, and what the shopper has to know."""

from hardware.paper import pad, rule, two_sides, wrap
from pos_app.domain import points
from pos_app.domain.calendar import local_stamp
from pos_app.domain.events import Return, ReturnedLine
from pos_app.domain.money import format_weight, format_yuan
from pos_app.domain.returns import DONE
from pos_app.services.shop import Shop
from store_db.journal import Entry


def return_text(shop: Shop, entry: Entry, back: Return) -> str:
    """A return as rows of cells, in the shop's language; it says what it is in its first row."""
    t, width = shop.texts, shop.paper_width
    when = local_stamp(entry.header.wall_ms, shop.store.device.utc_offset_min)
    rows = [
        pad(f"*** {t['receipt.void' if back.is_void else 'receipt.return']} ***", width, "centre").rstrip(),
        two_sides(t["receipt.number"], back.number, width),
        two_sides(t["receipt.of_sale"], back.sale_number or t["receipt.none"], width),
        two_sides(when, f"{t['receipt.cashier']} {back.staff} / {back.approver}", width),
        rule(width),
    ]
    for line in back.lines:
        rows += _line_rows(t, line, width)
    rows.append(rule(width))
    rows += _withheld_rows(t, back, width)
    if back.rounding_fen:
        rows.append(two_sides(t["receipt.rounding"], format_yuan(back.rounding_fen), width))
    for refund in back.refunds:
        label = f"{t['tender.' + refund.kind]} {refund.payment.reference}".rstrip()
        rows.append(two_sides(label, format_yuan(refund.amount_fen), width))
        if refund.state != DONE:
            rows += wrap(t["receipt.queued"], width)
    total_fen = sum(refund.amount_fen for refund in back.refunds)
    rows += [two_sides(t["receipt.refund"], format_yuan(total_fen), width), rule(width), *_foot_rows(t, back, width)]
    return "\n".join(rows) + "\n"


def _line_rows(t: dict[str, str], line: ReturnedLine, width: int) -> list[str]:
    amount = f"{format_weight(line.weight_g)} kg" if line.weight_g is not None else f"x {line.units}"
    waste = f"  {t['receipt.waste']}" if line.to_waste else ""
    reason = t.get("reason." + line.reason, line.reason)
    return [*wrap(line.name, width), two_sides(f"  {amount}  {reason}{waste}", format_yuan(line.refund_fen), width)]


def _withheld_rows(t: dict[str, str], back: Return, width: int) -> list[str]:
    """What goes back less, or more, than the goods carried: the price of what is kept; then gifts and coupons."""
    repriced_fen, rows = back.repriced_fen or 0, []
    if repriced_fen:
        known = back.kept_fen is not None
        label = t["receipt.repriced"].format(kept=format_yuan(back.kept_fen or 0)) if known else t["receipt.repriced_back"]
        rows.append(two_sides(label, format_yuan(-repriced_fen), width))
    if back.withheld_fen != repriced_fen:
        rows.append(two_sides(t["receipt.withheld"], format_yuan(repriced_fen - back.withheld_fen), width))
    return rows


def _foot_rows(t: dict[str, str], back: Return, width: int) -> list[str]:
    """VAT taken back, points, coupons made void, and what to do about an invoice."""
    rows = [two_sides(f"{t['receipt.tax']} {s.rate_bp / 100:g}%", format_yuan(-s.tax_fen), width) for s in back.taxes]
    given = sum(move.points for move in back.points or () if move.rule == points.UNDO)
    taken = -sum(move.points for move in back.points or () if move.rule == points.CLAW_BACK)
    if given or taken:
        rows.append(two_sides(t["receipt.points_back"], f"-{taken} / +{given}", width))
    for gift in back.gifts or ():
        rows.append(two_sides(t["receipt.gift_back"], f"{gift.sku} x {gift.quantity}", width))
    rows += [two_sides(t["receipt.coupon_void"], code[-8:], width) for code in back.coupons or ()]
    return [*rows, *(wrap(t["receipt.invoice_back"], width) if back.sale else []), t["receipt.signature"]]


def refund_rows(t: dict[str, str], returns: int, refunds: tuple[tuple[str, int, int], ...], width: int) -> list[str]:
    """The returns of a shift, each tender below zero; nothing where there was none."""
    if not returns:
        return []
    return [
        two_sides(t["z.returns"], str(returns), width),
        *[two_sides(f"{t['z.refund']} {t['tender.' + kind]} x{count}", format_yuan(-fen), width) for kind, count, fen in refunds],
    ]
