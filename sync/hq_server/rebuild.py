"""HQ's own proof: every chain recomputed from its bytes, every table built again from the log, and sums that no projector knows.

The tables are built in a database of their own, on SQLite whatever HQ runs on, and compared by digest with the live ones.
"""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Table, func, select

from pos_app.domain.events import GENESIS, chain_hash
from pos_app.domain.proof import Sums, sums_of
from sync.hq_server import projections
from sync.hq_server.database import Database
from sync.hq_server.hq import Hq
from sync.hq_server.log import event_of
from sync.hq_server.projected_tables import points, stock, store_days
from sync.hq_server.quarantine import entries
from sync.hq_server.stored import ROWS_AT_ONCE, chain_of, whole_log
from sync.hq_server.tables import chains, log
from sync.protocol import MAIN, ChainId, WireEvent

PROBLEMS_MAX = 50
Place = tuple[ChainId, int]


@dataclass(slots=True)
class HqProof:
    """What was found. `problems` is empty exactly when everything holds; events = projected + waiting + put aside."""

    chains: int = 0
    events: int = 0
    projected: int = 0
    waiting: int = 0
    put_aside: int = 0
    money_fen: int = 0  # of what is projected, by the tables
    tables: dict[str, bool] = field(default_factory=dict)  # table -> as rebuilt
    problems: list[str] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        return not self.problems

    def add(self, problem: str) -> None:
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)


class Places(NamedTuple):
    """Events that are in no table, and those that HQ took although they do not add up."""

    waiting: set[Place]
    put_aside: set[Place]
    accepted: set[Place]


def verify(database: Database, progress: Callable[[int], None] = lambda n: None) -> HqProof:
    """Every check, on one unmoving view of the database: devices go on pushing meanwhile."""
    with tempfile.TemporaryDirectory(prefix="lanewise-hq-") as folder:
        rebuilt = Hq.create(Database.open(f"sqlite:///{Path(folder) / 'rebuilt.sqlite'}")).database
        try:
            with database.read() as connection, rebuilt.write() as scratch:
                return _Rebuild(connection, scratch, progress).run()
        finally:
            rebuilt.close()


