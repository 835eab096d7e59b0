"""Events that HQ keeps but cannot take into its tables, each with a reason, an owner and its age, until somebody resolves it.

Nothing is dropped: the bytes are in the log. An entry ends by a new event of the shop (`exception_resolved`), or at HQ.
The shop sees its entries in the topic `exceptions`.
"""

import re
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    LargeBinary,
    Table,
    Text,
    and_,
    select,
    true,
    update,
)  # fmt: skip
from sqlalchemy.dialects import postgresql, sqlite

from pos_app.domain.plain import to_json
from sync.hq_server import exceptions
from sync.hq_server.projected_tables import resolutions
from sync.hq_server.tables import metadata
from sync.protocol import ChainId, WireEvent

BROKEN, NOT_WHOLE, DOUBLED, REVOKED = "broken", "not_whole", "uid_doubled", "device_revoked"
CLOCK = "clock_jump"  # taken into the tables all the same: a clock decides nothing
OWNERS = {BROKEN: "hq", NOT_WHOLE: "hq", DOUBLED: "hq", REVOKED: "hq", CLOCK: "shop"}
DETAIL_MAX = 200
UID = re.compile("[0-9a-f]{32}")

entries = Table(
    "quarantine", metadata,
    Column("store", Text, primary_key=True), Column("device", LargeBinary, primary_key=True),
    Column("epoch", LargeBinary, primary_key=True), Column("branch", LargeBinary, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False), Column("code", Text, primary_key=True),
    Column("uid", LargeBinary, nullable=False), Column("kind", Text, nullable=False), Column("detail", Text, nullable=False),
    Column("owner", Text, nullable=False), Column("since_ms", BigInteger, nullable=False),
    Column("is_projected", Boolean, nullable=False),  # whether its event is in the tables
    Column("resolved_ms", BigInteger, nullable=False), Column("resolved_by", Text, nullable=False),
    Column("how", Text, nullable=False), Index("quarantine_open", "store", "resolved_ms"),
)  # fmt: skip


def quarantine(
    connection: Connection, store: str, event: WireEvent, chain: ChainId, code: str, detail: str, since_ms: int
) -> None:
    """Put one event aside, inside the transaction that stored it; the same entry twice is one."""
    header = event.header
    resolved = connection.execute(
        select(resolutions.c.how, resolutions.c.staff).where(
            resolutions.c.store == store, resolutions.c.about == header.uid.hex()
        )
    ).first()
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {
        "store": store, "device": chain.device, "epoch": chain.epoch, "branch": chain.branch, "seq": header.seq, "code": code,
        "uid": header.uid, "kind": header.kind, "detail": detail[:DETAIL_MAX], "owner": OWNERS[code], "since_ms": since_ms,
        "is_projected": code == CLOCK, "resolved_ms": since_ms if resolved else 0,
        "resolved_by": resolved.staff if resolved else "", "how": resolved.how if resolved else "",
    }  # fmt: skip
    done = connection.execute(insert(entries).values(row).on_conflict_do_nothing())
    if done.rowcount and not resolved:
        publish_entries(connection, [row], since_ms)


def resolve(connection: Connection, store: str | None, about: str, how: str, by: str, now_ms: int) -> int:
    """End the open entries of an event (its uid in hex) or an exception (its name), in one store or in all; how many."""
    if not UID.fullmatch(about):
        return exceptions.end(connection, about, how, by, now_ms, store)
    of_store = true() if store is None else entries.c.store == store
    return end(connection, and_(of_store, entries.c.uid == bytes.fromhex(about)), how, by, now_ms)


def end(connection: Connection, which: ColumnElement[bool], how: str, by: str, now_ms: int) -> int:
    """End some entries where they are open; how many."""
    ended = connection.execute(
        update(entries)
        .where(which, entries.c.resolved_ms == 0)
        .values(resolved_ms=now_ms, resolved_by=by, how=how)
        .returning(*entries.c)
    ).mappings()
    rows = [dict(row) for row in ended]
    publish_entries(connection, rows, now_ms, over=True)
    return len(rows)


def publish_entries(connection: Connection, rows: list[dict[str, Any]], now_ms: int, *, over: bool = False) -> None:
    """Show entries to their shop, or take them away when they are over."""
    told = [(row["store"], _name(row), None if over else _body(row)) for row in rows]
    exceptions.tell_shops(connection, told, now_ms)


def _name(row: dict[str, Any]) -> str:
    return f"{row['uid'].hex()}/{row['device'].hex()}/{row['epoch'].hex()}/{row['branch'].hex()}/{row['seq']}/{row['code']}"


def _body(row: dict[str, Any]) -> bytes:
    return to_json({
        "uid": row["uid"].hex(), "code": row["code"], "detail": row["detail"], "kind": row["kind"], "owner": row["owner"],
        "since_ms": row["since_ms"],
    })  # fmt: skip
