"""The coupons that a sale gave, as they are when its goods come back."""

from pos_app.domain.events import Sale
from pos_app.domain.plain import from_json
from pos_app.domain.return_terms import part_fen
from pos_app.domain.return_values import CouponNow
from pos_app.domain.returns import before_of
from store_db import coupons, returns
from store_db.connection import Connection

USES = "SELECT payload FROM coupon_uses JOIN journal ON journal.id = coupon_uses.id WHERE code = ? ORDER BY coupon_uses.id"


def coupons_now(connection: Connection, sale: Sale) -> tuple[CouponNow, ...]:
    """Void, spent, and what it saved, of every coupon that a sale gave."""
    return tuple(_now(connection, issued.code, issued.promotion) for issued in sale.issued or ())


def _now(connection: Connection, code: str, promotion: str) -> CouponNow:
    coupon = coupons.find(connection, code)
    if coupon is None:
        return CouponNow(code)
    saved_fen = sum(_saved_fen(connection, from_json(Sale, row[0]), promotion) for row in connection.execute(USES, (code,)))
    return CouponNow(code, coupon.is_void, bool(coupon.used_by), len(coupon.used_by) >= coupon.uses_max, saved_fen)


def _saved_fen(connection: Connection, sale: Sale, promotion: str) -> int:
    """What a coupon saved on the goods of a sale that are kept: what came back there was refunded without it."""
    back = before_of(returns.of_sale(connection, sale.series_no, sale.counter)).units
    saved_fen = 0
    for n, line in enumerate(sale.lines):
        fen = sum(share.fen for share in line.shares or () if share.promotion == promotion)
        saved_fen += fen - part_fen(fen, line.quantity, back.get(n, 0))
    return saved_fen
