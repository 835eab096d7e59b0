"""Events that come into the tables after they came into the log: kinds that a newer version knows, and what HQ accepts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select, tuple_, update

from pos_app.domain.errors import BadInput
from sync.hq_server import projections, quarantine
from sync.hq_server.bodies import BrokenBody
from sync.hq_server.hq import Hq
from sync.hq_server.projections import waiting
from sync.hq_server.quarantine import DOUBLED, UID, entries
from sync.hq_server.rows import is_known, rows_of
from sync.hq_server.stored import chain_of, event_at

ACCEPTED = "accepted"
AT_ONCE = 500


def project_waiting(hq: Hq) -> int:
    """Project what waited for a version that knows it; how many events. Called when a server starts, by any number of them."""
    done = 0
    while taken := _take_waiting(hq):
        done += taken
    return done


def _take_waiting(hq: Hq) -> int:
    """The next of them in one transaction: whoever deletes a row projects its event."""
    with hq.database.write() as connection:
        kinds = connection.execute(select(waiting.c.kind, waiting.c.schema).distinct()).all()
        known = [tuple(kind) for kind in kinds if is_known(*kind)]
        found = select(waiting).where(tuple_(waiting.c.kind, waiting.c.schema).in_(known)).limit(AT_ONCE)
        rows = connection.execute(found).all() if known else []
        return sum(_take(connection, row, hq.clock.wall_ms()) for row in rows)


def _take(connection: Connection, row: Row[Any], now_ms: int) -> int:
    chain, at = chain_of(row), [column == row._mapping[column.name] for column in waiting.primary_key.columns]
    if connection.execute(delete(waiting).where(*at)).rowcount:
        event = event_at(connection, row.store, chain, row.seq)
        projections.project(connection, row.store, [event], now_ms, branch=chain.branch)
    return 1


def accept(hq: Hq, uid: str, by: str) -> int:
    """Take the events of a quarantined uid (hex) into the tables as they are; how many.

    BadInput POS-7103 where none waits, POS-7104 for one that no row can be made of, or whose uid the shop used before.
    """
    now_ms = hq.clock.wall_ms()
    with hq.database.write() as connection:
        rows = _put_aside(connection, uid)
        if not rows:
            raise BadInput("POS-7103", uid=uid)
        for row in rows:
            _accept(connection, row, now_ms)
        quarantine.resolve(connection, None, uid, ACCEPTED, by, now_ms)
    return len(rows)


def _put_aside(connection: Connection, uid: str) -> Sequence[Row[Any]]:
    """Open entries whose events are in no table, locked until COMMIT."""
    if not UID.fullmatch(uid):
        return []
    wanted = select(entries).where(entries.c.uid == bytes.fromhex(uid), entries.c.resolved_ms == 0)
    return connection.execute(wanted.where(entries.c.is_projected.is_(False)).with_for_update()).all()


def _accept(connection: Connection, row: Row[Any], now_ms: int) -> None:
    uid, chain = bytes(row.uid).hex(), chain_of(row)
    event = event_at(connection, row.store, chain, row.seq)
    if row.code == DOUBLED:
        raise BadInput("POS-7104", uid=uid, detail="the shop has used this identity before")
    try:
        rows_of(row.store, event, accept=True)
    except BrokenBody as error:
        raise BadInput("POS-7104", uid=uid, detail=error) from error
    connection.execute(update(entries).where(entries.c.uid == row.uid, entries.c.store == row.store).values(is_projected=True))
    projections.project(connection, row.store, [event], now_ms, branch=chain.branch, accept=True)
