"""Push: the only way into the log. One transaction appends a batch to its chain, claims the uids, projects, and moves the mark.

A chain is dense and hashed, so HQ keeps exactly the bytes of the till. What cannot be taken into tables is kept all the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, LargeBinary, Text
from sqlalchemy.exc import DBAPIError

from pos_app.domain.events import GENESIS, Header
from pos_app.domain.proof import Sums
from sync import protocol
from sync.hq_server import devices, heard, hub_tables, quarantine
from sync.hq_server.database import run, run_many
from sync.hq_server.devices import Device
from sync.hq_server.hq import FROZEN, HUB, REVOKED, Caller, Hq, Rejected
from sync.hq_server.tables import log
from sync.protocol import BATCH_BYTES_MAX, EVENTS_MAX, MAIN, Ack, ChainId, Mark, Problem, Push, WireEvent, from_columns
from sync.signing import receipt_text
from sync.sums import sums_of

EPOCH_BYTES, UID_BYTES, HASH_BYTES = 8, 16, 32
NAME_MAX = 200  # characters of kind, lane, business date
NUMBER_MAX = 1 << 62
JUMP_MS = 120_000  # a clock that went so far off against the time since boot is noted
CHAIN = "branch, epoch, number, base_seq, seq, hash, events, money_fen, points, quantity, wall_ms, mono_ms, boot_id"
LOG = ", ".join(log.columns.keys())
INSERT_LOG = f"INSERT INTO log ({LOG}) VALUES ({', '.join('?' * len(log.columns))})"
COPY_LOG = f"COPY log ({LOG}) FROM STDIN (FORMAT BINARY)"
COPY_TYPES = [{LargeBinary: "bytea", BigInteger: "int8", Text: "text"}[type(column.type)] for column in log.columns]
FIELDS = tuple(field.name for field in fields(Header))


class Chain(NamedTuple):
    """A row of `chains`: how far one has come."""

    branch: bytes
    epoch: bytes
    number: int
    base_seq: int
    seq: int
    hash: bytes
    sums: Sums
    wall_ms: int
    mono_ms: int
    boot_id: bytes

    @property
    def mark(self) -> Mark:
        return Mark(self.seq, self.hash)


def push(hq: Hq, caller: Caller, message: Push) -> Ack | Problem:
    """Take a batch in; the answer is made after COMMIT. FORK and GAP carry HQ's mark."""
    events = checked(message)
    now_ms = hq.clock.wall_ms()
    with hq.database.write() as connection:
        owner = devices.lock_owner(connection, caller, message.chain.device, now_ms)
        if owner.state == FROZEN and caller.device == owner.device:  # since the request was looked at first
            raise Rejected(protocol.FROZEN)
        generation = hq.generation(connection)
        known = chains_of(connection, owner.device)
        found = _place(connection, owner, known, message, events, generation)
        if isinstance(found, Problem):
            return found
        chain, fresh = found
        if fresh and _is_second_life(caller, owner, known, chain):
            devices.freeze(connection, owner.device)
            return Problem(code=protocol.FROZEN, detail="two machines write under this id")
        mark = Mark(events[-1].header.seq, events[-1].hash)  # HQ may have more: of another history that goes on from here
        if fresh:
            mark = _append(connection, caller, owner, chain, fresh, now_ms)
        if message.head > mark.seq:
            heard.note_head(connection, message.chain, min(message.head, NUMBER_MAX))
        upstream_seq = hub_tables.upstream_seq(connection, message.chain)
    receipt = hq.sign(receipt_text(message.chain, mark, generation))
    return Ack(mark=mark, generation=generation, receipt=receipt, upstream_seq=upstream_seq, overlapped=len(events) - len(fresh))


# ------------------------------------------------------------------ what a batch must be


