"""What baskets at the payment screen hold of what there is only so much of. Open work, like the baskets themselves."""

from collections.abc import Iterable
from typing import NamedTuple

from store_db.connection import Connection

COUPON, OFFER = "coupon", "offer"


class Reservation(NamedTuple):
    """What a basket at the payment screen holds: a coupon's use, or applications of a limited offer."""

    kind: str
    name: str
    alias: str = ""
    times: int = 1
    fen: int = 0


def reserve(connection: Connection, draft_id: int, wanted: Iterable[Reservation]) -> None:
    """Hold just this for a basket, inside the open transaction."""
    release(connection, draft_id)
    rows = [(one.kind, one.name, draft_id, one.alias, one.times, one.fen) for one in wanted]
    connection.executemany("INSERT INTO reservations VALUES (?,?,?,?,?,?)", rows)


def reserved(connection: Connection, draft_id: int) -> tuple[Reservation, ...]:
    """What a basket holds."""
    sql = "SELECT kind, name, alias, times, fen FROM reservations WHERE draft_id = ? ORDER BY kind, name"
    return tuple(Reservation(*row) for row in connection.execute(sql, (draft_id,)))


def release(connection: Connection, draft_id: int) -> None:
    """A basket was paid, given up, put aside or went back to be changed: what it held is free again."""
    connection.execute("DELETE FROM reservations WHERE draft_id = ?", (draft_id,))
