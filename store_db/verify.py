"""The proof: the chain recomputed, the tables rebuilt by the same projectors, and sums that the projectors do not know."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pos_app.domain.coupons import uses_of
from pos_app.domain.events import GENESIS, KINDS, EpochOpened, Return, Sale, ShiftClosed, chain_hash, sale_is_whole
from pos_app.domain.plain import from_json, to_json
from pos_app.domain.points import is_debt
from store_db import journal
from store_db.connection import Connection, connect, sqlite, translated
from store_db.journal import Entry
from store_db.projectors import PROJECTED_TABLES, project
from store_db.schema import VERSION, make_tables
from store_db.verify_returns import ReturnsSoFar

PROBLEMS_MAX = 50
# What a changed row can raise on its way through hash, JSON, dataclass and projector.
BROKEN = (RuntimeError, LookupError, ValueError, TypeError, AttributeError, sqlite.Error)


@dataclass(slots=True)
class Proof:
    """What was found. `problems` is empty exactly when everything holds."""

    events: int = 0
    sales: int = 0
    total_fen: int = 0
    chain_head: str = ""
    problems: list[str] = field(default_factory=list)
    shifts: dict[int, list[int]] = field(default_factory=dict)  # shift -> [sales, fen] so far

    @property
    def is_ok(self) -> bool:
        return not self.problems

    def add(self, problem: str) -> None:
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)


def verify_file(path: Path, progress: Callable[[int], None] = lambda n: None) -> Proof:
    """Verify a store file without changing it. Raises StoreError when it cannot be read at all."""
    connection = connect(path, read_only=True)
    try:
        with translated(path):
            return verify(connection, progress)
    finally:
        connection.close()


def verify(connection: Connection, progress: Callable[[int], None] = lambda n: None) -> Proof:
    """Every check on an open store, in one read transaction so that lanes may go on selling."""
    proof = Proof()
    connection.execute("BEGIN")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            proof.add(f"schema version {version}, this program knows {VERSION}")
            return proof
        _check_integrity(connection, proof)
        scratch = _rebuild(connection, proof, progress)
        for table in PROJECTED_TABLES:
            if digest(connection, table) != digest(scratch, table):
                proof.add(f"table {table} is not what the journal projects to")
        _check_numbers(connection, proof)
        _check_sums(connection, proof)
        _check_stock(connection, proof)
        _check_ledger(connection, proof)
    finally:
        connection.execute("COMMIT")
    return proof


def digest(connection: Connection, table: str) -> str:
    """blake2b over a table's rows in key order."""
    hasher = hashlib.blake2b(digest_size=16)
    for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2"):
        hasher.update(json.dumps([v.hex() if isinstance(v, bytes) else v for v in row]).encode() + b"\n")
    return hasher.hexdigest()


def _check_integrity(connection: Connection, proof: Proof) -> None:
    for (line,) in connection.execute("PRAGMA integrity_check(5)"):
        if line != "ok":
            proof.add(f"integrity: {line}")


def _rebuild(connection: Connection, proof: Proof, progress: Callable[[int], None]) -> Connection:
    """Walk the chain and project every event into a scratch database."""
    scratch = sqlite.connect(":memory:", isolation_level=None)
    scratch.row_factory = sqlite.Row
    scratch.execute("BEGIN")
    make_tables(scratch)
    previous: Entry | None = None
    uids: set[bytes] = set()
    returned = ReturnsSoFar(connection, proof.add)
    for entry in journal.entries(connection):
        try:
            _check_entry(entry, previous, proof)
            if entry.header.uid in uids:
                proof.add(f"event {entry.id}: uid is used twice")
            uids.add(entry.header.uid)
            project(scratch, entry.id, entry.header, json.loads(entry.payload))
            _check_payload(entry, proof, returned)
        except BROKEN as error:
            proof.add(f"event {entry.id} ({entry.header.kind}) is broken: {type(error).__name__} {error}")
        previous = entry
        proof.events += 1
        if proof.events % 1000 == 0:
            progress(proof.events)
    returned.finish()
    if previous is not None:
        proof.chain_head = bytes(previous.hash).hex() if isinstance(previous.hash, bytes) else ""
    return scratch


def _check_entry(entry: Entry, previous: Entry | None, proof: Proof) -> None:
    """Dense ids, dense seq within an epoch, and the hash over everything before."""
    same_epoch = previous is not None and previous.header.epoch == entry.header.epoch
    before = previous.hash if previous is not None and same_epoch else GENESIS
    if previous is not None and not same_epoch:
        _check_link(entry, previous, proof)
    if entry.id != (previous.id if previous else 0) + 1:
        proof.add(f"event {entry.id}: an event before it is missing")
    if entry.header.seq != (previous.header.seq if previous is not None and same_epoch else 0) + 1:
        proof.add(f"event {entry.id}: seq {entry.header.seq} is not dense")
    if chain_hash(before, entry.header, entry.payload) != entry.hash:
        proof.add(f"event {entry.id}: hash does not match, this event or its header was changed")


