"""Epochs of the file and the number series of its lanes."""

from typing import Any

from pos_app.domain.events import Header
from store_db.connection import Connection

Payload = dict[str, Any]


def project_epoch(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    connection.execute("INSERT INTO epochs (epoch, reason, first_id) VALUES (?,?,?)", (header.epoch, payload["reason"], entry_id))


def project_series(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    connection.execute(
        "INSERT INTO series VALUES (?,?,?,?)", (payload["series_no"], header.epoch, payload["lane"], payload["code"])
    )


def series_of(connection: Connection, epoch: bytes, lane: str) -> tuple[int, str] | None:
    """(series_no, code) of a lane's series in an epoch."""
    row = connection.execute("SELECT series_no, code FROM series WHERE epoch = ? AND lane = ?", (epoch, lane)).fetchone()
    return (row[0], row[1]) if row else None


def codes(connection: Connection) -> dict[int, tuple[str, str]]:
    """(lane, code) of every series."""
    return {row[0]: (row[1], row[2]) for row in connection.execute("SELECT series_no, lane, code FROM series")}


def next_series_no(connection: Connection) -> int:
    return int(connection.execute("SELECT ifnull(max(series_no), 0) + 1 FROM series").fetchone()[0])


def next_counter(connection: Connection, series_no: int) -> int:
    """The number after the last one of a series: taken, paid, cancelled, or a return's. Valid inside a write transaction only."""
    return max(_last(connection, table, series_no) for table in ("receipts", "returns")) + 1


def _last(connection: Connection, table: str, series_no: int) -> int:
    sql = f"SELECT counter FROM {table} WHERE series_no = ? ORDER BY counter DESC LIMIT 1"
    row = connection.execute(sql, (series_no,)).fetchone()
    return int(row[0]) if row else 0
