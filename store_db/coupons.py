"""Coupons by code: issued with a sale or claimed from a poster, each use, and those made void."""

import json
from typing import Any

from pos_app.domain.coupons import Coupon
from pos_app.domain.events import Header
from store_db import hq_rows
from store_db.connection import Connection
from store_db.reservations import COUPON

Payload = dict[str, Any]


def project_sale(connection: Connection, entry_id: int, header: Header, sale: Payload) -> None:
    """The codes a sale used up and those it gave."""
    alias = sale.get("customer", "")
    uses = [(code, entry_id, alias) for code in sale.get("coupons", ())]
    connection.executemany("INSERT INTO coupon_uses VALUES (?,?,?)", uses)
    issued = [(c["code"], c["promotion"], c["expires"], c["uses"], "", entry_id) for c in sale.get("issued", ())]
    connection.executemany("INSERT INTO coupons VALUES (?,?,?,?,?,?)", issued)


def project_claimed(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    row = (payload["code"], payload["promotion"], payload["expires"], 1, payload["alias"], entry_id)
    connection.execute("INSERT INTO coupons VALUES (?,?,?,?,?,?)", row)


def project_voided(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    put_void(connection, entry_id, payload["code"], payload["reason"])


def put_void(connection: Connection, entry_id: int, code: str, reason: str) -> None:
    connection.execute("INSERT INTO coupon_voids VALUES (?,?,?)", (code, entry_id, reason))


def find(connection: Connection, code: str, draft_id: int = 0) -> Coupon | None:
    """A code that this store issued, that was claimed here, or that HQ lets this device redeem alone, as another basket than

    this draft sees it."""
    row = connection.execute("SELECT code, promotion, expires, uses, holder FROM coupons WHERE code = ?", (code,)).fetchone()
    coupon = Coupon(*row) if row else _token(connection, code)
    return as_used(connection, coupon, draft_id) if coupon else None


def _token(connection: Connection, code: str) -> Coupon | None:
    """A coupon token of HQ's for this device."""
    held = hq_rows.holding(connection, hq_rows.COUPON_TOKENS, code)
    if held is None or held.problem:
        return None
    token = json.loads(held.body)
    (device,) = connection.execute("SELECT device FROM device").fetchone()
    if token["device"] != bytes(device).hex():
        return None
    return Coupon(code, token["promotion"], token["expires"], token.get("uses", 1), token.get("holder", ""))


def as_used(connection: Connection, coupon: Coupon, draft_id: int = 0) -> Coupon:
    """A coupon with what this store knows of its uses, reservations and end."""
    code = coupon.code
    used_by = connection.execute("SELECT alias FROM coupon_uses WHERE code = ? ORDER BY id", (code,)).fetchall()
    reserved = connection.execute(
        "SELECT count(*) FROM reservations WHERE kind = ? AND name = ? AND draft_id != ?", (COUPON, code, draft_id)
    ).fetchone()[0]
    is_void = connection.execute("SELECT 1 FROM coupon_voids WHERE code = ?", (code,)).fetchone() is not None
    return coupon._replace(used_by=tuple(row[0] for row in used_by), reserved=reserved, is_void=is_void)
