"""Rows of a topic into a till's store: kept as they came, what they do to its tables, and the cursor, in one transaction.

What a topic's rows do is told by takers (`services.take_topics`); a topic without one is kept for a version that knows it.
A row that its taker refuses is marked with the reason and holds up nobody. What was taken for its key before stays in the
tables and is kept beside it, so that the next row that is taken, or none, knows what there is to take back.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from store_db import hq_rows
from store_db.connection import Connection, sqlite
from store_db.hq_rows import OWN, Cursor, KeptRow
from store_db.store import Store
from sync.protocol import Row

BATCH_ROWS = 100  # of one transaction: lanes sell beside it
UNKNOWN_YET = "-"  # a row's mark while nothing here takes its topic


class RowRefused(Exception):
    """A row that a till cannot take; the reason is shown in `pos sync status`."""


class Change(NamedTuple):
    """What the tables have for a key, and what holds now: what the taker's `read` made of the bodies, None where there is none.

    `old` is of the last row that was taken, whatever was refused since.
    """

    key: str
    old: Any
    new: Any


class Taker(NamedTuple):
    """`read` makes a value of a body, before the transaction, and may take its time; `take` brings changes into the tables,

    inside it. Both may raise RowRefused; what `take` did to the store by then is taken back."""

    read: Callable[[Store, bytes], Any]
    take: Callable[[Store, Sequence[Change]], None]


Takers = Mapping[str, Taker]
REFUSING = (RowRefused, ValueError, TypeError, LookupError, OverflowError, RecursionError, sqlite.IntegrityError)


def apply_rows(store: Store, takers: Takers, topic: str, rows: Sequence[Row], seen: Cursor, to: Cursor) -> bool:
    """At most BATCH_ROWS rows and the cursor that they end at; False, and nothing done, when the cursor is not `seen` any more.

    Another agent has been here then. StoreError as ever: nothing of it is done.
    """
    taker = takers.get(topic)
    values = {row.body: _read(taker, store, row.body) for row in rows if row.body is not None} if taker else {}
    with store.transaction() as connection:
        if hq_rows.cursor(connection, topic) != seen:
            return False
        kept = [_keep(connection, topic, row, is_known=taker is not None) for row in rows]
        if taker:
            _take_all(store, taker, topic, [one for one in _one_a_key(kept) if one.is_change], values)
        if to != seen:
            hq_rows.set_cursor(connection, topic, to, store.clock.wall_ms())
    return True


def retry_refused(store: Store, takers: Takers, topic: str) -> int:
    """Try the rows again that were refused, or that came before anything here knew their topic; how many were taken."""
    taker, key, taken = takers.get(topic), "", 0
    while taker and (waiting := hq_rows.marked_after(store.connection, topic, key, BATCH_ROWS)):
        values = {row.body: _read(taker, store, row.body) for row in waiting}
        with store.transaction() as connection:
            still = [row for row in waiting if hq_rows.row(connection, topic, row.key) == row]
            for row in still:
                hq_rows.put_row(connection, topic, KeptRow(row.key, row.rev, row.body))
            holding = [_Kept(_plain(row.key), row, row) for row in still if _holds(connection, topic, row)]
            taken += _take_all(store, taker, topic, holding, values)
        key = waiting[-1].key
    return taken


class _Kept(NamedTuple):
    """What holds for a key, before and after a row was kept."""

    key: str
    before: KeptRow | None
    after: KeptRow | None

    @property
    def is_change(self) -> bool:
        if self.before is None or self.after is None:
            return self.before is not self.after
        return self.before.body != self.after.body or bool(self.before.problem)


def _keep(connection: Connection, topic: str, row: Row, *, is_known: bool) -> _Kept:
    key = _plain(row.key)
    before = hq_rows.holding(connection, topic, key)
    if row.body is None:
        hq_rows.drop_row(connection, topic, row.key)
    else:
        hq_rows.put_row(connection, topic, KeptRow(row.key, row.rev, row.body, "" if is_known else UNKNOWN_YET))
    return _Kept(key, before, hq_rows.holding(connection, topic, key))


def _one_a_key(kept: Sequence[_Kept]) -> list[_Kept]:
    """A store's own row and the one for all may come together: before the first, after the last."""
    found: dict[str, _Kept] = {}
    for one in kept:
        found[one.key] = one._replace(before=found[one.key].before) if one.key in found else one
    return list(found.values())


def _take_all(store: Store, taker: Taker, topic: str, kept: Sequence[_Kept], values: dict[bytes, Any]) -> int:
    """All at once; when that fails one by one, and those that fail alone are marked. How many were taken."""
    if not kept:
        return 0
    problem = _why_not(store, taker, kept, values)
    if problem is None:
        return len(kept)
    if len(kept) > 1:
        return sum(_take_all(store, taker, topic, [one], values) for one in kept)
    marked = kept[0].after or kept[0].before
    if marked is not None:
        taken = kept[0].before.in_force if kept[0].before else None
        hq_rows.put_row(store.connection, topic, marked._replace(problem=problem, taken=taken))
    return 0


def _why_not(store: Store, taker: Taker, kept: Sequence[_Kept], values: dict[bytes, Any]) -> str | None:
    """Why some rows cannot be taken together, and then nothing of them is in the tables; None when all are."""
    connection = store.connection
    connection.execute("SAVEPOINT taking")
    try:
        taker.take(store, [_change(store, taker, one, values) for one in kept])
    except REFUSING as error:
        connection.execute("ROLLBACK TO taking")
        return f"{type(error).__name__}: {error}"[:200] if not isinstance(error, RowRefused) else str(error)[:200]
    finally:
        connection.execute("RELEASE taking")
    return None


def _change(store: Store, taker: Taker, kept: _Kept, values: dict[bytes, Any]) -> Change:
    """The change with its values. RowRefused when the new one cannot be read; an old one that cannot be is none."""
    new = None
    if kept.after is not None:
        new = values[kept.after.body] if kept.after.body in values else _read(taker, store, kept.after.body)
        if isinstance(new, RowRefused):
            raise new
    had = kept.before.in_force if kept.before else None
    old = None if had is None else _read(taker, store, had)
    return Change(kept.key, None if isinstance(old, RowRefused) else old, new)


def _read(taker: Taker, store: Store, body: bytes) -> Any:
    """What a body says, or the reason why it cannot be read."""
    try:
        return taker.read(store, body)
    except REFUSING as error:
        return error if isinstance(error, RowRefused) else RowRefused(str(error))


def _plain(key: str) -> str:
    return key.removeprefix(OWN)


def _holds(connection: Connection, topic: str, row: KeptRow) -> bool:
    """Whether this row is the one that counts for its key here."""
    holding = hq_rows.holding(connection, topic, _plain(row.key))
    return holding is not None and holding.key == row.key