def _check_link(entry: Entry, previous: Entry, proof: Proof) -> None:
    """An epoch's first event holds the head of the one before: the chain goes on across epochs."""
    event = entry.event()
    parent = (previous.header.epoch.hex(), previous.header.seq, previous.hash.hex())
    if not isinstance(event, EpochOpened) or (event.parent_epoch, event.parent_seq, event.parent_hash) != parent:
        proof.add(f"event {entry.id}: does not name event {previous.id} as the one it follows")


def _check_payload(entry: Entry, proof: Proof, returned: ReturnsSoFar) -> None:
    cls = KINDS.get(entry.header.kind)
    if cls is None:
        return
    event = from_json(cls, entry.payload)
    if to_json(event) != entry.payload:
        proof.add(f"event {entry.id}: payload is not canonical")
    if isinstance(event, ShiftClosed):
        _check_z(event, proof, returned)
    if isinstance(event, Return):
        returned.see(entry.id, event)
    if isinstance(event, Sale):
        returned.see_sale(event)
        sums = proof.shifts.setdefault(event.shift_no, [0, 0])
        sums[0] += 1
        sums[1] += event.total_fen
        proof.sales += 1
        proof.total_fen += event.total_fen
        if not sale_is_whole(event):
            proof.add(f"event {entry.id}: sale {event.number} does not add up")


def _check_z(z: ShiftClosed, proof: Proof, returned: ReturnsSoFar) -> None:
    """A Z is the sum of the sales and returns that name its shift."""
    if [z.returns or 0, z.refunded_fen or 0] != returned.of_shift(z.shift_no):
        proof.add(f"shift {z.shift_no}: Z says {z.returns} returns of {z.refunded_fen} fen, not {returned.of_shift(z.shift_no)}")
    if [z.sales, z.total_fen] != proof.shifts.get(z.shift_no, [0, 0]):
        proof.add(f"shift {z.shift_no}: Z says {z.sales} sales of {z.total_fen} fen, the journal {proof.shifts.get(z.shift_no)}")


def _check_numbers(connection: Connection, proof: Proof) -> None:
    """Gapless within each series, from 1."""
    rows = connection.execute(
        "SELECT series_no, count(*), min(counter), max(counter) FROM "
        "(SELECT series_no, counter FROM receipts UNION ALL SELECT series_no, counter FROM returns) GROUP BY series_no"
    )
    for series_no, count, first, last in rows:
        if first != 1 or last != count:
            proof.add(f"series {series_no}: {count} numbers from {first} to {last}, not gapless")


def _check_sums(connection: Connection, proof: Proof) -> None:
    """Sums over the tables against sums over the payloads."""
    paid = connection.execute(
        "SELECT count(*), ifnull(sum(total_fen), 0), ifnull(sum(rounding_fen), 0) FROM receipts WHERE state = 'paid'"
    ).fetchone()
    tendered = connection.execute("SELECT ifnull(sum(amount_fen), 0) FROM tenders").fetchone()[0]
    if (paid[0], paid[1]) != (proof.sales, proof.total_fen):
        proof.add(f"receipts say {paid[0]} sales of {paid[1]} fen, the journal {proof.sales} of {proof.total_fen}")
    if tendered != paid[1] + paid[2]:
        proof.add(f"tenders say {tendered} fen, receipts with rounding {paid[1] + paid[2]}")


def _check_stock(connection: Connection, proof: Proof) -> None:
    """The folded base is the sum of the moves it stands for."""
    folded_to = connection.execute("SELECT folded_to FROM stock_fold").fetchone()[0]
    moved: Counter[str] = Counter()
    for sku, quantity in _moves(connection, folded_to):
        moved[sku] += quantity
    base = dict(connection.execute("SELECT sku, quantity FROM stock_base").fetchall())
    for sku in moved.keys() | base.keys():
        if moved[sku] != base.get(sku, 0):
            proof.add(f"stock of {sku}: base {base.get(sku, 0)}, moves {moved[sku]}")


def _check_ledger(connection: Connection, proof: Proof) -> None:
    """No lot of points or stamps is below zero but a stated debt, no debt above; no coupon is used more often than it may be."""
    lots = "SELECT alias, lot, sum(points) FROM points_entries GROUP BY alias, card, lot"
    for alias, lot, left in connection.execute(lots):
        if left > 0 if is_debt(lot) else left < 0:
            proof.add(f"points of {alias}: lot {lot} holds {left}")
    uses = "SELECT u.code, count(*), c.uses FROM coupon_uses u LEFT JOIN coupons c ON c.code = u.code GROUP BY u.code"
    for code, count, most in connection.execute(uses):
        if count > (uses_of(code) if most is None else most):
            proof.add(f"coupon {code}: used {count} times")


def _moves(connection: Connection, folded_to: int) -> Iterator[tuple[str, int]]:
    yield from connection.execute("SELECT sku, quantity FROM stock_moves WHERE id <= ?", (folded_to,))
