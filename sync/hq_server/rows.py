"""From an event to rows: one pure function a kind. Nothing is looked up, so that the order of arrival cannot matter."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from sqlalchemy import Table

from pos_app.domain import events
from pos_app.domain.coupons import uses_of
from pos_app.domain.events import KINDS, Header, return_is_whole, sale_is_whole
from pos_app.domain.first_n import applications
from sync.hq_server import bodies
from sync.hq_server import projected_tables as to
from sync.hq_server.bodies import check_header, read
from sync.protocol import WireEvent

COUPON_STAGE = 4
Row = tuple[Table, tuple[Any, ...]]
Rule = Callable[[str, Header, bytes], Iterator[Row]]


class NotWhole(Exception):
    """A sale or return whose own sums do not hold."""


def is_known(kind: str, schema: int) -> bool:
    """Whether this version knows the kind, and this schema of it; what it does not know waits for one that does."""
    known = KINDS.get(kind)
    return known is not None and schema <= known.schema


def rows_of(store: str, event: WireEvent, *, accept: bool = False) -> list[Row]:
    """Every row of one event. BrokenBody, or NotWhole unless somebody at HQ took it as it is (`accept`)."""
    rule = RULES.get(event.header.kind)
    if rule is None:
        return []
    check_header(event.header)
    if not accept:
        _check_sums(event)
    return list(rule(store, event.header, event.payload))


def _check_sums(event: WireEvent) -> None:
    """The shop's own rules, over HQ's bodies: they have the fields that the rules read."""
    number = ""
    if event.header.kind == events.Sale.kind:
        sale = read(bodies.Sale, event.payload)
        number = "" if sale_is_whole(cast(events.Sale, sale)) else sale.number
    elif event.header.kind == events.Return.kind:
        back = read(bodies.Return, event.payload)
        number = "" if return_is_whole(cast(events.Return, back)) else back.number
    if number:
        raise NotWhole(f"{event.header.kind} {number} does not add up")


# ------------------------------------------------------------------ sales and returns


def _sale(store: str, header: Header, payload: bytes) -> Iterator[Row]:
    sale = read(bodies.Sale, payload)
    day = store, header.business_date, header.lane
    yield to.receipts, (
        store, header.uid, "sale", sale.number, *day[1:], sale.staff, sale.customer, "", sale.shift_no, sale.total_fen,
        sale.discount_fen, sale.rounding_fen, sale.item_count, header.wall_ms,
    )  # fmt: skip
    yield to.store_days, (*day, 1, 0, 0, sale.item_count, sale.total_fen, sale.discount_fen, sale.rounding_fen, 0)
    for tender in sale.tenders:
        yield to.day_tenders, (*day, tender.kind, 1, tender.amount_fen, 0)
    for tax in sale.taxes:
        yield to.day_taxes, (*day[:2], tax.tax_code, tax.rate_bp, tax.net_fen, tax.tax_fen)
    for line in sale.lines:
        yield to.stock, (store, line.sku, -line.goods)
    for gift in sale.gifts:
        yield to.stock, (store, gift.sku, -gift.quantity)
    yield from _member_points(sale.customer, sale.points, sale.punches)
    yield from _sale_coupons(store, header, sale)
    for offer in sale.offers:
        yield to.promotion_uses, (store, offer.promotion, applications(offer.stage, offer.times), offer.saving_fen, 0)


def _sale_coupons(store: str, header: Header, sale: bodies.Sale) -> Iterator[Row]:
    saved_fen = sum(offer.saving_fen for offer in sale.offers if offer.stage == COUPON_STAGE)
    for code in sale.coupons:
        yield to.coupons, (code, "", uses_of(code), 0)
        yield to.coupon_uses, (code, store, header.uid, sale.number, sale.customer, saved_fen)
    for issued in sale.issued:
        yield to.coupons, (issued.code, issued.promotion, issued.uses, 0)


def _return(store: str, header: Header, payload: bytes) -> Iterator[Row]:
    back = read(bodies.Return, payload)
    day, units = (store, header.business_date, header.lane), sum(line.units for line in back.lines)
    refunded_fen = sum(refund.amount_fen for refund in back.refunds)
    yield to.receipts, (
        store, header.uid, "return", back.number, *day[1:], back.staff, back.customer, back.sale_number, back.shift_no,
        -refunded_fen, 0, back.rounding_fen, -units, header.wall_ms,
    )  # fmt: skip
    yield to.store_days, (*day, 0, 1, 0, -units, 0, 0, 0, refunded_fen)
    for refund in back.refunds:
        yield to.day_tenders, (*day, refund.kind, 1, 0, refund.amount_fen)
    for tax in back.taxes:
        yield to.day_taxes, (*day[:2], tax.tax_code, tax.rate_bp, -tax.net_fen, -tax.tax_fen)
    for line in back.lines:
        if not line.to_waste:  # waste left the stock when it was sold
            yield to.stock, (store, line.sku, line.goods)
    for gift in back.gifts:
        yield to.stock, (store, gift.sku, gift.quantity)
    yield from _member_points(back.customer, back.points, back.punches)
    for code in back.coupons:
        yield to.coupons, (code, "", uses_of(code), 1)


def _cancelled(store: str, header: Header, payload: bytes) -> Iterator[Row]:
    sale = read(bodies.Cancelled, payload)
    day = header.business_date, header.lane
    yield to.receipts, (
        store, header.uid, "cancelled", sale.number, *day, sale.staff, "", "", sale.shift_no, 0, 0, 0, 0, header.wall_ms,
    )  # fmt: skip
    yield to.store_days, (store, *day, 0, 0, 1, 0, 0, 0, 0, 0)


def _closed(store: str, header: Header, payload: bytes) -> Iterator[Row]:
    z = read(bodies.Closed, payload)
    yield to.shifts_closed, (
        store, header.uid, header.business_date, header.lane, z.staff, z.shift_no, z.sales, z.returns, z.total_fen,
        z.rounding_fen, z.refunded_fen, z.counted_fen, z.expected_fen, z.difference_fen,
    )  # fmt: skip


# ------------------------------------------------------------------ stock, points, coupons, offers


def _stock_moved(store: str, header: Header, payload: bytes) -> Iterator[Row]:
    for move in read(bodies.Moved, payload).moves:
        yield to.stock, (store, move.sku, move.quantity)


def _points_moved(store: str, header: Header, payload: bytes) -> Iterator[Row]:
    body = read(bodies.PointsMoved, payload)
    yield from _member_points(body.alias, body.moves)


def _member_points(alias: str, moves: Iterable[bodies.Points], punches: Sequence[bodies.Points] = ()) -> Iterator[Row]:
    """Points under the empty card, stamps under the name of their card."""
    for move in moves:
        yield to.points, (alias, "", move.lot, move.points, move.expires)
    for punch in punches:
        yield to.points, (alias, punch.rule, punch.lot, punch.points, punch.expires)


def _claimed(store: str, header: Header, payload: bytes) -> Iterator[Row]:
    body = read(bodies.Claimed, payload)
    yield to.coupons, (body.code, body.promotion, 1, 0)


def _voided(store: str, header: Header, payload: bytes) -> Iterator[Row]:
    code = read(bodies.Voided, payload).code
    yield to.coupons, (code, "", uses_of(code), 1)


def _allowance(store: str, header: Header, payload: bytes) -> Iterator[Row]:
    body = read(bodies.Allowance, payload)
    yield to.promotion_uses, (store, body.promotion, 0, 0, body.quantity)


def _resolved(store: str, header: Header, payload: bytes) -> Iterator[Row]:
    body = read(bodies.Resolved, payload)
    yield to.resolutions, (store, header.uid, body.uid, body.how, body.staff)


RULES: dict[str, Rule] = {
    "sale": _sale,
    "return": _return,
    "sale_cancelled": _cancelled,
    "shift_closed": _closed,
    "stock_moved": _stock_moved,
    "points_moved": _points_moved,
    "coupon_claimed": _claimed,
    "coupon_voided": _voided,
    "allowance_given": _allowance,
    "exception_resolved": _resolved,
}
