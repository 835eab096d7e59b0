"""Receipts and reports on paper. The job is a row that committed with its sale; the sale never waits for paper."""

from hardware.paper import cells, pad, rule, two_sides, wrap
from pos_app.domain.calendar import local_stamp
from pos_app.domain.events import Return, Sale, ShiftClosed
from pos_app.domain.lane.state import LaneState
from pos_app.domain.money import format_weight, format_yuan
from pos_app.domain.shift import Report
from pos_app.services.receipt_offers import Offers
from pos_app.services.return_paper import refund_rows, return_text
from pos_app.services.shop import Shop
from store_db import journal, print_jobs
from store_db.journal import Entry


class Spool:
    """The print jobs of one lane. What an earlier run left behind may have come out or not: it says REPRINT."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._since = 0  # every job up to here has its paper
        self._unsure = frozenset(job for job, *_ in print_jobs.waiting(shop.store.connection, shop.lane))

    def __len__(self) -> int:
        """How many jobs have no paper yet."""
        return len(print_jobs.waiting(self.shop.store.connection, self.shop.lane, self._since))

    def print_waiting(self) -> int:
        """Print what waits, oldest first; how many jobs are left without paper."""
        jobs = print_jobs.waiting(self.shop.store.connection, self.shop.lane, self._since)
        broken = 0
        for position, (job_id, journal_id, kind) in enumerate(jobs):
            try:
                name, text = paper_of(self.shop, journal_id, kind)
            except (RuntimeError, ValueError, LookupError, TypeError):  # a damaged event never stops the others' paper
                broken += 1
                continue
            if job_id in self._unsure and kind != print_jobs.COPY:
                text = _marked(self.shop, "receipt.reprint") + "\n" + text
            try:
                self.shop.printer.print_text(f"{name}-{kind}-{job_id}", text)
            except OSError:
                return len(jobs) - position + broken
            with self.shop.store.transaction() as connection:
                print_jobs.set_state(connection, job_id, "done")
        if jobs and not broken:
            self._since = jobs[-1][0]
        return broken


def _marked(shop: Shop, key: str) -> str:
    return pad(f"*** {shop.texts[key]} ***", shop.paper_width, "centre").rstrip()


def paper_of(shop: Shop, journal_id: int, kind: str) -> tuple[str, str]:
    """(name, text) of a job. Nothing prints as a receipt that is not a committed sale."""
    entry = journal.entry_by_id(shop.store.connection, journal_id)
    event = entry.event() if entry else None
    if entry is not None and isinstance(event, Sale):
        return event.number, receipt_text(shop, entry, event, is_copy=kind == print_jobs.COPY)
    if entry is not None and isinstance(event, Return):
        return event.number, return_text(shop, entry, event)
    if entry is not None and isinstance(event, ShiftClosed):
        return f"{shop.store.device.store}-{event.lane}-shift-{event.shift_no}", z_text(shop, entry, event)
    raise RuntimeError(f"journal entry {journal_id} cannot be printed as {kind}")


def sale_by_id(shop: Shop, journal_id: int) -> Sale:
    entry = journal.entry_by_id(shop.store.connection, journal_id)
    event = entry.event() if entry else None
    if not isinstance(event, Sale):
        raise RuntimeError(f"journal entry {journal_id} is not a sale")
    return event


def receipt_text(shop: Shop, entry: Entry, sale: Sale, *, is_copy: bool = False) -> str:
    """A receipt as rows of cells, in the shop's language."""
    t, width, offers = shop.texts, shop.paper_width, Offers(shop, sale)
    when = local_stamp(entry.header.wall_ms, shop.store.device.utc_offset_min)
    rows = [pad(t["receipt.title"], width, "centre").rstrip()]
    if is_copy:
        rows.append(_marked(shop, "receipt.copy"))
    rows += [
        two_sides(t["receipt.number"], sale.number, width),
        two_sides(when, f"{t['receipt.cashier']} {sale.staff}", width),
        rule(width),
    ]  # fmt: skip
    for line in sale.lines:
        rows += _line_rows(line.name, line.quantity, line.weight_g, line.list_unit_fen, line.list_fen, width)
        rows += offers.line_rows(line)
    rows += offers.basket_rows()
    rows += offers.gift_rows(entry.header.wall_ms)
    rows += [rule(width), two_sides(t["receipt.items"], str(sale.item_count), width)]
    if sale.discount_fen:
        rows.append(two_sides(t["receipt.discount"], format_yuan(-sale.discount_fen), width))
    rows.append(two_sides(t["receipt.total"], format_yuan(sale.total_fen), width))
    if sale.rounding_fen:
        rows.append(two_sides(t["receipt.rounding"], format_yuan(sale.rounding_fen), width))
    for tender in sale.tenders:
        label = t["tender." + tender.kind] + (f" {tender.reference}" if tender.reference else "")
        rows.append(two_sides(label, format_yuan(tender.tendered_fen), width))
        if tender.change_fen:
            rows.append(two_sides(t["receipt.change"], format_yuan(tender.change_fen), width))
    rows.append(rule(width))
    for share in sale.taxes:
        label = f"{t['receipt.tax']} {share.rate_bp / 100:g}%"
        rows.append(two_sides(label, format_yuan(share.tax_fen), width))
    rows += offers.foot_rows(entry)
    rows.append(pad(t["receipt.thanks"], width, "centre").rstrip())
    return "\n".join(rows) + "\n"


