"""The points ledger: entries by lot, each kept once. A punch card's stamps are lots of the same kind, under the card's name."""

from collections.abc import Iterable
from typing import Any

from pos_app.domain.events import Header, PointsMove
from pos_app.domain.points import Lot
from store_db.connection import Connection

Payload = dict[str, Any]
POINTS = ""  # the card of plain points
PLACE_BITS = 16
# The same event's entry for the same rule, lot and direction is the same entry, however often it comes.
INSERT = "INSERT INTO points_entries VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (uid, rule, lot, points > 0) DO NOTHING"


def project_sale(connection: Connection, entry_id: int, header: Header, sale: Payload) -> None:
    """What a member's sale earned and spent, points and stamps."""
    if alias := sale.get("customer", ""):
        put_moves(connection, entry_id, header, alias, sale.get("points", ()), sale.get("punches", ()))


def project_return(connection: Connection, entry_id: int, header: Header, back: Payload) -> None:
    """What a return gives back and takes back, points and stamps."""
    if alias := back.get("customer", ""):
        put_moves(connection, entry_id, header, alias, back.get("points", ()), back.get("punches", ()))


def project_moved(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    put_moves(connection, entry_id, header, payload["alias"], payload["moves"])


def put_moves(
    connection: Connection, entry_id: int, header: Header, alias: str, moves: Iterable[Payload], punches: Iterable[Payload] = ()
) -> None:
    """The moves of one event, as plain JSON; those of stamps name their card as their rule."""
    rows = [(alias, POINTS, move) for move in moves] + [(alias, move["rule"], move) for move in punches]
    connection.executemany(
        INSERT,
        [
            (entry_id << PLACE_BITS | n, alias, card, header.uid, move["rule"], move["lot"], move["points"], move["expires"])
            for n, (alias, card, move) in enumerate(rows)
        ],
    )


def lots(connection: Connection, alias: str, card: str = POINTS) -> tuple[Lot, ...]:
    """A member's lots with something in them, those past their day too; a debt is a lot below zero."""
    rows = connection.execute(
        "SELECT lot, sum(points), max(expires) FROM points_entries WHERE alias = ? AND card = ? "
        "GROUP BY lot HAVING sum(points) != 0",
        (alias, card),
    )
    return tuple(Lot(*row) for row in rows)


SPENT = """
SELECT ifnull(-sum(p.points), 0) FROM points_entries p JOIN journal j ON j.id = p.id >> 16
WHERE p.alias = ? AND p.card = '' AND p.points < 0 AND p.rule IN ('redeem', 'donate', 'sign_up')
AND p.id >= ? AND (? OR j.device = ?)
"""


def spent(connection: Connection, alias: str, *, from_id: int = 0, device: bytes | None = None) -> int:
    """What a member spent by the events from a journal id on, of all devices that this file ever was or of one."""
    values = (alias, from_id << PLACE_BITS, device is None, device or b"")
    return int(connection.execute(SPENT, values).fetchone()[0])


def balance_after(connection: Connection, alias: str, entry_id: int, on: str) -> int:
    """The points that counted on a day after a journal entry, whatever came later."""
    row = connection.execute(
        "SELECT ifnull(sum(points), 0) FROM points_entries "
        "WHERE alias = ? AND card = ? AND id < ? AND (expires = '' OR expires >= ?)",
        (alias, POINTS, (entry_id + 1) << PLACE_BITS, on),
    ).fetchone()
    return max(0, int(row[0]))


def cards(connection: Connection, alias: str) -> list[str]:
    """The punch cards a member ever had a stamp on."""
    sql = "SELECT DISTINCT card FROM points_entries WHERE alias = ? AND card != '' ORDER BY card"
    return [row[0] for row in connection.execute(sql, (alias,))]


def moves_of(connection: Connection, uid: bytes, card: str = POINTS) -> tuple[PointsMove, ...]:
    """The moves of one event, in their order."""
    rows = connection.execute(
        "SELECT rule, lot, points, expires FROM points_entries WHERE uid = ? AND card = ? ORDER BY id", (uid, card)
    )
    return tuple(PointsMove(*row) for row in rows)
