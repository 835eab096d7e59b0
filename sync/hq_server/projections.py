"""What HQ makes of events: `project` inside the transaction that stores them, `digests` to compare with a rebuild.

An event that cannot become rows is put in quarantine and never blocks the others; one of a kind or schema that this version
does not know waits, and is projected by the first version that knows it.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table, Text, select

from sync.hq_server import exceptions, quarantine
from sync.hq_server.bodies import BrokenBody
from sync.hq_server.projected_tables import PROJECTED, resolutions
from sync.hq_server.rows import NotWhole, Row, is_known, rows_of
from sync.hq_server.tables import metadata
from sync.hq_server.upsert import merge
from sync.protocol import MAIN, ChainId, WireEvent

waiting = Table(
    "waiting", metadata,
    Column("store", Text, primary_key=True), Column("device", LargeBinary, primary_key=True),
    Column("epoch", LargeBinary, primary_key=True), Column("branch", LargeBinary, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False), Column("schema", BigInteger, nullable=False),
)  # fmt: skip


def project(
    connection: Connection,
    store: str,
    events: Sequence[WireEvent],
    received_ms: int,
    *,
    branch: bytes = MAIN,
    accept: bool = False,
) -> None:
    """Take events of one store, with uids that it did not have before, into the tables.

    `accept`: HQ took them as they are, although they do not add up.
    """
    rows: list[Row] = []
    aside: list[tuple[WireEvent, str, str]] = []
    for event in events:
        try:
            if is_known(event.header.kind, event.header.schema):
                rows += rows_of(store, event, accept=accept)
            else:
                _wait(connection, store, event, branch)
        except BrokenBody as error:
            aside.append((event, quarantine.BROKEN, str(error)))
        except NotWhole as error:
            aside.append((event, quarantine.NOT_WHOLE, str(error)))
    write(connection, rows)
    # what is published comes last: tables first, the topic's lock after them, in every transaction
    exceptions.refresh(connection, store, rows, received_ms)
    for event, code, detail in aside:
        chain = ChainId(event.header.device, event.header.epoch, branch)
        quarantine.quarantine(connection, store, event, chain, code, detail, received_ms)
    for table, row in rows:
        if table is resolutions:
            quarantine.resolve(connection, store, about=row[2], how=row[3], by=row[4], now_ms=received_ms)


def write(connection: Connection, rows: Iterable[Row]) -> None:
    """Merge rows into their tables, table by table in one order."""
    by_table: dict[Table, list[tuple[Any, ...]]] = defaultdict(list)
    for table, row in rows:
        by_table[table].append(row)
    for table in PROJECTED:
        merge(connection, table, by_table.get(table, ()))


def digests(connection: Connection) -> dict[str, str]:
    """Table -> digest of its rows, whatever their order: 32 bytes in hex."""
    return {table.name: _digest(connection, table) for table in PROJECTED}


def _digest(connection: Connection, table: Table) -> str:
    total = 0
    for row in connection.execute(select(table)):
        text = json.dumps([value.hex() if isinstance(value, bytes) else value for value in row])
        total += int.from_bytes(hashlib.blake2b(text.encode(), digest_size=32).digest(), "big")
    return f"{total % (1 << 256):064x}"


def _wait(connection: Connection, store: str, event: WireEvent, branch: bytes) -> None:
    h = event.header
    connection.execute(waiting.insert().values((store, h.device, h.epoch, branch, h.seq, h.kind, h.schema)))
