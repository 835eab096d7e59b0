"""The journal: one dense, hashed chain of events per store file. `append` is the only way anything becomes a fact.

append = check, freeze the payload, chain, insert, project: all inside the caller's transaction.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pos_app.domain.calendar import business_date
from pos_app.domain.events import GENESIS, KINDS, Event, Header, chain_hash
from pos_app.domain.plain import from_json, to_json
from pos_app.domain.ports import Clock, Ids
from store_db.connection import Connection
from store_db.projectors import project

INSERT = "INSERT INTO journal VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"


@dataclass(frozen=True, slots=True)
class Device:
    """Who writes: the device row of the store file."""

    device: bytes
    store: str
    epoch_no: int
    epoch: bytes
    utc_offset_min: int
    cutoff_hour: int
    hq_offset_ms: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored event."""

    id: int
    header: Header
    payload: bytes
    hash: bytes

    def event(self) -> Event | None:
        """The event as its dataclass; None for a kind this version does not know (it is carried and proved all the same)."""
        cls = KINDS.get(self.header.kind)
        return from_json(cls, self.payload) if cls else None


def head(connection: Connection) -> tuple[int, bytes, int, bytes]:
    """(id, epoch, seq, hash) of the newest event; (0, b"", 0, genesis) of an empty journal."""
    row = connection.execute("SELECT id, epoch, seq, hash FROM journal ORDER BY id DESC LIMIT 1").fetchone()
    return tuple(row) if row else (0, b"", 0, GENESIS)


def append(
    connection: Connection,
    device: Device,
    clock: Clock,
    ids: Ids,
    event: Event,
    *,
    lane: str = "",
    uid: bytes | None = None,
) -> Entry:
    """Store one event and project it, inside the open transaction.

    seq is the chain's last + 1; a new epoch starts at 1 with the genesis hash. The payload is projected from its frozen
    bytes, so that what is projected now is what `pos verify` projects later.
    """
    if not connection.in_transaction:
        raise RuntimeError("append needs a transaction")
    last_id, epoch, seq, previous = head(connection)
    if epoch != device.epoch:
        seq, previous = 0, GENESIS
    payload = to_json(event)
    wall_ms = clock.wall_ms()
    header = Header(
        device=device.device,
        epoch=device.epoch,
        seq=seq + 1,
        uid=uid or ids.random(16),
        kind=event.kind,
        schema=event.schema,
        lane=lane,
        business_date=business_date(wall_ms, device.utc_offset_min, device.cutoff_hour),
        wall_ms=wall_ms,
        mono_ms=clock.mono_ms(),
        boot_id=clock.boot_id(),
        hq_offset_ms=device.hq_offset_ms,
    )
    entry = Entry(last_id + 1, header, payload, chain_hash(previous, header, payload))
    connection.execute(INSERT, _row(entry))
    project(connection, entry.id, header, json.loads(payload))
    return entry


def entries(connection: Connection, after_id: int = 0) -> Iterator[Entry]:
    """Stored events in order."""
    for row in connection.execute("SELECT * FROM journal WHERE id > ? ORDER BY id", (after_id,)):
        yield _entry(row)


def between(connection: Connection, first_id: int, last_id: int) -> list[Entry]:
    """Stored events from one id to another, both included."""
    rows = connection.execute("SELECT * FROM journal WHERE id BETWEEN ? AND ? ORDER BY id", (first_id, last_id))
    return [_entry(row) for row in rows]


def entry_by_id(connection: Connection, entry_id: int) -> Entry | None:
    row = connection.execute("SELECT * FROM journal WHERE id = ?", (entry_id,)).fetchone()
    return _entry(row) if row else None


def _row(entry: Entry) -> tuple[Any, ...]:
    h = entry.header
    return (
        entry.id, h.device, h.epoch, h.seq, h.uid, h.kind, h.schema, h.lane, h.business_date, h.wall_ms, h.mono_ms,
        h.boot_id, h.hq_offset_ms, entry.payload, entry.hash,
    )  # fmt: skip


def _entry(row: Any) -> Entry:
    return Entry(row[0], Header(*row[1:13]), row[13], row[14])
