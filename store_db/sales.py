"""Receipts and tenders: what the journal's sales, cancels and taken numbers project to, and queries over them."""

import json
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from pos_app.domain.events import Header
from pos_app.domain.pricing.model import TaxShare
from pos_app.domain.shift import SaleFigures
from pos_app.domain.tender import Tender
from store_db import series
from store_db.connection import Connection

Payload = dict[str, Any]
# A number that was taken before moves forward to paid or cancelled; a paid or cancelled one never changes again.
PUT_RECEIPT = """
INSERT INTO receipts VALUES (?,?,?,?,?,?,?,?,?,?,?,?)
ON CONFLICT (series_no, counter) DO UPDATE SET
    state = excluded.state, journal_id = excluded.journal_id, shift_no = excluded.shift_no,
    business_date = excluded.business_date, list_fen = excluded.list_fen, discount_fen = excluded.discount_fen,
    rounding_fen = excluded.rounding_fen, total_fen = excluded.total_fen, item_count = excluded.item_count,
    taxes = excluded.taxes
WHERE state = 'taken'
"""


def project_sale(connection: Connection, entry_id: int, header: Header, sale: Payload) -> None:
    taxes = json.dumps([[t["tax_code"], t["rate_bp"], t["net_fen"], t["tax_fen"]] for t in sale["taxes"]])
    _put(connection, (
        sale["series_no"], sale["counter"], "paid", entry_id, sale["shift_no"], header.business_date, sale["list_fen"],
        sale["discount_fen"], sale["rounding_fen"], sale["total_fen"], sale["item_count"], taxes,
    ))  # fmt: skip
    connection.executemany(
        "INSERT INTO tenders VALUES (?,?,?,?,?,?,?)",
        [
            (entry_id, n, t["kind"], t["amount_fen"], t["tendered_fen"], t["change_fen"], t["reference"])
            for n, t in enumerate(sale["tenders"], 1)
        ],
    )


def project_cancelled(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    _put(connection, (
        payload["series_no"], payload["counter"], "cancelled", entry_id, payload["shift_no"], header.business_date,
        0, 0, 0, 0, 0, "[]",
    ))  # fmt: skip


def project_number_taken(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    _put(connection, (
        payload["series_no"], payload["counter"], "taken", entry_id, 0, header.business_date, 0, 0, 0, 0, 0, "[]",
    ))  # fmt: skip


def _put(connection: Connection, row: tuple[Any, ...]) -> None:
    if connection.execute(PUT_RECEIPT, row).rowcount != 1:
        raise RuntimeError(f"receipt number {row[0]}/{row[1]} is used twice")


def is_paid(connection: Connection, store: str, number: str) -> bool:
    """Whether a number on paper, in upper case, is of a sale of this file."""
    head, _, counter = number.rpartition("-")
    for series_no, (lane, code) in series.codes(connection).items():
        if head == f"{store}-{lane}-{code}".upper() and counter.isdigit():
            sql = "SELECT 1 FROM receipts WHERE series_no = ? AND counter = ? AND state = 'paid'"
            return connection.execute(sql, (series_no, int(counter))).fetchone() is not None
    return False


def shift_figures(connection: Connection, shift_no: int) -> Iterator[SaleFigures]:
    """The receipts of a shift, whatever series their numbers are from."""
    for row in connection.execute("SELECT * FROM receipts WHERE shift_no = ?", (shift_no,)):
        yield _figures(connection, row)


def _figures(connection: Connection, row: Any) -> SaleFigures:
    return SaleFigures(
        state=row["state"],
        list_fen=row["list_fen"],
        discount_fen=row["discount_fen"],
        rounding_fen=row["rounding_fen"],
        total_fen=row["total_fen"],
        item_count=row["item_count"],
        taxes=tuple(TaxShare(*share) for share in json.loads(row["taxes"])),
        tenders=tuple(_tenders(connection, row["journal_id"])),
    )


def _tenders(connection: Connection, journal_id: int) -> Iterator[Tender]:
    sql = "SELECT kind, amount_fen, tendered_fen, change_fen, reference FROM tenders WHERE journal_id = ? ORDER BY n"
    return (Tender(*row) for row in connection.execute(sql, (journal_id,)))


def sales_on(connection: Connection, lane: str, date: str) -> int:
    """A lane's sales on a business date, read from the journal's end and no further than that date."""
    rows = connection.execute("SELECT kind, lane, business_date FROM journal ORDER BY id DESC")
    return sum(kind == "sale" and where == lane for kind, where, _ in takewhile(lambda row: row[2] >= date, rows))


def last_sale_id(connection: Connection, lane: str) -> int | None:
    """Journal id of a lane's newest sale."""
    sql = "SELECT id FROM journal WHERE kind = 'sale' AND lane = ? ORDER BY id DESC LIMIT 1"
    row = connection.execute(sql, (lane,)).fetchone()
    return int(row[0]) if row else None
