"""HQ as it is now, and how it comes to know that it was restored from an old copy.

A generation is a run of HQ's memory without a gap. It ends when an operator says that HQ was restored, or when a till shows
a receipt with HQ's own signature for something that HQ no longer holds. Every till then offers all that it retains.
"""

from sqlalchemy import Connection, func, select

from pos_app.domain.events import GENESIS
from pos_app.domain.proof import KINDS_VERSION
from sync import protocol, signing
from sync.hq_server import feed, log, quarantine
from sync.hq_server.database import run
from sync.hq_server.devices import Device, find
from sync.hq_server.hq import GENERATION, GENERATION_BYTES, GENERATIONS, REVOKED, Caller, Hq, Rejected, read_meta
from sync.protocol import ChainId, Hello, Mark, Welcome

CHAINS_MAX = 2_000  # of one request


def hello(hq: Hq, caller: Caller, message: Hello) -> Welcome:
    """HQ's generation and its marks of the chains asked for; (0, 32 zero bytes) where it has none."""
    if max(len(message.chains), len(message.acknowledged)) > CHAINS_MAX:
        raise Rejected(protocol.TOO_LARGE, "too many chains")
    with hq.database.read() as connection:
        is_evidence = _is_evidence(hq, connection, caller, message)
    if is_evidence:
        with hq.database.write() as connection:
            if _is_evidence(hq, connection, caller, message):  # no other node was told meanwhile
                _begin(hq, connection)
    with hq.database.read() as connection:
        return welcome(hq, connection, caller, message.chains)


def welcome(hq: Hq, connection: Connection, caller: Caller, asked: list[ChainId]) -> Welcome:
    """HQ as it is now, with its marks of some chains."""
    open_ones = select(func.count()).where(quarantine.entries.c.store == caller.store, quarantine.entries.c.resolved_ms == 0)
    return Welcome(
        generation=hq.generation(connection), wall_ms=hq.clock.wall_ms(), marks=_marks(connection, caller, asked),
        revs={} if caller.state == REVOKED else feed.revs(connection), kinds=KINDS_VERSION,
        quarantined=connection.execute(open_ones).scalar_one(),
    )  # fmt: skip


def _marks(connection: Connection, caller: Caller, asked: list[ChainId]) -> list[tuple[ChainId, Mark]]:
    chains = own_chains(connection, caller, asked)
    nothing = Mark(0, GENESIS)
    return [(chain_id, chains[chain_id].mark if chain_id in chains else nothing) for chain_id in asked]


def own_chains(connection: Connection, caller: Caller, asked: list[ChainId]) -> dict[ChainId, log.Chain]:
    """Chains of the devices asked for, those of the caller's own store only."""
    chains: dict[ChainId, log.Chain] = {}
    for owner in owners(connection, caller, asked).values():
        chains |= log.chains_of(connection, owner.device)
    return chains


def owners(connection: Connection, caller: Caller, asked: list[ChainId]) -> dict[bytes, Device]:
    """The devices of some chains, by id: those of the caller's own store only."""
    found = (find(connection, device) for device in {chain.device for chain in asked})
    return {owner.device: owner for owner in found if owner and owner.store == caller.store}


# ------------------------------------------------------------------ restored


def restored(hq: Hq) -> bytes:
    """An operator says that HQ was restored from a copy; the new generation."""
    with hq.database.write() as connection:
        return _begin(hq, connection)


def _begin(hq: Hq, connection: Connection) -> bytes:
    new = hq.ids.random(GENERATION_BYTES)
    before = read_meta(connection, GENERATIONS)
    for name, value in ((GENERATION, new), (GENERATIONS, before + new)):
        run(connection, "UPDATE meta SET value = ? WHERE name = ?", value, name)
    return new


def _is_evidence(hq: Hq, connection: Connection, caller: Caller, message: Hello) -> bool:
    """Whether a till shows that HQ has lost its memory: receipts that HQ signed, of what it no longer holds.

    Receipts of the generation that HQ is in, or of one that it has never heard of: then it was restored from before that.
    """
    generation = message.generation
    known = read_meta(connection, GENERATIONS)
    past = {known[at : at + GENERATION_BYTES] for at in range(0, len(known), GENERATION_BYTES)}
    is_unknown = generation not in past
    if generation != hq.generation(connection) and not is_unknown:
        return False  # the till has not heard yet
    asked = [chain_id for chain_id, _, _ in message.acknowledged]
    devices, chains = owners(connection, caller, asked), own_chains(connection, caller, asked)
    for chain_id, mark, receipt in message.acknowledged:
        owner, chain = devices.get(chain_id.device), chains.get(chain_id)
        if owner is None and find(connection, chain_id.device) is not None:
            continue  # another shop's
        holds = owner and chain and log.hash_at(connection, owner, chain_id, chain, mark.seq) == mark.hash
        if (is_unknown or not holds) and _is_own(hq, chain_id, mark, receipt, generation):
            return True
    return False


def _is_own(hq: Hq, chain_id: ChainId, mark: Mark, receipt: bytes, generation: bytes) -> bool:
    return mark.seq > 0 and signing.is_signed(hq.key, receipt, signing.receipt_text(chain_id, mark, generation))
