"""The tables that HQ makes of events. A row is inserted once under its event's uid, or merged into what is there.

Merging is a sum or a maximum, so that it does not matter in which order the devices' events arrive: the same log always
gives the same tables. Money in fen, goods in units (grams where they are weighed).
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from sync.hq_server.tables import metadata

SUM, MAX = "sum", "max"


def _key(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _plain(*names: str, kind: Any = BigInteger) -> list[Column[Any]]:
    return [Column(name, kind, nullable=False) for name in names]


def _merged(how: str, *names: str, kind: Any = BigInteger) -> list[Column[Any]]:
    return [Column(name, kind, nullable=False, info={"merge": how}) for name in names]


receipts = Table(
    "receipts", metadata, _key("store"), _key("uid", LargeBinary), *_plain("kind", "number", kind=Text),
    *_plain("business_date", "lane", "staff", "alias", "about", kind=Text),
    *_plain("shift_no", "total_fen", "discount_fen", "rounding_fen", "items", "wall_ms"),
    Index("receipts_by_day", "store", "business_date"),
)  # fmt: skip
store_days = Table(
    "store_days", metadata, _key("store"), _key("business_date"), _key("lane"),
    *_merged(SUM, "sales", "returns", "cancelled", "items", "sales_fen", "discount_fen", "rounding_fen", "refunded_fen"),
)  # fmt: skip
day_tenders = Table(
    "day_tenders", metadata, _key("store"), _key("business_date"), _key("lane"), _key("kind"),
    *_merged(SUM, "times", "taken_fen", "refunded_fen"),
)  # fmt: skip
day_taxes = Table(
    "day_taxes", metadata, _key("store"), _key("business_date"), _key("tax_code"), _key("rate_bp", BigInteger),
    *_merged(SUM, "net_fen", "tax_fen"),
)  # fmt: skip
shifts_closed = Table(
    "shifts_closed", metadata, _key("store"), _key("uid", LargeBinary), *_plain("business_date", "lane", "staff", kind=Text),
    *_plain("shift_no", "sales", "returns", "total_fen", "rounding_fen", "refunded_fen"),
    *_plain("counted_fen", "expected_fen", "difference_fen"), Index("shifts_closed_by_day", "store", "business_date"),
)  # fmt: skip
stock = Table("stock", metadata, _key("store"), _key("sku"), *_merged(SUM, "quantity"))
points = Table(
    "points", metadata, _key("alias"), _key("card"), _key("lot"), *_merged(SUM, "points"), *_merged(MAX, "expires", kind=Text)
)
coupons = Table(
    "coupons", metadata, _key("code"), *_merged(MAX, "promotion", kind=Text), *_merged(MAX, "uses_max"), *_merged(SUM, "voids")
)
coupon_uses = Table(
    "coupon_uses", metadata, _key("code"), _key("store"), _key("uid", LargeBinary), *_plain("number", "alias", kind=Text),
    *_plain("saved_fen"),
)  # fmt: skip
promotion_uses = Table("promotion_uses", metadata, _key("store"), _key("promotion"), *_merged(SUM, "times", "fen", "allowed"))
resolutions = Table(
    "resolutions", metadata, _key("store"), _key("uid", LargeBinary), *_plain("about", "how", "staff", kind=Text),
    Index("resolutions_about", "store", "about"),
)  # fmt: skip

PROJECTED = (
    receipts, store_days, day_tenders, day_taxes, shifts_closed, stock, points, coupons, coupon_uses, promotion_uses,
    resolutions,
)  # fmt: skip
