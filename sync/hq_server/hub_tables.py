"""The tables of a store hub: what its log says of things that tills share, who has them now, and what they hold."""

from sqlalchemy import BigInteger, Column, Connection, Index, LargeBinary, Table, Text, text

from sync.hq_server.database import run
from sync.hq_server.tables import metadata
from sync.protocol import ChainId

# Where in the log an event about something stands. `what` is one of the kinds of facts in hub_facts, `name` what it is about.
hub_facts = Table(
    "hub_facts", metadata, Column("store", Text, primary_key=True), Column("what", Text, primary_key=True),
    Column("name", Text, primary_key=True), Column("uid", LargeBinary, primary_key=True),
    Column("device", LargeBinary, nullable=False), Column("epoch", LargeBinary, nullable=False),
    Column("branch", LargeBinary, nullable=False), Column("seq", BigInteger, nullable=False),
)  # fmt: skip

# Who has what: `state` is held, used or released. At most one holder of a thing, whatever goes wrong above the database.
IS_EXCLUSIVE = text("state = 'held' AND what <> 'stock'")
hub_claims = Table(
    "hub_claims", metadata, Column("store", Text, primary_key=True), Column("what", Text, primary_key=True),
    Column("name", Text, primary_key=True), Column("uid", LargeBinary, primary_key=True),
    Column("device", LargeBinary, nullable=False), Column("state", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("freed_by", Text, nullable=False, server_default=""),  # the person who ended it, if one did, and when
    Column("freed_ms", BigInteger, nullable=False, server_default="0"), Index("hub_claims_by_uid", "store", "uid"),
    Index(
        "hub_claims_one_holder", "store", "what", "name", unique=True,
        sqlite_where=IS_EXCLUSIVE, postgresql_where=IS_EXCLUSIVE,
    ),
)  # fmt: skip

hub_promised = Table(  # the lines of claims on stock
    "hub_promised", metadata, Column("store", Text, primary_key=True), Column("uid", LargeBinary, primary_key=True),
    Column("sku", Text, primary_key=True), Column("quantity", BigInteger, nullable=False),
)  # fmt: skip

hub_baskets = Table(  # as the tills told: a list to choose from, no more
    "hub_baskets", metadata, Column("store", Text, primary_key=True), Column("uid", LargeBinary, primary_key=True),
    Column("device", LargeBinary, nullable=False), Column("label", Text, nullable=False), Column("lane", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False), Column("body", LargeBinary, nullable=False),
    Index("hub_baskets_by_device", "store", "device"),
)  # fmt: skip

hub_heard = Table(  # to which run of the hub each till told what it holds, and how far its journal had come the first time
    "hub_heard", metadata, Column("device", LargeBinary, primary_key=True), Column("generation", LargeBinary, nullable=False),
    Column("run", Text, nullable=False), Column("epoch", LargeBinary, nullable=False), Column("seq", BigInteger, nullable=False),
)  # fmt: skip

hub_upstream = Table(  # the hub as a device of HQ, and HQ as the hub knows it
    "hub_upstream", metadata, Column("one", BigInteger, primary_key=True, autoincrement=False),
    Column("device", LargeBinary, nullable=False), Column("secret", LargeBinary, nullable=False),
    Column("store", Text, nullable=False), Column("hq_key", LargeBinary, nullable=False),
    Column("generation", LargeBinary, nullable=False),
)  # fmt: skip

hub_marks = Table(  # how far HQ holds each chain; `upstream` is the branch it stands under there, after `base_seq` events of MAIN
    "hub_marks", metadata, Column("device", LargeBinary, primary_key=True), Column("epoch", LargeBinary, primary_key=True),
    Column("branch", LargeBinary, primary_key=True), Column("upstream", LargeBinary, nullable=False),
    Column("base_seq", BigInteger, nullable=False), Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False), Column("receipt", LargeBinary, nullable=False),
    Column("trouble", Text, nullable=False),
)  # fmt: skip

hub_cursors = Table(
    "hub_cursors", metadata, Column("topic", Text, primary_key=True), Column("generation", LargeBinary, nullable=False),
    Column("rev", BigInteger, nullable=False), Column("newest", BigInteger, nullable=False),
)  # fmt: skip


def is_hub(connection: Connection) -> bool:
    """Whether this server is the hub of a shop."""
    return run(connection, "SELECT 1 FROM hub_upstream").first() is not None


def upstream_seq(connection: Connection, chain: ChainId) -> int:
    """How far HQ holds a chain, as far as the hub knows."""
    found = run(connection, "SELECT seq FROM hub_marks WHERE device = ? AND epoch = ? AND branch = ?", *chain).scalar()
    return int(found or 0)