def _line_rows(name: str, quantity: int, weight_g: int | None, unit_fen: int, list_fen: int, width: int) -> list[str]:
    rows = wrap(name, width)
    if weight_g is not None:
        detail = f"  {format_weight(weight_g)} kg x {format_yuan(unit_fen)}"
    elif quantity == 1:
        amount = format_yuan(list_fen)
        if cells(rows[-1]) + cells(amount) < width:
            return [*rows[:-1], two_sides(rows[-1], amount, width)]
        return [*rows, two_sides("", amount, width)]
    else:
        detail = f"  {quantity} x {format_yuan(unit_fen)}"
    return [*rows, two_sides(detail, format_yuan(list_fen), width)]


def z_text(shop: Shop, entry: Entry, z: ShiftClosed) -> str:
    """The Z of a closed shift, with the count and the difference."""
    t, width = shop.texts, shop.paper_width
    rows = [
        pad(t["z.title"], width, "centre").rstrip(),
        two_sides(f"{t['z.shift']} {z.shift_no}", f"{shop.store.device.store}-{z.lane}", width),
        local_stamp(entry.header.wall_ms, shop.store.device.utc_offset_min),
        rule(width),
        *_figure_rows(t, z.sales, z.cancelled, z.total_fen, z.rounding_fen, z.tenders, width),
        *refund_rows(t, z.returns or 0, z.refunds or (), width),
        *[two_sides(f"{t['receipt.tax']} {s.rate_bp / 100:g}%", format_yuan(s.tax_fen), width) for s in z.taxes],
        rule(width),
        two_sides(t["z.expected"], format_yuan(z.expected_fen), width),
        two_sides(t["z.counted"], format_yuan(z.counted_fen), width),
        two_sides(t["z.difference"], format_yuan(z.difference_fen), width),
    ]
    if z.reason:
        rows.append(two_sides(t["z.reason"], t.get("reason." + z.reason, z.reason), width))
    return "\n".join(rows) + "\n"


def x_text(shop: Shop, state: LaneState, figures: Report) -> str:
    """An X: the figures so far; it closes nothing."""
    t, width = shop.texts, shop.paper_width
    tenders = tuple((total.kind, total.count, total.amount_fen) for total in figures.tenders)
    rows = [
        pad(t["x.title"], width, "centre").rstrip(),
        two_sides(f"{t['z.shift']} {state.shift_no}", f"{shop.store.device.store}-{shop.lane}", width),
        local_stamp(shop.now_ms(), shop.store.device.utc_offset_min),
        rule(width),
        *_figure_rows(t, figures.sales, figures.cancelled, figures.total_fen, figures.rounding_fen, tenders, width),
        *refund_rows(t, figures.returns, tuple((total.kind, total.count, total.amount_fen) for total in figures.refunds), width),
    ]
    return "\n".join(rows) + "\n"


def print_x(shop: Shop, state: LaneState, figures: Report) -> bool:
    """An X is no record: it is printed at once or not at all."""
    try:
        shop.printer.print_text(f"{shop.store.device.store}-{shop.lane}-x", x_text(shop, state, figures))
    except OSError:
        return False
    return True


def _figure_rows(
    t: dict[str, str], sales: int, cancelled: int, total_fen: int, rounding_fen: int,
    tenders: tuple[tuple[str, int, int], ...], width: int,
) -> list[str]:  # fmt: skip
    return [
        two_sides(t["z.sales"], str(sales), width),
        two_sides(t["z.cancelled"], str(cancelled), width),
        two_sides(t["z.total"], format_yuan(total_fen), width),
        two_sides(t["receipt.rounding"], format_yuan(rounding_fen), width),
        *[two_sides(f"{t['tender.' + kind]} x{count}", format_yuan(fen), width) for kind, count, fen in tenders],
    ]
