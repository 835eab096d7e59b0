"""Hello: what this file knows of HQ, and what HQ makes of it: its generation, its time, and how far it has each chain.

A mark above HQ's goes back to it, and everything after it is offered again. HQ ahead of the live epoch means that this file is
an old copy of what it was: it begins a new epoch. A chain that stands otherwise at HQ is settled by `fork`.
"""

from pos_app.domain.events import GENESIS
from store_db import sync_state
from store_db.connection import Connection
from store_db.store import Store
from store_db.sync_state import HELD, Chain, HqState
from sync import fork
from sync.link import Link, Untrusted
from sync.protocol import HASHES, HELLO, ChainId, Hashes, HashesWanted, Hello, Mark, Welcome
from sync.push import sums_at


def greet(store: Store, link: Link) -> bool:
    """One hello and all that follows from it. False: another agent was at work meanwhile; say hello again.

    Raises Untrusted and what the link raises. Whatever was done by then stays right.
    """
    connection = store.connection
    known, chains = sync_state.hq(connection), offered(connection)
    if known is None:
        raise Untrusted("not enrolled")
    welcome, offset_ms = _ask(store, link, known, chains)
    marks = {ChainId(*chain): Mark(*mark) for chain, mark in welcome.marks}
    theirs = [(chain, _mark_of(connection, chain, marks)) for chain in chains]
    behind = [(chain, mark) for chain, mark in theirs if mark.seq < chain.seq and _is_ours(connection, chain, mark)]
    astray = [(chain, mark) for chain, mark in theirs if not _is_ours(connection, chain, mark)]
    if welcome.generation != known.generation or sync_state.is_unequal(connection):
        ahead = [(chain, mark) for chain, mark in theirs if mark.seq > chain.seq]
        astray += [(chain, mark) for chain, mark in ahead if not _holds(connection, link, chain)]
    is_settled = _take(store, welcome, offset_ms, known, marks, behind)
    for chain, mark in astray:
        fork.settle(store, link, chain, mark)
    return is_settled


def offered(connection: Connection) -> list[Chain]:
    """The chains that HQ knows by their names."""
    return [chain for chain in sync_state.chains(connection) if chain.branch != HELD]


def _ask(store: Store, link: Link, known: HqState, chains: list[Chain]) -> tuple[Welcome, int]:
    """The welcome, and how far HQ's clock is ahead of this one (ms)."""
    evidence = [(ChainId(*one.id), Mark(one.seq, one.hash), one.receipt) for one in chains if one.receipt]
    asked_ms, asked_mono_ms = store.clock.wall_ms(), store.clock.mono_ms()
    hello = Hello(generation=known.generation, acknowledged=evidence, chains=[ChainId(*one.id) for one in chains])
    welcome = link.call(HELLO, hello, Welcome)
    return welcome, welcome.wall_ms - asked_ms - (store.clock.mono_ms() - asked_mono_ms) // 2


def _mark_of(connection: Connection, chain: Chain, marks: dict[ChainId, Mark]) -> Mark:
    """HQ's mark of a chain; the point where the chain begins while HQ has nothing of it."""
    mark = marks.get(ChainId(*chain.id), Mark(0, GENESIS))
    return mark if mark.seq > chain.base_seq else Mark(chain.base_seq, sync_state.hash_at(connection, chain, chain.base_seq))


def _is_ours(connection: Connection, chain: Chain, mark: Mark) -> bool:
    """Whether HQ's mark is of this history; one beyond this chain's mark says nothing of it."""
    return mark.seq > chain.seq or sync_state.hash_at(connection, chain, mark.seq) == mark.hash


def _holds(connection: Connection, link: Link, chain: Chain) -> bool:
    """Whether HQ has this history up to the chain's mark."""
    if chain.seq == chain.base_seq:
        return True
    wanted = HashesWanted(chain=ChainId(*chain.id), seqs=[chain.seq])
    return link.call(HASHES, wanted, Hashes).hashes == [chain.hash]


def _take(
    store: Store, welcome: Welcome, offset_ms: int, known: HqState, marks: dict[ChainId, Mark], behind: list[tuple[Chain, Mark]]
) -> bool:
    """Everything that follows at once: marks that go back, the generation, a new epoch for an old copy."""
    sums = [sums_at(store.connection, chain, mark.seq) for chain, mark in behind]
    with store.transaction() as connection:
        moves = zip(behind, sums, strict=True)
        is_settled = all(sync_state.put_mark(connection, chain, *mark, b"", 0, total) for (chain, mark), total in moves)
        if welcome.generation != known.generation:
            fork.forget_held(store)
        if is_settled:
            sync_state.note_welcome(connection, welcome.generation, store.clock.wall_ms(), offset_ms)
            sync_state.note_run(connection, sync_state.QUARANTINE, store.clock.wall_ms(), str(welcome.quarantined))
        live = sync_state.chains(connection)[-1]
        if marks.get(ChainId(*live.id), Mark(0, GENESIS)).seq > live.end_seq:
            store.begin_epoch("restore")
    return is_settled
