"""Shifts: opened and closed once, by events."""

from typing import Any

from pos_app.domain.events import Header
from store_db.connection import Connection

Payload = dict[str, Any]


def project_opened(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    connection.execute(
        "INSERT INTO shifts (shift_no, lane, staff, state, float_fen, opened_id) VALUES (?,?,?,'open',?,?)",
        (payload["shift_no"], payload["lane"], payload["staff"], payload["float_fen"], entry_id),
    )


def project_closed(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    closed = connection.execute(
        "UPDATE shifts SET state = 'closed', closed_id = ?, counted_fen = ?, expected_fen = ? "
        "WHERE shift_no = ? AND state = 'open'",
        (entry_id, payload["counted_fen"], payload["expected_fen"], payload["shift_no"]),
    )
    if closed.rowcount != 1:
        raise RuntimeError(f"shift {payload['shift_no']} is not open")


def open_shift(connection: Connection, lane: str) -> tuple[int, int] | None:
    """(shift_no, float_fen) of a lane's open shift."""
    row = connection.execute(
        "SELECT shift_no, float_fen FROM shifts WHERE lane = ? AND state = 'open' ORDER BY shift_no DESC LIMIT 1",
        (lane,),
    ).fetchone()
    return (row[0], row[1]) if row else None


def next_shift_no(connection: Connection) -> int:
    return int(connection.execute("SELECT ifnull(max(shift_no), 0) + 1 FROM shifts").fetchone()[0])
