"""From an event to rows: one pure function a kind. Nothing is looked up, so that the order of arrival cannot matter."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Table

from pos_app.domain.coupons import uses_of
from pos_app.domain.events import KINDS, Header, return_is_whole, sale_is_whole
from pos_app.domain.first_n import applications
from sync.hq_server import bodies
from sync.hq_server import projected_tables as to
from sync.hq_server.bodies import check_header, read
from sync.protocol import WireEvent

COUPON_STAGE = 4
Row = tuple[Table, tuple[Any, ...]]
Rule = Callable[[str, Header, Any], Iterator[Row]]  # of a store, an event's header and its body


class NotWhole(Exception):
    """A sale or return whose own sums do not hold."""


def is_known(kind: str, schema: int) -> bool:
    """Whether this version knows the kind, and this schema of it; what it does not know waits for one that does."""
    known = KINDS.get(kind)
    return known is not None and schema <= known.schema


def rows_of(store: str, event: WireEvent, *, accept: bool = False) -> list[Row]:
    """Every row of one event. BrokenBody, or NotWhole unless somebody at HQ took it as it is (`accept`)."""
    if event.header.kind not in RULES:
        return []
    cls, rule = RULES[event.header.kind]
    check_header(event.header)
    body = read(cls, event.payload)
    if not accept:
        _check_sums(event.header.kind, body)
    return list(rule(store, event.header, body))


def _check_sums(kind: str, body: Any) -> None:
    """The shop's own rules, over HQ's bodies: they have the fields that the rules read."""
    is_whole = WHOLE.get(kind)
    if is_whole is not None and not is_whole(body):
        raise NotWhole(f"{kind} {body.number} does not add up")


# ------------------------------------------------------------------ sales and returns


def _sale(store: str, header: Header, sale: bodies.Sale) -> Iterator[Row]:
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


def _return(store: str, header: Header, back: bodies.Return) -> Iterator[Row]:
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


def _cancelled(store: str, header: Header, sale: bodies.Cancelled) -> Iterator[Row]:
    day = header.business_date, header.lane
    yield to.receipts, (
        store, header.uid, "cancelled", sale.number, *day, sale.staff, "", "", sale.shift_no, 0, 0, 0, 0, header.wall_ms,
    )  # fmt: skip
    yield to.store_days, (store, *day, 0, 0, 1, 0, 0, 0, 0, 0)


def _closed(store: str, header: Header, z: bodies.Closed) -> Iterator[Row]:
    yield to.shifts_closed, (
        store, header.uid, header.business_date, header.lane, z.staff, z.shift_no, z.sales, z.returns, z.total_fen,
        z.rounding_fen, z.refunded_fen, z.counted_fen, z.expected_fen, z.difference_fen,
    )  # fmt: skip


# ------------------------------------------------------------------ stock, points, coupons, offers


def _stock_moved(store: str, header: Header, body: bodies.Moved) -> Iterator[Row]:
    for move in body.moves:
        yield to.stock, (store, move.sku, move.quantity)


def _points_moved(store: str, header: Header, body: bodies.PointsMoved) -> Iterator[Row]:
    yield from _member_points(body.alias, body.moves)


def _member_points(alias: str, moves: Iterable[bodies.Points], punches: Sequence[bodies.Points] = ()) -> Iterator[Row]:
    """Points under the empty card, stamps under the name of their card."""
    for move in moves:
        yield to.points, (alias, "", move.lot, move.points, move.expires)
    for punch in punches:
        yield to.points, (alias, punch.rule, punch.lot, punch.points, punch.expires)


def _claimed(store: str, header: Header, body: bodies.Claimed) -> Iterator[Row]:
    yield to.coupons, (body.code, body.promotion, 1, 0)


def _voided(store: str, header: Header, body: bodies.Voided) -> Iterator[Row]:
    yield to.coupons, (body.code, "", uses_of(body.code), 1)


def _allowance(store: str, header: Header, body: bodies.Allowance) -> Iterator[Row]:
    yield to.promotion_uses, (store, body.promotion, 0, 0, body.quantity)


def _resolved(store: str, header: Header, body: bodies.Resolved) -> Iterator[Row]:
    yield to.resolutions, (store, header.uid, body.uid, body.how, body.staff)


RULES: dict[str, tuple[type[Struct], Rule]] = {
    "sale": (bodies.Sale, _sale),
    "return": (bodies.Return, _return),
    "sale_cancelled": (bodies.Cancelled, _cancelled),
    "shift_closed": (bodies.Closed, _closed),
    "stock_moved": (bodies.Moved, _stock_moved),
    "points_moved": (bodies.PointsMoved, _points_moved),
    "coupon_claimed": (bodies.Claimed, _claimed),
    "coupon_voided": (bodies.Voided, _voided),
    "allowance_given": (bodies.Allowance, _allowance),
    "exception_resolved": (bodies.Resolved, _resolved),
}
WHOLE: dict[str, Callable[[Any], bool]] = {"sale": sale_is_whole, "return": return_is_whole}
