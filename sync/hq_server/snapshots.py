"""A topic whole, as one store sees it: an immutable file with its sha256 and rev, kept in the database in parts.

Any node serves any part of it. One that is being fetched stays what it is while rows go on changing; what came later is pulled.
"""

import hashlib
from collections.abc import Iterable, Iterator

import msgspec
import zstandard
from sqlalchemy import BigInteger, Column, Connection, Index, LargeBinary, Table, Text, text

from sync.hq_server import feed
from sync.hq_server.hq import Caller, Hq, Rejected
from sync.hq_server.tables import metadata
from sync.protocol import NOT_FOUND, Row, Snapshot, SnapshotWanted

PART_BYTES = 256 << 10  # of one answer: what has come is kept when the line is cut
FRESH_MS = 3_600_000  # offered again so long
KEPT_MS = 86_400_000  # may be fetched so long
LEVEL = 6

snapshots = Table(
    "snapshots", metadata, Column("name", Text, primary_key=True), Column("topic", Text, nullable=False),
    Column("store", Text, nullable=False), Column("generation", LargeBinary, nullable=False),
    Column("rev", BigInteger, nullable=False), Column("sha256", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False), Column("made_ms", BigInteger, nullable=False),
    Index("snapshots_by_topic", "topic", "store", "made_ms"),
)  # fmt: skip
parts = Table(
    "snapshot_parts", metadata, Column("name", Text, primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False), Column("data", LargeBinary, nullable=False),
)  # fmt: skip

NEWEST = text(
    "SELECT rev, name, sha256, size FROM snapshots WHERE topic = :topic AND store = :store "
    "AND generation = :generation AND rev >= :horizon AND rev <= :rev AND made_ms > :since "
    "AND NOT EXISTS (SELECT 1 FROM feed_gaps g WHERE g.topic = :topic AND g.first <= rev AND g.last >= rev) "  # of what HQ lost
    "ORDER BY made_ms DESC LIMIT 1"
)
PART = text(
    "SELECT p.data FROM snapshots s JOIN snapshot_parts p ON p.name = s.name "
    "WHERE s.name = :name AND s.store = :store AND p.n = :n"
)


def offer(hq: Hq, caller: Caller, message: SnapshotWanted) -> Snapshot:
    """The snapshot to fetch: one made lately, or a new one. A topic that there is not is an empty one."""
    now_ms, store, topic = hq.clock.wall_ms(), caller.store, message.topic
    with hq.database.read() as connection:
        generation = hq.generation(connection)
        state = feed.topic_states(connection).get(topic, feed.TopicState(0, 0))  # read before the rows: what comes between
        found = _newest(connection, store, topic, generation, state, now_ms)  # is in the file, and comes again by page
        if found is not None:
            return found
        rows = feed.rows_of(connection, topic, store)
    data = packed(rows)
    made = Snapshot(
        topic=topic, generation=generation, rev=state.rev, name=hq.ids.random(16).hex(),
        sha256=hashlib.sha256(data).digest(), size=len(data),
    )  # fmt: skip
    with hq.database.write() as connection:
        _purge(connection, now_ms - KEPT_MS)
        _keep(connection, store, made, data, now_ms)
    return made


def read(hq: Hq, caller: Caller, name: str, first_byte: int) -> bytes:
    """Bytes of a snapshot from `first_byte` to the end of that part. Rejected NOT_FOUND: ask for another one."""
    n, skip = divmod(max(0, first_byte), PART_BYTES)
    with hq.database.read() as connection:
        data = connection.execute(PART, {"name": name, "store": caller.store, "n": n}).scalar()
    if data is None or len(data) <= skip:
        raise Rejected(NOT_FOUND, "no such snapshot, or no such byte of it")
    return bytes(data[skip:])


def packed(rows: Iterable[Row]) -> bytes:
    """Rows as a file: a zstd stream of (length in 4 bytes, MessagePack row)."""
    packer = zstandard.ZstdCompressor(level=LEVEL).compressobj()
    pieces = [packer.compress(piece) for piece in _pieces(rows)]
    return b"".join((*pieces, packer.flush()))


def _pieces(rows: Iterable[Row]) -> Iterator[bytes]:
    encoder = msgspec.msgpack.Encoder()
    for row in rows:
        data = encoder.encode(row)
        yield len(data).to_bytes(4, "big") + data


def _newest(
    connection: Connection, store: str, topic: str, generation: bytes, state: feed.TopicState, now_ms: int
) -> Snapshot | None:
    values = {
        "topic": topic, "store": store, "generation": generation, "horizon": state.horizon, "rev": state.rev,
        "since": now_ms - FRESH_MS,
    }  # fmt: skip
    found = connection.execute(NEWEST, values).first()
    if found is None:
        return None
    rev, name, sha256, size = found
    return Snapshot(topic=topic, generation=generation, rev=rev, name=name, sha256=bytes(sha256), size=size)


def _keep(connection: Connection, store: str, made: Snapshot, data: bytes, now_ms: int) -> None:
    row = {name: getattr(made, name) for name in ("name", "topic", "generation", "rev", "sha256", "size")}
    connection.execute(snapshots.insert().values(row | {"store": store, "made_ms": now_ms}))
    pieces = [data[at : at + PART_BYTES] for at in range(0, len(data), PART_BYTES)]
    connection.execute(parts.insert(), [{"name": made.name, "n": n, "data": piece} for n, piece in enumerate(pieces)])


def _purge(connection: Connection, before_ms: int) -> None:
    old = "SELECT name FROM snapshots WHERE made_ms < :before"
    connection.execute(text(f"DELETE FROM snapshot_parts WHERE name IN ({old})"), {"before": before_ms})
    connection.execute(text("DELETE FROM snapshots WHERE made_ms < :before"), {"before": before_ms})
