"""Events go up: the next batch of the oldest chain that HQ lacks something of, and what HQ's answer does to its mark.

The mark of a chain moves only with a receipt that HQ signed, for the hash that this journal has itself at that seq, and
only from where it was when the batch was made: a second agent, a late answer or a crash at any point does no harm.
"""

from typing import NamedTuple

from pos_app.domain.proof import Sums
from store_db import journal, sync_state
from store_db.connection import Connection
from store_db.journal import Entry
from store_db.store import Store
from store_db.sync_state import Chain
from sync.link import Link, Refused
from sync.protocol import BATCH_BYTES_MAX, EVENTS_MAX, FORK, GAP, PUSH, Ack, ChainId, Problem, Push, encode, to_columns
from sync.step import Step
from sync.sums import sums_of

SUMS_CHUNK = 1_000


class OtherGeneration(Exception):
    """HQ is not in the generation that this file knows: its welcome comes first."""


class Astray(Exception):
    """HQ holds a chain otherwise than this file believes: GAP or FORK."""

    def __init__(self, chain: Chain, problem: Problem) -> None:
        self.chain, self.problem = chain, problem
        super().__init__(f"{problem.code} {problem.detail}")


class Batch(NamedTuple):
    """The next events of a chain, as it stood then, with their sums and the body of the request."""

    chain: Chain
    entries: list[Entry]
    sums: Sums
    body: bytes


class Ahead:
    """The batch behind the one that is under way, made while HQ is at work on that; used if it is the next one indeed."""

    def __init__(self) -> None:
        self._batch: Batch | None = None

    def next(self, connection: Connection, chain: Chain, events_max: int) -> Batch:
        made, self._batch = self._batch, None
        if made is not None and is_next(made, chain) and len(made.entries) <= events_max:
            return made._replace(chain=chain)
        return packed(connection, chain, events_max)

    def make(self, connection: Connection, batch: Batch, events_max: int) -> None:
        last = batch.entries[-1]
        after = batch.chain._replace(seq=last.header.seq, hash=last.hash)
        self._batch = packed(connection, after, events_max) if after.waiting else None


def is_next(batch: Batch, chain: Chain) -> bool:
    """Whether a batch goes on where HQ's mark of the chain is."""
    then = batch.chain
    return (then.id, then.seq, then.hash) == (chain.id, chain.seq, chain.hash)


def push_batch(store: Store, link: Link, events_max: int = EVENTS_MAX, ahead: Ahead | None = None) -> Step:
    """Offer the next batch, and make the one behind it meanwhile; `done`: how far its chain's mark moved.

    Raises Astray, OtherGeneration, and what the link raises; then no mark has moved.
    """
    connection = store.connection
    known, waiting = sync_state.hq(connection), _waiting(connection)
    if known is None or not waiting:
        return Step()
    chain, ahead = waiting[0], ahead or Ahead()
    batch = ahead.next(connection, chain, events_max)
    try:
        ack = link.ask(PUSH, batch.body, Ack, meanwhile=lambda: ahead.make(connection, batch, events_max))
    except Refused as refused:
        if refused.problem.code in (GAP, FORK):
            raise Astray(chain, refused.problem) from refused
        raise
    if ack.generation != known.generation:
        raise OtherGeneration
    done = acknowledge(store, batch, ack)
    return Step(done, more=len(waiting) > 1 or chain.seq + done < chain.end_seq)


def _waiting(connection: Connection) -> list[Chain]:
    return [chain for chain in sync_state.chains(connection) if chain.waiting]


def packed(connection: Connection, chain: Chain, events_max: int = EVENTS_MAX) -> Batch:
    """The next batch of a chain of which something waits."""
    entries = next_events(connection, chain, events_max)
    return Batch(chain, entries, sums_of_all(entries), encode(_push(chain, entries)))


def next_events(connection: Connection, chain: Chain, events_max: int = EVENTS_MAX) -> list[Entry]:
    """The next events of a chain: `events_max` at most, BATCH_BYTES_MAX of payload; at least one."""
    entries: list[Entry] = []
    size = 0
    for entry in stretch(connection, chain, chain.seq + 1, min(chain.end_seq, chain.seq + events_max)):
        size += len(entry.payload)
        if entries and size > BATCH_BYTES_MAX:
            break
        entries.append(entry)
    return entries


def stretch(connection: Connection, chain: Chain, first: int, last: int) -> list[Entry]:
    """The events from seq `first` to seq `last` of a chain."""
    entries = journal.between(connection, chain.first_id + first - 1, chain.first_id + last - 1)
    if any((entry.header.device, entry.header.epoch) != (chain.device, chain.epoch) for entry in entries):
        raise RuntimeError(f"journal {chain.first_id + first - 1}: not of epoch {chain.epoch.hex()}")
    return entries


def _push(chain: Chain, entries: list[Entry]) -> Push:
    events = to_columns([(entry.header, entry.payload) for entry in entries])
    return Push(chain=ChainId(*chain.id), first_seq=chain.seq + 1, prev_hash=chain.hash, events=events, head=chain.end_seq)


def acknowledge(store: Store, batch: Batch, ack: Ack) -> int:
    """Move the mark to what HQ has acknowledged; how many events that is. 0: it is not our history, or was moved meanwhile."""
    chain, (seq, hash) = batch.chain, ack.mark
    if not chain.seq < seq <= chain.end_seq or sync_state.hash_at(store.connection, chain, seq) != hash:
        return 0
    is_batch = seq == chain.seq + len(batch.entries)
    sums = chain.sums.plus(batch.sums) if is_batch else sums_at(store.connection, chain, seq)
    with store.transaction() as connection:
        known = sync_state.hq(connection)
        if known is None or known.generation != ack.generation:
            return 0
        if known.frozen:
            sync_state.set_frozen(connection, False)
        is_moved = sync_state.put_mark(connection, chain, seq, hash, ack.receipt, ack.upstream_seq, sums)
    return seq - chain.seq if is_moved else 0


def sums_at(connection: Connection, chain: Chain, seq: int) -> Sums:
    """The sums of base_seq + 1 .. seq, from those at the chain's mark and the events between."""
    low, high = sorted((chain.seq, seq))
    between = Sums()
    for first in range(low + 1, high + 1, SUMS_CHUNK):
        between = between.plus(sums_of_all(stretch(connection, chain, first, min(high, first + SUMS_CHUNK - 1))))
    if seq < chain.seq:
        between = Sums(*(-value for value in between))
    return chain.sums.plus(between)


def sums_of_all(entries: list[Entry]) -> Sums:
    added = [sums_of(entry.header.kind, entry.payload) for entry in entries]
    return Sums(*map(sum, zip(Sums(), *added, strict=True)))
