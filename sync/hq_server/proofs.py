"""That both ends hold the same: sums of chains, single hashes for bisecting, and a signed statement of each store-day."""

from collections import defaultdict

import msgspec
from sqlalchemy import Connection, bindparam, text

from pos_app.domain.proof import KINDS_VERSION, Sums, day_root, device_root
from sync import protocol
from sync.hq_server import heard
from sync.hq_server.database import run
from sync.hq_server.generation import CHAINS_MAX, own_chains, owners
from sync.hq_server.hq import Caller, Hq, Rejected
from sync.hq_server.log import Chain
from sync.protocol import ChainId, ChainProof, DayStatement, DayWanted, Hashes, HashesWanted, Proofs, ProofWanted
from sync.signing import statement_text

SEQS_MAX = 1_000  # of one request
HASHES = text(
    "SELECT seq, hash FROM log WHERE store = :store AND device = :device AND epoch = :epoch AND branch = :branch AND seq IN :seqs"
).bindparams(bindparam("seqs", expanding=True))


def hashes(hq: Hq, caller: Caller, message: HashesWanted) -> Hashes:
    """HQ's hash at each seq of a chain; empty where it holds none."""
    if len(message.seqs) > SEQS_MAX:
        raise Rejected(protocol.TOO_LARGE, "too many seqs")
    device, epoch, branch = message.chain
    values = {"store": caller.store, "device": device, "epoch": epoch, "branch": branch, "seqs": _possible(message.seqs)}
    with hq.database.read() as connection:
        found = {seq: bytes(hash_) for seq, hash_ in connection.execute(HASHES, values)}
    return Hashes(hashes=[found.get(seq, b"") for seq in message.seqs])


def _possible(seqs: list[int]) -> list[int]:
    return sorted({seq for seq in seqs if 0 < seq < 1 << 63})


def proof(hq: Hq, caller: Caller, message: ProofWanted) -> Proofs:
    """What HQ holds of each chain up to the seq asked for, or up to where it ends; chains that it does not know are left out."""
    if max(len(message.chains), len(message.own)) > CHAINS_MAX:
        raise Rejected(protocol.TOO_LARGE, "too many chains")
    asked = [chain_id for chain_id, _ in message.chains]
    with hq.database.read() as connection:
        chains, devices = own_chains(connection, caller, asked), owners(connection, caller, asked)
        proofs = [
            (chain_id, _proof(connection, devices[chain_id.device].store, chain_id, chains[chain_id], seq))
            for chain_id, seq in message.chains
            if chain_id in chains and seq >= 0
        ]
    if message.own:
        with hq.database.write() as connection:
            heard.note_proofs(connection, message.own, dict(proofs), hq.clock.wall_ms())
    return Proofs(chains=proofs, kinds=KINDS_VERSION)


def _proof(connection: Connection, store: str, chain_id: ChainId, chain: Chain, upto: int) -> ChainProof:
    """The chain's own sums, less those of the events after `upto`: a till asks for nearly all, so that these are few."""
    if upto >= chain.seq:
        return ChainProof(chain.seq, chain.hash, *chain.sums)
    place = "store = ? AND device = ? AND epoch = ? AND branch = ?"
    sums = "SELECT count(*), coalesce(sum(money_fen), 0), coalesce(sum(points), 0), coalesce(sum(quantity), 0) FROM log WHERE "
    later = Sums(*map(int, run(connection, f"{sums}{place} AND seq > ?", store, *chain_id, upto).one()))
    at = run(connection, f"SELECT hash FROM log WHERE {place} AND seq = ?", store, *chain_id, upto).first()
    own = (a - b for a, b in zip(chain.sums, later, strict=True))
    return ChainProof(max(upto, chain.base_seq), bytes(at[0]) if at else b"", *own)


def day(hq: Hq, caller: Caller, message: DayWanted) -> DayStatement:
    """What HQ holds of the store's day, signed. Devices in order of their ids; a root is over the day's hashes in order."""
    if len(message.business_date) > 10 or "\0" in message.business_date:
        raise Rejected(protocol.BROKEN, "business date")
    by_device: dict[bytes, list[bytes]] = defaultdict(list)
    money_fen = 0
    with hq.database.read() as connection:
        sql = "SELECT device, hash, money_fen FROM log WHERE store = ? AND business_date = ?"
        for device, hash_, added_fen in run(connection, sql, caller.store, message.business_date):
            by_device[bytes(device)].append(bytes(hash_))
            money_fen += added_fen
        generation = hq.generation(connection)
    devices = [(device, len(held), device_root(held)) for device, held in sorted(by_device.items())]
    statement = DayStatement(
        store=caller.store, business_date=message.business_date, generation=generation,
        events=sum(count for _, count, _ in devices), money_fen=money_fen, root=day_root(devices), devices=devices,
        made_ms=hq.clock.wall_ms(),
    )  # fmt: skip
    return msgspec.structs.replace(statement, signature=hq.sign(statement_text(statement)))
