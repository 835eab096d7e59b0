"""Two histories under one name: this file's and the one that HQ has. Both are kept, and neither is rewritten.

Up to the last common event the epoch is the same at both ends. What follows here is offered under a branch that stands on
that event; the epoch ends for this file in the same transaction, and a new one goes on. HQ may hold some of these events
under another branch already (an earlier life of this file offered them): those are passed over, as each is kept once.
"""

from pos_app.domain.proof import first_difference
from store_db import sync_state
from store_db.connection import Connection
from store_db.store import Store
from store_db.sync_state import HELD, MAIN, Chain
from sync.link import Link
from sync.protocol import HASHES, HELLO, ChainId, Hashes, HashesWanted, Hello, Mark, Welcome, branch_of
from sync.push import stretch, sums_at, sums_of_all


def settle(store: Store, link: Link, chain: Chain, theirs: Mark) -> None:
    """HQ's mark of a chain is not of this history: find the last common event, and branch off there.

    Also for a branch whose base HQ has lost: then what follows the main chain is offered anew. Raises what the link raises.
    """
    main = of_epoch(store.connection, chain.epoch)[0]
    if chain.branch != MAIN:
        theirs = _mark_at_hq(store, link, main)
    common = last_common(store.connection, link, main, theirs.seq)
    is_other = common < min(theirs.seq, main.end_seq)
    back_to = min(main.seq, common)
    sums = sums_at(store.connection, main, back_to)
    with store.transaction() as connection:
        mark = Mark(back_to, sync_state.hash_at(connection, main, back_to))
        if back_to < main.seq and not sync_state.put_mark(connection, main, *mark, b"", 0, sums):
            return  # another agent was here
        if is_other:
            branch_off(store, chain.epoch, common, common)
        elif chain.branch != MAIN:
            branch_off(store, chain.epoch, main.end_seq, main.end_seq)


def pass_over(store: Store, chain: Chain, upto: Mark) -> None:
    """HQ holds the events of a chain up to `upto` in other chains of the epoch; what follows them becomes a branch."""
    with store.transaction() as connection:
        main = of_epoch(connection, chain.epoch)[0]
        is_ours = chain.seq < upto.seq and sync_state.hash_at(connection, chain, upto.seq) == upto.hash
        if is_ours and (chain.branch != MAIN or chain.seq == main.seq):
            branch_off(store, chain.epoch, main.seq if chain.branch == MAIN else main.end_seq, upto.seq)


def branch_off(store: Store, epoch: bytes, main_end: int, base: int) -> None:
    """End the main chain at `main_end`, and let a branch begin after `base`, inside the open transaction.

    What lies between is at HQ already. A live epoch ends with this, so that the branch has an end.
    """
    connection = store.connection
    if of_epoch(connection, epoch)[0].is_live:
        store.begin_epoch("fork")
    segments = of_epoch(connection, epoch)
    main, end = segments[0], segments[-1].end_seq
    base_hash, end_hash = (sync_state.hash_at(connection, main, seq) for seq in (base, end))
    branch = branch_of(epoch, base_hash + end_hash) if base < end else b""
    held_sums = sums_of_all(stretch(connection, main, main_end + 1, base))
    sync_state.put_rest(connection, main, (main_end, base), held_sums, branch, base_hash)


def forget_held(store: Store) -> None:
    """HQ is not what it was: what it held elsewhere is offered again. Inside the open transaction."""
    for held in [chain for chain in sync_state.chains(store.connection) if chain.branch == HELD]:
        branch_off(store, held.epoch, held.base_seq, held.base_seq)


def last_common(connection: Connection, link: Link, main: Chain, upto: int) -> int:
    """The newest seq, `upto` at most, up to which HQ's main chain is this file's history."""

    def is_equal(seq: int) -> bool:
        wanted = HashesWanted(chain=ChainId(*main.id), seqs=[seq])
        return link.call(HASHES, wanted, Hashes).hashes == [sync_state.hash_at(connection, main, seq)]

    high = min(upto, of_epoch(connection, main.epoch)[-1].end_seq)
    if high == 0 or is_equal(high):
        return high
    return first_difference(0, high, is_equal) - 1


def of_epoch(connection: Connection, epoch: bytes) -> list[Chain]:
    """The chains of an epoch, the main one first."""
    return [chain for chain in sync_state.chains(connection) if chain.epoch == epoch]


def _mark_at_hq(store: Store, link: Link, chain: Chain) -> Mark:
    known = sync_state.hq(store.connection)
    hello = Hello(generation=known.generation if known else b"", chains=[ChainId(*chain.id)])
    return next(Mark(*mark) for _, mark in link.call(HELLO, hello, Welcome).marks)
