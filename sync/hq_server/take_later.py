"""Events that come into the tables after they came into the log: kinds that a newer version knows, and what HQ accepts."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, select, tuple_, update

from pos_app.domain.errors import BadInput
from sync.hq_server import projections, quarantine
from sync.hq_server.bodies import BrokenBody
from sync.hq_server.hq import Hq
from sync.hq_server.projections import waiting
from sync.hq_server.quarantine import CLOCK, DOUBLED, REVOKED, UID, entries
from sync.hq_server.rows import is_known, rows_of
from sync.hq_server.stored import chain_of, event_at
from sync.protocol import WireEvent

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


def accept(hq: Hq, uid: str, by: str, device: str = "") -> int:
    """Take the event of a quarantined uid (hex) into the tables as it is, one in each shop that has it; how many.

    Of several under one uid one counts: that of `device` (hex, or how it begins), else rather the shop's own than a revoked
    device's. BadInput POS-7103 where none waits, POS-7104 for one that no row can be made of, or whose uid the shop used before.
    """
    now_ms = hq.clock.wall_ms()
    with hq.database.write() as connection:
        by_store: dict[str, list[Row[Any]]] = defaultdict(list)
        for row in _put_aside(connection, uid):
            if bytes(row.device).hex().startswith(device.lower()):
                by_store[row.store].append(row)
        if not by_store:
            raise BadInput("POS-7103", uid=uid)
        for rows in by_store.values():
            _accept_one(connection, rows, by, now_ms)
    return len(by_store)


def _put_aside(connection: Connection, uid: str) -> Sequence[Row[Any]]:
    """Open entries whose events are in no table, locked until COMMIT."""
    if not UID.fullmatch(uid):
        return []
    wanted = select(entries).where(entries.c.uid == bytes.fromhex(uid), entries.c.resolved_ms == 0)
    return connection.execute(wanted.where(entries.c.is_projected.is_(False)).with_for_update()).all()


def _accept_one(connection: Connection, rows: list[Row[Any]], by: str, now_ms: int) -> None:
    """The first of a shop's entries of one uid that rows can be made of. The others stay: the shop has used it now."""
    uid = bytes(rows[0].uid)
    problem: object = "the shop has used this identity before"
    if not _is_counted(connection, rows[0].store, uid):
        for row in sorted(rows, key=lambda row: (row.code == REVOKED, row.code == DOUBLED)):
            event = event_at(connection, row.store, chain_of(row), row.seq)
            try:
                rows_of(row.store, event, accept=True)
            except BrokenBody as error:
                problem = error
            else:
                return _accept(connection, row, event, by, now_ms)
    raise BadInput("POS-7104", uid=uid.hex(), detail=problem)


def _is_counted(connection: Connection, store: str, uid: bytes) -> bool:
    """Whether an event of this uid is in the tables, or waits to be: the first is, where it was not put aside itself."""
    of_uid = (entries.c.store == store, entries.c.uid == uid, entries.c.code != CLOCK)
    known = connection.execute(select(entries.c.code, entries.c.is_projected).where(*of_uid)).all()
    return any(row.is_projected for row in known) or all(row.code == DOUBLED for row in known)


def _accept(connection: Connection, row: Row[Any], event: WireEvent, by: str, now_ms: int) -> None:
    this = and_(*(entries.c[name] == row._mapping[name] for name in ("store", "device", "epoch", "branch", "seq")))
    connection.execute(update(entries).where(this).values(is_projected=True))
    projections.project(connection, row.store, [event], now_ms, branch=bytes(row.branch), accept=True)
    quarantine.end(connection, this, ACCEPTED, by, now_ms)