class _Rebuild:
    """One walk over the log."""

    def __init__(self, connection: Connection, scratch: Connection, progress: Callable[[int], None]) -> None:
        self.connection, self.scratch, self.progress = connection, scratch, progress
        self.proof = HqProof()
        self.sums = Sums()  # of what is projected, without what was accepted
        self.accepted: list[tuple[str, ChainId, WireEvent]] = []
        self.places = Places(
            _places(connection, projections.waiting, True),
            _places(connection, entries, entries.c.is_projected.is_(False)),
            _places(connection, entries, entries.c.is_projected & (entries.c.how == "accepted")),
        )

    def run(self) -> HqProof:
        proof, places = self.proof, self.places
        for (store, chain), rows in groupby(whole_log(self.connection), key=lambda row: (row.store, chain_of(row))):
            self._chain(store, chain, rows)
        proof.waiting, proof.put_aside, proof.money_fen = len(places.waiting), len(places.put_aside), _money_fen(self.connection)
        counted = proof.projected + proof.waiting + proof.put_aside
        if counted != proof.events:
            proof.add(f"{proof.events} events in the log, {counted} projected, waiting or put aside")
        heads = self.connection.execute(select(func.count()).select_from(chains).where(chains.c.events > 0)).scalar_one()
        if heads != proof.chains:
            proof.add(f"{heads} chains, {proof.chains} in the log")
        self._compare()
        return proof

    def _chain(self, store: str, chain: ChainId, rows: Iterable[Row[Any]]) -> None:
        """Dense, hashed from what was before; head and sums are those that HQ kept along the way."""
        name, sums, previous, seq = f"{store} chain {chain.device.hex()[:8]}/{chain.epoch.hex()[:8]}", Sums(), None, 0
        batch: list[WireEvent] = []
        for row in rows:
            event = event_of(row)
            if previous is None:
                seq = 0 if chain.branch == MAIN else event.header.seq - 1
                previous = self._base(store, chain, seq, event)
            is_next = row.seq == seq + 1 and chain_hash(previous, event.header, event.payload) == event.hash
            if not is_next:
                self.proof.add(f"{name}: seq {row.seq} is not what followed seq {seq}")
            previous, seq = event.hash, row.seq
            sums = sums.plus(sums_of(event.header.kind, event.payload))
            batch.append(event)
            if len(batch) == ROWS_AT_ONCE:
                self._project(store, chain, batch)
                batch = []
        self._project(store, chain, batch)
        self.proof.chains += 1
        kept = self.connection.execute(select(chains).where(*_is(chains, chain))).one_or_none()
        if kept is None or (kept.seq, bytes(kept.hash)) != (seq, previous):
            self.proof.add(f"{name}: its head is not seq {seq}")
        elif Sums(kept.events, kept.money_fen, kept.points, kept.quantity) != sums:
            self.proof.add(f"{name}: its sums are not those of its events")

    def _base(self, store: str, chain: ChainId, seq: int, first: WireEvent) -> bytes:
        """What a chain goes on from: nothing, or for a branch the event before it in any other chain of the epoch."""
        if seq == 0:
            return GENESIS
        place = (log.c.store == store, log.c.device == chain.device, log.c.epoch == chain.epoch, log.c.seq == seq)
        hashes = [bytes(found) for found in self.connection.execute(select(log.c.hash).where(*place)).scalars()]
        return next((found for found in hashes if chain_hash(found, first.header, first.payload) == first.hash), b"")

    def _project(self, store: str, chain: ChainId, batch: list[WireEvent]) -> None:
        self.proof.events += len(batch)
        aside = self.places.waiting | self.places.put_aside
        events = [event for event in batch if (chain, event.header.seq) not in aside]
        plain = [event for event in events if (chain, event.header.seq) not in self.places.accepted]
        self.accepted += [(store, chain, event) for event in events if (chain, event.header.seq) in self.places.accepted]
        self._try(store, chain, plain)
        for event in plain:
            self.sums = self.sums.plus(sums_of(event.header.kind, event.payload))
        self.proof.projected += len(events)
        self.progress(self.proof.events)

    def _try(self, store: str, chain: ChainId, events: list[WireEvent], *, accept: bool = False) -> None:
        try:
            projections.project(self.scratch, store, events, 0, branch=chain.branch, accept=accept)
        except Exception as error:  # whatever it is, the proof goes on and names it
            self.proof.add(f"{store} chain {chain.device.hex()[:8]}: cannot be projected again: {error}"[:300])

    def _check_sums(self) -> None:
        """Money, points and goods of the rebuilt tables against those of the events, which no projector computed."""
        points_here = _sum(self.scratch, points.c.points, points.c.card == "")
        found = Sums(self.sums.events, _money_fen(self.scratch), points_here, _sum(self.scratch, stock.c.quantity))
        if found != self.sums:
            self.proof.add(f"tables say {found[1:]} (money, points, quantity), events {self.sums[1:]}")

    def _compare(self) -> None:
        """The live tables against the rebuilt ones. What was accepted comes last: it need not add up."""
        self._check_sums()
        for store, chain, event in self.accepted:
            self._try(store, chain, [event], accept=True)
        live, rebuilt = projections.digests(self.connection), projections.digests(self.scratch)
        self.proof.tables = {name: live[name] == rebuilt[name] for name in live}
        for name, is_equal in self.proof.tables.items():
            if not is_equal:
                self.proof.add(f"table {name} is not what the log projects to")
        for table in (projections.waiting, entries):
            if extra := self.scratch.execute(select(func.count()).select_from(table)).scalar_one():
                self.proof.add(f"{extra} events that are in the live tables cannot be rebuilt: {table.name}")


def _sum(connection: Connection, what: Any, where: Any = True) -> int:
    return int(connection.execute(select(func.coalesce(func.sum(what), 0)).where(where)).scalar_one())


def _money_fen(connection: Connection) -> int:
    c = store_days.c
    return _sum(connection, c.sales_fen + c.rounding_fen - c.refunded_fen)


def _is(table: Table, chain: ChainId) -> list[Any]:
    return [table.c.device == chain.device, table.c.epoch == chain.epoch, table.c.branch == chain.branch]


def _places(connection: Connection, table: Table, where: Any) -> set[Place]:
    wanted = select(table.c.device, table.c.epoch, table.c.branch, table.c.seq).where(where)
    return {(chain_of(row), row.seq) for row in connection.execute(wanted)}