def checked(message: Push) -> list[WireEvent]:
    """The events of a push, hashed. WireError or Rejected BROKEN, TOO_LARGE for what no till makes: nothing of it is stored."""
    chain, columns = message.chain, message.events
    if len(columns.kind) > EVENTS_MAX or (len(columns.payload) > 1 and sum(map(len, columns.payload)) > BATCH_BYTES_MAX):
        raise Rejected(protocol.TOO_LARGE, "a batch of more than a push may hold")
    whole = (
        (len(chain.epoch), len(chain.branch), len(message.prev_hash)) == (EPOCH_BYTES, len(MAIN), HASH_BYTES)
        and 1 <= message.first_seq < NUMBER_MAX and columns.kind and len(columns.uid) == UID_BYTES * len(columns.kind)
        and all(len(boot_id) <= NAME_MAX for boot_id in columns.boot_id)
        and _are_names(columns.kind) and _are_names(columns.lane) and _are_names(columns.business_date)
        and _are_numbers(columns.schema, columns.wall_ms, columns.mono_ms, columns.hq_offset_ms)
    )  # fmt: skip
    if not whole:
        raise Rejected(protocol.BROKEN, "ids, names or numbers that no till writes")
    return from_columns(message)


def _are_names(texts: Iterable[str]) -> bool:
    return all(len(text) <= NAME_MAX and "\0" not in text for text in set(texts))


def _are_numbers(*columns: Sequence[int]) -> bool:
    return all(min(column) > -NUMBER_MAX and max(column) < NUMBER_MAX for column in columns if column)


# ------------------------------------------------------------------ where it goes


def chains_of(connection: Connection, device: bytes) -> dict[ChainId, Chain]:
    """Every chain of a device."""
    rows = run(connection, f"SELECT {CHAIN} FROM chains WHERE device = ?", device)
    return {ChainId(device, bytes(row[1]), bytes(row[0])): _chain(row) for row in rows}


def _chain(row: Any) -> Chain:
    branch, epoch, number, base_seq, seq, hash_, *sums, wall_ms, mono_ms, boot_id = row
    return Chain(bytes(branch), bytes(epoch), number, base_seq, seq, bytes(hash_), Sums(*sums), wall_ms, mono_ms, bytes(boot_id))


def _place(
    connection: Connection,
    owner: Device,
    known: dict[ChainId, Chain],
    message: Push,
    events: list[WireEvent],
    generation: bytes,
) -> tuple[Chain, list[WireEvent]] | Problem:
    """The chain that a batch continues, and those of its events that HQ has not got; or why it continues none."""
    chain = known.get(message.chain)
    if chain is None:
        chain = _begin(connection, owner, known, message)
        if chain is None:
            return Problem(code=protocol.GAP, detail="base", mark=Mark(0, GENESIS), generation=generation)
    if message.first_seq > chain.seq + 1:
        return Problem(code=protocol.GAP, mark=chain.mark, generation=generation)
    held = min(chain.seq + 1 - message.first_seq, len(events))
    fresh = events[held:]
    before = events[held - 1].hash if held else message.prev_hash
    if before != hash_at(connection, owner, message.chain, chain, message.first_seq + held - 1):
        return Problem(code=protocol.FORK, mark=chain.mark, generation=generation)
    elsewhere = _held_elsewhere(connection, owner, known, message.chain, fresh) if fresh else None
    if elsewhere is not None:
        return Problem(code=protocol.FORK, detail="held", mark=elsewhere, generation=generation)
    return chain, fresh


def _begin(connection: Connection, owner: Device, known: dict[ChainId, Chain], message: Push) -> Chain | None:
    """A chain's first push: MAIN begins at nothing, a branch at an event of its epoch that HQ has; None when it has not."""
    epoch, branch = message.chain.epoch, message.chain.branch
    siblings = _siblings(known, message.chain)
    newest = max((chain.number for chain in known.values()), default=0)
    number = next((chain.number for chain in siblings.values()), newest + 1)
    if branch == MAIN:
        return Chain(branch, epoch, number, 0, 0, GENESIS, Sums(), 0, 0, b"")
    base_seq = message.first_seq - 1
    bases = (
        hash_at(connection, owner, chain_id, chain, base_seq) for chain_id, chain in siblings.items() if base_seq <= chain.seq
    )
    if message.prev_hash not in bases:
        return None
    return Chain(branch, epoch, number, base_seq, base_seq, message.prev_hash, Sums(), 0, 0, b"")


