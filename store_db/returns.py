"""Returns and their refunds: what the journal's returns project to, and queries over them."""

import json
from typing import Any

from pos_app.domain.events import Header, Return
from pos_app.domain.plain import from_json
from pos_app.domain.pricing.model import TaxShare
from pos_app.domain.shift import ReturnFigures
from store_db.connection import Connection

Payload = dict[str, Any]


def project_return(connection: Connection, entry_id: int, header: Header, back: Payload) -> None:
    """Raises RuntimeError when the number is a receipt's."""
    number = back["series_no"], back["counter"]
    if connection.execute("SELECT 1 FROM receipts WHERE series_no = ? AND counter = ?", number).fetchone():
        raise RuntimeError(f"receipt number {number[0]}/{number[1]} is used twice")
    taxes = json.dumps([[t["tax_code"], t["rate_bp"], t["net_fen"], t["tax_fen"]] for t in back["taxes"]])
    connection.execute("INSERT INTO returns VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", (
        *number, entry_id, back["lane"], back["shift_no"], header.business_date, back["sale_series_no"], back["sale_counter"],
        back["goods_fen"], back["withheld_fen"], back["rounding_fen"], sum(line["units"] for line in back["lines"]), taxes,
        int(back.get("flagged", False)),
    ))  # fmt: skip
    connection.executemany(
        "INSERT INTO refunds VALUES (?,?,?,?,?,?)",
        [(entry_id, n, r["kind"], r["amount_fen"], r["state"], r["reference"]) for n, r in enumerate(back["refunds"], 1)],
    )


def project_settled(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    """Refunds that waited are done; a return without any is a broken event."""
    done = connection.execute(
        "UPDATE refunds SET state = 'done' WHERE state = 'queued' AND journal_id = "
        "(SELECT journal_id FROM returns WHERE series_no = ? AND counter = ?)",
        (payload["series_no"], payload["counter"]),
    )
    if done.rowcount == 0:
        raise RuntimeError(f"no refund of return {payload['number']} waits")


def of_sale(connection: Connection, series_no: int, counter: int) -> list[Return]:
    """The returns of one sale, in their order."""
    sql = (
        "SELECT payload FROM returns JOIN journal ON journal.id = journal_id "
        "WHERE sale_series_no = ? AND sale_counter = ? ORDER BY journal_id"
    )
    return [from_json(Return, payload) for (payload,) in connection.execute(sql, (series_no, counter))]


def shift_figures(connection: Connection, shift_no: int) -> list[ReturnFigures]:
    """The returns of a shift."""
    sql = "SELECT journal_id, units, taxes FROM returns WHERE shift_no = ?"
    return [
        ReturnFigures(units, tuple(TaxShare(*share) for share in json.loads(taxes)), _refunds(connection, journal_id))
        for journal_id, units, taxes in connection.execute(sql, (shift_no,)).fetchall()
    ]


def _refunds(connection: Connection, journal_id: int) -> tuple[tuple[str, int], ...]:
    sql = "SELECT kind, amount_fen FROM refunds WHERE journal_id = ? ORDER BY n"
    return tuple((kind, fen) for kind, fen in connection.execute(sql, (journal_id,)))


def without_receipt_fen(connection: Connection, business_date: str) -> int:
    """What was given back on a day without a receipt, at all lanes of this file."""
    sql = "SELECT ifnull(sum(goods_fen), 0) FROM returns WHERE business_date = ? AND flagged = 1"
    return int(connection.execute(sql, (business_date,)).fetchone()[0])


def queued_fen(connection: Connection, series_no: int, counter: int) -> int | None:
    """What of a return waits for its tender; None where there is no such return."""
    sql = (
        "SELECT sum(CASE WHEN state = 'queued' THEN amount_fen ELSE 0 END), count(returns.journal_id) "
        "FROM returns LEFT JOIN refunds ON refunds.journal_id = returns.journal_id WHERE series_no = ? AND counter = ?"
    )
    fen, found = connection.execute(sql, (series_no, counter)).fetchone()
    return int(fen or 0) if found else None
