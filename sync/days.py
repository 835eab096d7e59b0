"""HQ's signed statements of the shop's days: fetched when a day is over, compared with the journal, and kept."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from pos_app.domain.proof import device_root
from store_db import sync_state
from store_db.connection import Connection
from store_db.store import Store
from sync import signing
from sync.link import Link, Untrusted
from sync.protocol import DAY, DayStatement, DayWanted
from sync.step import UNEQUAL, Step

RUN, SEEN = "days", "days_seen"  # rows of sync_runs: the last result; the journal id up to which all days are settled
DAYS_MAX = 7  # of one run
CHUNK = 5_000  # rows of one read, so that no reader holds up the checkpoint


class OwnDay(NamedTuple):
    """What the journal has of a device's day."""

    events: int
    root: bytes


def prove_days(store: Store, link: Link) -> Step:
    """Have HQ state the finished days of which it has all events; `done`: statements that came.

    Trouble SYNC-UNEQUAL: one does not hold what the journal has of that day. Raises Untrusted and what the link raises.
    """
    days, settled_id = _days_to_prove(store)
    to_ask = [day for day in days if not _is_stated(store, day)]
    unequal = [day for day in to_ask if not _prove_day(store, link, day)]
    with store.transaction() as connection:
        now_ms = store.clock.wall_ms()
        sync_state.note_run(connection, RUN, now_ms, " ".join(unequal), not unequal)
        if not unequal:
            sync_state.note_run(connection, SEEN, now_ms, str(settled_id))
    return Step(len(to_ask), trouble=UNEQUAL if unequal else "")


def _days_to_prove(store: Store) -> tuple[list[str], int]:
    """The oldest finished days that are not settled and wait for nothing; and up to which journal id all will be, with them."""
    connection, today = store.connection, store.business_date()
    seen = sync_state.runs(connection).get(SEEN)
    from_id = int(seen.outcome) if seen else 0
    waits_from = min((chain.first_id + chain.seq for chain in sync_state.chains(connection) if chain.waiting), default=None)
    firsts: dict[str, int] = {}
    open_days: set[str] = set()
    last_id = from_id
    for last_id, day, _, _ in walk(connection, from_id):
        firsts.setdefault(day, last_id)
        if waits_from is not None and last_id >= waits_from:
            open_days.add(day)
    days = sorted(day for day in firsts if day < today and day not in open_days)[:DAYS_MAX]
    left = [first_id for day, first_id in firsts.items() if day not in days]
    return days, min(left) - 1 if left else last_id


def walk(connection: Connection, after_id: int = 0) -> Iterator[tuple[int, str, bytes, bytes]]:
    """(id, business date, device, hash) of the events after a journal id."""
    sql = "SELECT id, business_date, device, hash FROM journal WHERE id > ? ORDER BY id LIMIT ?"
    while rows := connection.execute(sql, (after_id, CHUNK)).fetchall():
        yield from ((row[0], row[1], bytes(row[2]), bytes(row[3])) for row in rows)
        after_id = rows[-1][0]


def _is_stated(store: Store, business_date: str) -> bool:
    """Whether what is kept of a day already holds all of the journal: after a clock went astray a day may come up again."""
    kept = sync_state.statements(store.connection).get(business_date)
    return kept is not None and holds(msgspec.msgpack.decode(kept, type=DayStatement), own_days(store.connection, business_date))


def _prove_day(store: Store, link: Link, business_date: str) -> bool:
    """Fetch a day's statement, keep it, and say whether it holds this journal's events."""
    day = link.call(DAY, DayWanted(business_date=business_date), DayStatement)
    known = sync_state.hq(store.connection)
    is_meant = day.business_date == business_date and day.store == store.device.store
    if known is None or not is_meant or not signing.is_signed(known.hq_key, day.signature, signing.statement_text(day)):
        raise Untrusted(f"the statement of {day.business_date} is not signed by HQ")
    with store.transaction() as connection:
        sync_state.put_statement(connection, business_date, day.made_ms, msgspec.msgpack.encode(day))
    return holds(day, own_days(store.connection, business_date))


def holds(day: DayStatement, own: dict[bytes, OwnDay]) -> bool:
    """Whether a statement holds what the journal has. HQ may have more of a device: of another life of its file."""
    theirs = {bytes(device): OwnDay(events, bytes(root)) for device, events, root in day.devices}
    nothing = OwnDay(0, b"")
    return all(
        theirs.get(device, nothing) == mine or theirs.get(device, nothing).events > mine.events for device, mine in own.items()
    )


def own_days(connection: Connection, business_date: str) -> dict[bytes, OwnDay]:
    """device -> what the whole journal has of the day, by the devices that this file has been."""
    hashes: dict[bytes, list[bytes]] = {}
    last_id, after_id = connection.execute("SELECT ifnull(max(id), 0) FROM journal").fetchone()[0], 0
    while after_id < last_id:
        rows = connection.execute(
            "SELECT device, hash FROM journal WHERE id > ? AND id <= ? AND business_date = ?",
            (after_id, after_id + CHUNK, business_date),
        ).fetchall()
        for device, hash in rows:
            hashes.setdefault(bytes(device), []).append(bytes(hash))
        after_id += CHUNK
    return {device: OwnDay(len(held), device_root(held)) for device, held in hashes.items()}