def _siblings(known: dict[ChainId, Chain], chain_id: ChainId) -> dict[ChainId, Chain]:
    return {other: chain for other, chain in known.items() if other.epoch == chain_id.epoch and other != chain_id}


def hash_at(connection: Connection, owner: Device, chain_id: ChainId, chain: Chain, seq: int) -> bytes:
    """The hash of one event of a chain; of what it stands on for its base; empty where HQ has none."""
    if seq == chain.seq:
        return chain.hash
    if seq == 0:
        return GENESIS
    sql = "SELECT hash FROM log WHERE store = ? AND device = ? AND epoch = ? AND branch = ? AND seq = ?"
    found = run(connection, sql, owner.store, *chain_id, seq).first()
    return bytes(found[0]) if found else b""


def _held_elsewhere(
    connection: Connection, owner: Device, known: dict[ChainId, Chain], chain_id: ChainId, fresh: list[WireEvent]
) -> Mark | None:
    """Up to where another chain of this epoch holds the same events: each event is in the log once."""
    for other, chain in _siblings(known, chain_id).items():
        held = 0
        while held < len(fresh):
            seq = fresh[held].header.seq
            if not chain.base_seq < seq <= chain.seq or hash_at(connection, owner, other, chain, seq) != fresh[held].hash:
                break
            held += 1
        if held:
            return Mark(fresh[held - 1].header.seq, fresh[held - 1].hash)
    return None


def _is_second_life(caller: Caller, owner: Device, known: dict[ChainId, Chain], chain: Chain) -> bool:
    """New events of an epoch that is not a device's newest: two machines live under its id.

    One machine never goes back to an epoch it has left, but to tell a branch of it. What a hub relays has been judged there;
    what an heir brings of its frozen ancestor is what both machines had left to tell.
    """
    if chain.branch != MAIN or caller.device != owner.device:
        return False
    return chain.number < max((other.number for other in known.values()), default=0)


# ------------------------------------------------------------------ stored


def _append(connection: Connection, caller: Caller, owner: Device, chain: Chain, events: list[WireEvent], now_ms: int) -> Mark:
    """Store events that continue a chain, and what follows from them; the new mark."""
    chain_id = ChainId(owner.device, chain.epoch, chain.branch)
    added = [sums_of(event.header.kind, event.payload) for event in events]
    rows = [_row(owner.store, chain.branch, event, sums, now_ms) for event, sums in zip(events, added, strict=True)]
    _insert_log(connection, rows)
    last = events[-1]
    _save_chain(connection, owner, chain, last, _total(chain.sums, added), now_ms)
    fresh = _claim_uids(connection, owner.store, events)
    _take_in(connection, caller, owner, chain_id, [event for event in events if event.header.seq in fresh], now_ms)
    for event in events:
        if event.header.seq not in fresh:
            quarantine.quarantine(connection, owner.store, event, chain_id, quarantine.DOUBLED, "", now_ms)
    _note_jumps(connection, owner.store, chain_id, chain, events, now_ms)
    return Mark(last.header.seq, last.hash)


def _take_in(
    connection: Connection, caller: Caller, owner: Device, chain_id: ChainId, events: list[WireEvent], now_ms: int
) -> None:
    """Into the tables; what a revoked device says is put aside. A store hub also reads what tills share."""
    from sync.hq_server import hub_facts, projections

    is_apart = REVOKED in (caller.state, owner.state) and (caller.device == owner.device or caller.role == HUB)
    hub_facts.follow(connection, owner.store, chain_id.branch, events, now_ms, gives=not is_apart)
    if is_apart:
        for event in events:
            quarantine.quarantine(connection, owner.store, event, chain_id, quarantine.REVOKED, "", now_ms)
    else:
        projections.project(connection, owner.store, events, now_ms, branch=chain_id.branch)


