"""What devices say of themselves: how far each chain goes at the shop, and whether its sums were equal to HQ's.

HQ compares the device's own sums with its own, at the same seq: it knows of an inequality as soon as the device does.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table
from sqlalchemy.dialects import postgresql, sqlite

from sync.hq_server.tables import metadata
from sync.protocol import ChainId, ChainProof

UNKNOWN, EQUAL, UNEQUAL = 0, 1, 2

heard = Table(
    "heard", metadata,
    Column("device", LargeBinary, primary_key=True), Column("epoch", LargeBinary, primary_key=True),
    Column("branch", LargeBinary, primary_key=True), Column("head", BigInteger, nullable=False),
    Column("equality", BigInteger, nullable=False), Column("proved_ms", BigInteger, nullable=False),
)  # fmt: skip


def note_head(connection: Connection, chain: ChainId, head: int) -> None:
    """A chain goes up to `head` at the shop."""
    _put(connection, chain, {"head": head}, {"equality": UNKNOWN, "proved_ms": 0})


def note_proofs(
    connection: Connection, theirs: Iterable[tuple[ChainId, ChainProof]], ours: Mapping[ChainId, ChainProof], now_ms: int
) -> None:
    """Whether each chain's sums are the same at both ends, at the same seq."""
    for chain, proof in theirs:
        if (own := ours.get(chain)) is not None and own.seq == proof.seq:
            equality = EQUAL if own == proof else UNEQUAL
            _put(connection, chain, {"equality": equality, "proved_ms": now_ms}, {"head": proof.seq})


def _put(connection: Connection, chain: ChainId, news: dict[str, Any], first: dict[str, Any]) -> None:
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"device": chain.device, "epoch": chain.epoch, "branch": chain.branch, **first, **news}
    keys = ["device", "epoch", "branch"]
    connection.execute(insert(heard).values(row).on_conflict_do_update(index_elements=keys, set_=news))
