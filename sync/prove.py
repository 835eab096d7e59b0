"""The proof: sums and heads of every chain compared with HQ's, and where two histories part, the first event that differs."""

from pos_app.domain.proof import KINDS_VERSION, first_difference
from store_db import sync_state
from store_db.store import Store
from store_db.sync_state import Chain
from sync import hello
from sync.link import Link
from sync.protocol import HASHES, PROOF, ChainId, ChainProof, Hashes, HashesWanted, Proofs, ProofWanted
from sync.step import UNEQUAL, Step


def prove(store: Store, link: Link) -> Step:
    """Compare what HQ has acknowledged of every chain; `done`: chains. The result is kept. Raises what the link raises."""
    chains = acknowledged(store)
    where = differences(store, link, chains)
    with store.transaction() as connection:
        sync_state.note_run(connection, sync_state.PROOF, store.clock.wall_ms(), " ".join(where), not where)
    return Step(len(chains), trouble=UNEQUAL if where else "")


def acknowledged(store: Store) -> list[Chain]:
    """The chains of which HQ has anything."""
    return [chain for chain in hello.offered(store.connection) if chain.seq > chain.base_seq]


def differences(store: Store, link: Link, chains: list[Chain]) -> list[str]:
    """Where HQ has not what these chains are up to their marks, sums and heads."""
    own = [(ChainId(*chain.id), ChainProof(chain.seq, chain.hash, *chain.sums)) for chain in chains]
    wanted = ProofWanted(chains=[(chain_id, proof.seq) for chain_id, proof in own], own=own)
    answer = link.call(PROOF, wanted, Proofs)
    theirs = {ChainId(*chain): ChainProof(*proof) for chain, proof in answer.chains}
    with_sums = answer.kinds == KINDS_VERSION
    differing = [chain for chain in chains if not is_equal(chain, theirs.get(ChainId(*chain.id)), with_sums)]
    return [where_it_differs(store, link, chain) for chain in differing]


def is_equal(chain: Chain, theirs: ChainProof | None, with_sums: bool) -> bool:
    """Whether HQ has the chain up to its mark just as it is here; sums of two versions of them are not compared."""
    if theirs is None or (theirs.seq, theirs.hash) != (chain.seq, chain.hash):
        return False
    return not with_sums or tuple(theirs[2:]) == tuple(chain.sums)


def where_it_differs(store: Store, link: Link, chain: Chain) -> str:
    """`epoch/branch:seq` of the first event that HQ has not, or has otherwise; `epoch/branch:sums` when all hashes are equal."""

    def is_same(seq: int) -> bool:
        wanted = HashesWanted(chain=ChainId(*chain.id), seqs=[seq])
        return link.call(HASHES, wanted, Hashes).hashes == [sync_state.hash_at(store.connection, chain, seq)]

    name = f"{chain.epoch.hex()}/{chain.branch.hex()}"
    if is_same(chain.seq):
        return f"{name}:sums"
    return f"{name}:{first_difference(chain.base_seq, chain.seq, is_same)}"
