"""Rows of HQ's topics as they came, with the cursor up to which each topic is applied. Reference data, in no digest.

A store's own row stands under `@key` and goes before the row for all stores.
"""

from typing import Any, NamedTuple

from store_db.connection import Connection

OWN = "@"
# topics that are read where they are kept
STOP_SALES, COUPON_TOKENS, POINTS_ALLOWANCES = "stop_sales", "coupon_tokens", "points_allowances"


class Cursor(NamedTuple):
    """Everything of the topic up to `rev` is applied, as HQ had it when its newest rev was `newest`. NOWHERE: nothing is."""

    generation: bytes
    rev: int
    newest: int = 0


class KeptRow(NamedTuple):
    """`problem`: why it was not taken, empty where it was. `taken`: what was taken for its key before, where it was not."""

    key: str
    rev: int
    body: bytes
    problem: str = ""
    taken: bytes | None = None

    @property
    def in_force(self) -> bytes | None:
        """The body whose effects the till's tables have, where this row holds for its key."""
        return self.taken if self.problem else self.body


class RefusedRow(NamedTuple):
    topic: str
    key: str
    problem: str


NOWHERE = Cursor(b"", 0)


def cursors(connection: Connection) -> dict[str, Cursor]:
    """topic -> cursor, the one that moved last at the end."""
    rows = connection.execute("SELECT topic, generation, rev, newest FROM sync_cursors ORDER BY applied_ms, topic")
    return {topic: Cursor(bytes(generation), rev, newest) for topic, generation, rev, newest in rows}


def cursor(connection: Connection, topic: str) -> Cursor:
    row = connection.execute("SELECT generation, rev, newest FROM sync_cursors WHERE topic = ?", (topic,)).fetchone()
    return Cursor(bytes(row[0]), *row[1:]) if row else NOWHERE


def set_cursor(connection: Connection, topic: str, to: Cursor, now_ms: int) -> None:
    connection.execute("INSERT OR REPLACE INTO sync_cursors VALUES (?,?,?,?,?)", (topic, *to, now_ms))


def ages_ms(connection: Connection) -> dict[str, int]:
    """topic -> when something of it came last."""
    return dict(connection.execute("SELECT topic, applied_ms FROM sync_cursors ORDER BY topic").fetchall())


def row(connection: Connection, topic: str, key: str) -> KeptRow | None:
    """One row as it came, by the key it came under."""
    found = connection.execute(ROWS + "topic = ? AND key = ?", (topic, key)).fetchone()
    return _row(found) if found else None


def holding(connection: Connection, topic: str, key: str) -> KeptRow | None:
    """The row that holds for a key here: the store's own, or the one for all stores."""
    own = OWN + key
    found = connection.execute(ROWS + "topic = ? AND key IN (?, ?) ORDER BY key = ? DESC", (topic, key, own, own)).fetchone()
    return _row(found) if found else None


def rows_after(connection: Connection, topic: str, key: str, most: int) -> list[KeptRow]:
    """The next rows of a topic in order of key."""
    found = connection.execute(ROWS + "topic = ? AND key > ? ORDER BY key LIMIT ?", (topic, key, most))
    return [_row(one) for one in found]


def marked_after(connection: Connection, topic: str, key: str, most: int) -> list[KeptRow]:
    """The next rows of a topic that were not taken, in order of key."""
    found = connection.execute(ROWS + "problem != '' AND topic = ? AND key > ? ORDER BY key LIMIT ?", (topic, key, most))
    return [_row(one) for one in found]


def put_row(connection: Connection, topic: str, row: KeptRow) -> None:
    connection.execute("INSERT OR REPLACE INTO hq_rows VALUES (?,?,?,?,?,?)", (topic, *row))


def drop_row(connection: Connection, topic: str, key: str) -> None:
    connection.execute("DELETE FROM hq_rows WHERE topic = ? AND key = ?", (topic, key))


def refused(connection: Connection) -> list[RefusedRow]:
    """The rows that were not taken, with their reasons; not those whose topic nothing here knows yet."""
    found = connection.execute(
        "SELECT topic, key, problem FROM hq_rows WHERE length(problem) > 1 AND problem != '' ORDER BY topic, key"
    )
    return [RefusedRow(*one) for one in found]


ROWS = "SELECT key, rev, body, problem, taken FROM hq_rows WHERE "


def _row(found: Any) -> KeptRow:
    key, rev, body, problem, taken = found
    return KeptRow(key, rev, bytes(body), problem, None if taken is None else bytes(taken))
