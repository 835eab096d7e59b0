"""From events to tables: kind -> functions. The same projectors run at append and in `pos verify`.

A projector gets the open connection, the journal id, the header and the payload as plain JSON. It decides nothing.
"""

from collections.abc import Callable
from typing import Any

from pos_app.domain.events import Header
from store_db import coupons, hand_over, members, points, promotions, returns, sales, series, shifts, stock
from store_db.connection import Connection

Projector = Callable[[Connection, int, Header, dict[str, Any]], None]

PROJECTORS: dict[str, tuple[Projector, ...]] = {
    "epoch_opened": (series.project_epoch,),
    "series_opened": (series.project_series,),
    "sale": (
        sales.project_sale, stock.project_sale, members.project_sale, points.project_sale, coupons.project_sale,
        promotions.project_sale,
    ),
    "sale_cancelled": (sales.project_cancelled,),
    "number_taken": (sales.project_number_taken,),
    "shift_opened": (shifts.project_opened,),
    "shift_closed": (shifts.project_closed,),
    "stock_moved": (stock.project_moved,),
    "member_joined": (members.project_joined,),
    "points_moved": (points.project_moved, members.project_moved),
    "tier_changed": (members.project_tier,),
    "gift_collected": (members.project_collected,),
    "coupon_claimed": (coupons.project_claimed, members.project_claimed),
    "coupon_voided": (coupons.project_voided,),
    "allowance_given": (promotions.project_allowance,),
    "refund_settled": (returns.project_settled,),
    "handed_over": (hand_over.project_handed,),
    "return": (returns.project_return, stock.project_return, members.project_return, points.project_return),
}  # fmt: skip
PROJECTED_TABLES = (
    "epochs", "series", "receipts", "tenders", "shifts", "stock_moves", "member_acts", "member_tiers", "gifts_due",
    "points_entries", "coupons", "coupon_uses", "coupon_voids", "promotion_uses", "allowances", "returns", "refunds",
    "handed_over",
)  # fmt: skip


def project(connection: Connection, entry_id: int, header: Header, payload: dict[str, Any]) -> None:
    """Run a kind's projectors. A kind without any is carried in the journal and changes no table."""
    for projector in PROJECTORS.get(header.kind, ()):
        projector(connection, entry_id, header, payload)