def _row(store: str, branch: bytes, event: WireEvent, sums: Sums, now_ms: int) -> tuple[Any, ...]:
    h = event.header
    return (
        store, h.device, h.epoch, branch, h.seq, h.uid, h.kind, h.schema, h.lane, h.business_date, h.wall_ms, h.mono_ms,
        h.boot_id, h.hq_offset_ms, event.payload, event.hash, sums.money_fen, sums.points, sums.quantity, now_ms,
    )  # fmt: skip


def _insert_log(connection: Connection, rows: list[tuple[Any, ...]]) -> None:
    if connection.dialect.name != "postgresql":
        run_many(connection, INSERT_LOG, rows)
        return
    driver: Any = connection.connection.driver_connection
    errors: Any = connection.dialect.dbapi
    try:
        with driver.cursor() as cursor, cursor.copy(COPY_LOG) as copy:
            copy.set_types(COPY_TYPES)
            for row in rows:
                copy.write_row(row)
    except errors.Error as error:  # as SQLAlchemy says it of every other statement
        raise DBAPIError.instance(COPY_LOG, None, error, errors.Error, dialect=connection.dialect) from error


def _total(sums: Sums, added: Iterable[Sums]) -> Sums:
    columns = zip(sums, *added, strict=True)
    return Sums(*map(sum, columns))


def _save_chain(connection: Connection, owner: Device, chain: Chain, last: WireEvent, sums: Sums, now_ms: int) -> None:
    h = last.header
    changing = "seq, hash, events, money_fen, points, quantity, received_ms, wall_ms, mono_ms, boot_id"
    changes = ", ".join(f"{name} = excluded.{name}" for name in changing.split(", "))
    run(
        connection,
        f"INSERT INTO chains (device, epoch, branch, store, number, base_seq, {changing}) VALUES ({', '.join('?' * 16)}) "
        f"ON CONFLICT (device, epoch, branch) DO UPDATE SET {changes}",
        owner.device, chain.epoch, chain.branch, owner.store, chain.number, chain.base_seq, h.seq, last.hash, *sums, now_ms,
        h.wall_ms, h.mono_ms, h.boot_id,
    )  # fmt: skip


def _claim_uids(connection: Connection, store: str, events: list[WireEvent]) -> set[int]:
    """Claim the uids that are new to the store; the seqs of their events. In order, so that none waits in a ring."""
    first = {event.header.uid: event.header.seq for event in reversed(events)}
    wanted = sorted(first)
    if connection.dialect.name == "postgresql":
        sql = "INSERT INTO uids (store, uid) SELECT ?, unnest(?::bytea[]) ON CONFLICT DO NOTHING RETURNING uid"
        rows = run(connection, sql, store, wanted)
    else:
        values = ", ".join(["(?, ?)"] * len(wanted))
        sql = f"INSERT INTO uids (store, uid) VALUES {values} ON CONFLICT DO NOTHING RETURNING uid"
        rows = run(connection, sql, *(value for uid in wanted for value in (store, uid)))
    return {first[bytes(uid)] for uid in rows.scalars()}


def _note_jumps(
    connection: Connection, store: str, chain_id: ChainId, chain: Chain, events: list[WireEvent], now_ms: int
) -> None:
    """Within one boot the wall and the time since boot go on together; an event after a jump is noted, and counts."""
    boot_id, off_ms = chain.boot_id, chain.wall_ms - chain.mono_ms
    for event in events:
        h = event.header
        jump_ms = h.wall_ms - h.mono_ms - off_ms
        if h.boot_id == boot_id and abs(jump_ms) > JUMP_MS:
            quarantine.quarantine(connection, store, event, chain_id, quarantine.CLOCK, f"{jump_ms:+d} ms", now_ms)
        boot_id, off_ms = h.boot_id, h.wall_ms - h.mono_ms


def event_of(row: Any) -> WireEvent:
    """An event as it came, from a row of the log."""
    return WireEvent(Header(*(getattr(row, name) for name in FIELDS)), row.payload, row.hash)
