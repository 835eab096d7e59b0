"""Returns, proved without the code that plans them: no unit twice, no fen more than was paid, and all of it in the end."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from pos_app.domain.events import Refund, Return, Sale, return_is_whole
from pos_app.domain.plain import from_json
from pos_app.domain.tender import Payment, Tender
from store_db import hand_over
from store_db.connection import Connection

CASH = Payment("cash", "")

SALE_OF = """
SELECT journal.uid, journal.payload FROM receipts JOIN journal ON journal.id = receipts.journal_id
WHERE receipts.series_no = ? AND receipts.counter = ? AND receipts.state = 'paid' AND journal.kind = 'sale'
"""


@dataclass(slots=True)
class SaleSoFar:
    """What came back of one sale by now. `is_shared`: it was handed over, and other files may hold returns of it."""

    sale: Sale
    is_shared: bool = False
    units: Counter[int] = field(default_factory=Counter)
    line_fen: Counter[int] = field(default_factory=Counter)
    tax_fen: Counter[tuple[str, int]] = field(default_factory=Counter)
    by_payment: Counter[Payment] = field(default_factory=Counter)
    refunded_fen: int = 0
    worth_fen: int = 0  # of what came back, before gifts and coupons are taken off


@dataclass(slots=True)
class ReturnsSoFar:
    """The returns seen on the way through the journal; `shifts` is shift -> [returns, fen given back]."""

    connection: Connection
    add: Callable[[str], None]
    sales: dict[tuple[int, int], SaleSoFar] = field(default_factory=dict)
    shifts: dict[int, list[int]] = field(default_factory=dict)
    # (return number, payment behind it) -> fen not yet found in the sale it paid for
    exchanged: Counter[tuple[str, Payment | None]] = field(default_factory=Counter)

    def see_sale(self, sale: Sale) -> None:
        """What a sale was paid with goods that came back."""
        for tender in sale.tenders:
            if tender.kind == "exchange":
                self.exchanged[tender.reference, tender.behind] -= tender.amount_fen

    def finish(self) -> None:
        """Every exchange stands on both sides, in the return and in the sale."""
        for (number, _), fen in self.exchanged.items():
            if fen:
                self.add(f"return {number}: {fen} fen exchanged that no sale was paid with")

    def see(self, entry_id: int, back: Return) -> None:
        """Check one return against its sale and the returns before it."""
        sums = self.shifts.setdefault(back.shift_no, [0, 0])
        sums[0] += 1
        sums[1] += sum(refund.amount_fen for refund in back.refunds)
        for refund in back.refunds:
            if refund.kind == "exchange":
                self.exchanged[back.number, refund.behind] += refund.amount_fen
        if not return_is_whole(back):
            self.add(f"event {entry_id}: return {back.number} does not add up")
        if back.sale and back.sale_counter:  # a sale of another file is proved at HQ, which has all of its returns
            so_far = self._sale(entry_id, back)
            if so_far is not None:
                _count(so_far, back)
                for problem in (*_problems(so_far), *_worth(so_far, back)):
                    self.add(f"event {entry_id}: return {back.number}: {problem}")

    def of_shift(self, shift_no: int) -> list[int]:
        return self.shifts.get(shift_no, [0, 0])

    def _sale(self, entry_id: int, back: Return) -> SaleSoFar | None:
        key = (back.sale_series_no, back.sale_counter)
        if key not in self.sales:
            row = self.connection.execute(SALE_OF, key).fetchone()
            if row is None or bytes(row[0]).hex() != back.sale:
                self.add(f"event {entry_id}: return {back.number} names a sale that is not there")
                return None
            sale = from_json(Sale, row[1])
            is_shared = hand_over.is_handed_over(self.connection, hand_over.SALE, sale.number.upper())
            self.sales[key] = SaleSoFar(sale, is_shared)
        return self.sales[key]


def _count(so_far: SaleSoFar, back: Return) -> None:
    for line in back.lines:
        so_far.units[line.line] += line.units
        so_far.line_fen[line.line] += line.refund_fen
    for share in back.taxes:
        so_far.tax_fen[share.tax_code, share.rate_bp] += share.tax_fen
    for refund in back.refunds:
        so_far.by_payment[_payment(refund)] += refund.amount_fen
        so_far.refunded_fen += refund.amount_fen


def _problems(so_far: SaleSoFar) -> list[str]:
    sale, found = so_far.sale, []
    if any(not 0 <= n < len(sale.lines) for n in so_far.units):
        return ["a line that the sale has not"]
    for n, units in so_far.units.items():
        line, fen = sale.lines[n], so_far.line_fen[n]
        if units > line.quantity:
            found.append(f"{units} units of line {n} came back, {line.quantity} were bought")
        if fen > line.net_fen or (units == line.quantity and fen != line.net_fen):
            found.append(f"{fen} fen for {units} of {line.quantity} units of line {n}, which cost {line.net_fen}")
    if so_far.refunded_fen > sale.total_fen + sale.rounding_fen:
        found.append(f"{so_far.refunded_fen} fen were given back of {sale.total_fen + sale.rounding_fen}")
    return found + _outside(so_far) + _taxes(so_far)


def _worth(so_far: SaleSoFar, back: Return) -> list[str]:
    """What came back is worth the price less what is kept (its shares, or its price alone), and no less than before.

    Of a sale that other files return too, this file knows but a part, which is worth no more than that.
    """
    sale, found = so_far.sale, []
    kept_fen = sale.total_fen - so_far.line_fen.total() if back.kept_fen is None else back.kept_fen
    due_fen = max(so_far.worth_fen, sale.total_fen - kept_fen)
    so_far.worth_fen += back.goods_fen - (back.repriced_fen or 0)
    is_known = not so_far.is_shared or back.kept_fen is not None
    if is_known and (so_far.worth_fen > due_fen or (so_far.worth_fen < due_fen and not so_far.is_shared)):
        found.append(f"{so_far.worth_fen} fen for what came back, {due_fen} are due")
    if kept_fen < 0 or (back.kept_fen is not None and sale.priced_for is None):
        found.append("priced again, and its sale was not made for that")
    if sale.priced_for and back.kept_fen is None and not back.by_shares and not (so_far.is_shared or _is_whole(so_far)):
        found.append("shares were refunded, and not why")
    return found


def _is_whole(so_far: SaleSoFar) -> bool:
    return all(so_far.units[n] == line.quantity for n, line in enumerate(so_far.sale.lines))


def _outside(so_far: SaleSoFar) -> list[str]:
    """No payment gave back or passed on to another sale more than it was; nor did cash."""
    paid: Counter[Payment] = Counter()
    for tender in so_far.sale.tenders:
        paid[_payment(tender)] += tender.amount_fen
    backs = so_far.by_payment.items()
    over = ((f"{one.kind} {one.reference}".rstrip(), fen, paid[one]) for one, fen in backs if fen > paid[one])
    return [f"{fen} fen back by {payment}, {paid_fen} were paid" for payment, fen, paid_fen in over]


def _payment(part: Tender | Refund) -> Payment:
    """The payment outside that a part of the money belongs to; what was exchanged for cash is cash."""
    if part.behind is not None:
        return part.behind
    return CASH if part.kind in ("cash", "exchange") else Payment(part.kind, part.reference)


def _taxes(so_far: SaleSoFar) -> list[str]:
    """All VAT is taken back when all goods are, and never more than there was, or than another file's return added."""
    sale, is_whole = so_far.sale, _is_whole(so_far)
    if so_far.is_shared and sale.priced_for:
        return []
    due = {(share.tax_code, share.rate_bp): share.tax_fen for share in sale.taxes}
    backs = ((key, so_far.tax_fen[key], due.get(key, 0)) for key in due.keys() | so_far.tax_fen.keys())
    return [f"tax {key[0]}: {back} fen back of {tax}" for key, back, tax in backs if back > tax or (is_whole and back != tax)]
