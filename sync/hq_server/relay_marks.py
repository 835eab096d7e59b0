"""What the hub remembers of HQ: who it is there, how far HQ holds each chain, how far HQ's topics were taken."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from pos_app.domain.events import GENESIS, chain_hash
from store_db.hq_rows import Cursor
from sync.hq_server.database import run
from sync.hq_server.log import FIELDS, event_of
from sync.protocol import BATCH_BYTES_MAX, MAIN, ChainId, Mark, WireEvent

EMPTY = Mark(0, GENESIS)


class Us(NamedTuple):
    """The hub as a device of HQ, and HQ as it was last."""

    device: bytes
    secret: bytes
    store: str
    hq_key: bytes
    generation: bytes


class Upstream(NamedTuple):
    """A chain of the hub's log and how far HQ holds it: `at_hq` is its name there, after `base_seq` events held by others."""

    chain: ChainId
    end: Mark
    at_hq: ChainId
    base_seq: int
    mark: Mark
    receipt: bytes
    trouble: str


# ------------------------------------------------------------------ who


def us(connection: Connection) -> Us | None:
    """None before the hub was founded."""
    row = run(connection, "SELECT device, secret, store, hq_key, generation FROM hub_upstream").first()
    return Us(bytes(row[0]), bytes(row[1]), row[2], bytes(row[3]), bytes(row[4])) if row else None


def put_us(connection: Connection, new: Us) -> None:
    run(connection, "DELETE FROM hub_upstream")
    run(connection, "INSERT INTO hub_upstream VALUES (1, ?, ?, ?, ?, ?)", *new)


# ------------------------------------------------------------------ chains

ALL = """
SELECT c.device, c.epoch, c.branch, c.base_seq, c.seq, c.hash, m.upstream, m.base_seq, m.seq, m.hash, m.receipt, m.trouble
FROM chains c LEFT JOIN hub_marks m ON m.device = c.device AND m.epoch = c.epoch AND m.branch = c.branch
WHERE c.store = ? ORDER BY c.device, c.number, c.base_seq, c.branch
"""


def chains(connection: Connection, store: str) -> list[Upstream]:
    """Every chain of the shop: those of a device in the order in which they began."""
    return [_upstream(connection, store, row) for row in run(connection, ALL, store).all()]


def _upstream(connection: Connection, store: str, row: Row[Any]) -> Upstream:
    device, epoch, branch, began, seq, hash_, upstream, base_seq, mark_seq, mark_hash, receipt, trouble = row
    chain, end = ChainId(bytes(device), bytes(epoch), bytes(branch)), Mark(seq, bytes(hash_))
    if upstream is None:
        return plain(connection, store, chain, end, began)
    at_hq = chain._replace(branch=bytes(upstream))
    return Upstream(chain, end, at_hq, base_seq, Mark(mark_seq, bytes(mark_hash)), bytes(receipt), trouble)


def plain(connection: Connection, store: str, chain: ChainId, end: Mark, began: int) -> Upstream:
    """A chain that HQ has nothing of yet, under its own name."""
    return Upstream(chain, end, chain, began, Mark(began, hash_at(connection, store, chain, began)), b"", "")


def began_at(connection: Connection, chain: ChainId) -> int:
    """The event of its epoch that a chain stands on: 0 for the main one."""
    sql = "SELECT base_seq FROM chains WHERE device = ? AND epoch = ? AND branch = ?"
    return int(run(connection, sql, *chain).scalar_one())


def put(connection: Connection, one: Upstream) -> None:
    run(
        connection,
        "INSERT INTO hub_marks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (device, epoch, branch) DO UPDATE SET "
        "upstream = excluded.upstream, base_seq = excluded.base_seq, seq = excluded.seq, hash = excluded.hash, "
        "receipt = excluded.receipt, trouble = excluded.trouble",
        *one.chain, one.at_hq.branch, one.base_seq, *one.mark, one.receipt, one.trouble,
    )  # fmt: skip


# ------------------------------------------------------------------ events

OF_CHAIN = "FROM log WHERE store = ? AND device = ? AND epoch = ? AND branch = ?"


def events_after(connection: Connection, store: str, chain: ChainId, seq: int, most: int) -> list[WireEvent]:
    """The next events of a chain, as many as one push may hold."""
    sql = f"SELECT {', '.join(FIELDS)}, payload, hash {OF_CHAIN} AND seq > ? ORDER BY seq LIMIT ?"
    return list(_fitting(event_of(row) for row in run(connection, sql, store, *chain, seq, most)))


def _fitting(events: Iterator[WireEvent]) -> Iterator[WireEvent]:
    """As many as fit into a push; a larger event travels alone."""
    size = 0
    for n, event in enumerate(events):
        size += len(event.payload)
        if n and size > BATCH_BYTES_MAX:
            return
        yield event


def hash_at(connection: Connection, store: str, chain: ChainId, seq: int) -> bytes:
    """The hash of one event of a chain, or of the event that a branch stands on; empty where the hub has none."""
    if seq == 0:
        return GENESIS
    found = run(connection, f"SELECT hash {OF_CHAIN} AND seq = ?", store, *chain, seq).scalar()
    if found is not None:
        return bytes(found)
    after = events_after(connection, store, chain, seq, 1) if chain.branch != MAIN else []
    if not after or after[0].header.seq != seq + 1:
        return b""
    sql = "SELECT hash FROM log WHERE store = ? AND device = ? AND epoch = ? AND seq = ?"
    bases = [bytes(one) for one in run(connection, sql, store, chain.device, chain.epoch, seq).scalars()]
    return next((base for base in bases if chain_hash(base, after[0].header, after[0].payload) == after[0].hash), b"")


# ------------------------------------------------------------------ topics


def cursors(connection: Connection) -> dict[str, Cursor]:
    """How far each of HQ's topics was taken."""
    rows = run(connection, "SELECT topic, generation, rev, newest FROM hub_cursors")
    return {topic: Cursor(bytes(generation), rev, newest) for topic, generation, rev, newest in rows}


def put_cursor(connection: Connection, topic: str, to: Cursor) -> None:
    sql = "INSERT INTO hub_cursors VALUES (?, ?, ?, ?) ON CONFLICT (topic) DO UPDATE SET "
    run(connection, sql + "generation = excluded.generation, rev = excluded.rev, newest = excluded.newest", topic, *to)
