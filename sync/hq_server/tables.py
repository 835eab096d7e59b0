"""HQ's core tables: who it knows, how far each chain has come, and the log of everything it was ever told."""

from typing import Any

from sqlalchemy import DDL, BigInteger, Column, Index, LargeBinary, MetaData, Table, Text, event

PARTITIONS = 16

metadata = MetaData()


def _key(name: str, kind: Any = LargeBinary) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _plain(kind: Any, *names: str) -> list[Column[Any]]:
    return [Column(name, kind, nullable=False) for name in names]


# HQ itself, by name: its signing key, its generation, the generations before
meta = Table("meta", metadata, _key("name", Text), *_plain(LargeBinary, "value"), sqlite_with_rowid=False)

stores = Table("stores", metadata, _key("store", Text), *_plain(Text, "name"), *_plain(BigInteger, "made_ms"))

# `state` is active, frozen (two machines live under one id) or revoked; `via` is the hub that introduced it, or empty
devices = Table(
    "devices", metadata, _key("device"), *_plain(Text, "store", "role", "state"), *_plain(LargeBinary, "heir_of", "via"),
    *_plain(BigInteger, "made_ms", "seen_ms"), Index("devices_by_store", "store"),
)  # fmt: skip

# keys are numbered in order; revoked_ms is 0 while a key is good, and a revoked one is kept so that it never comes back
device_keys = Table(
    "device_keys", metadata, _key("device"), _key("key"), *_plain(Text, "key_id"), *_plain(BigInteger, "number", "revoked_ms"),
)  # fmt: skip

enrol_codes = Table(
    "enrol_codes", metadata, _key("hash"), *_plain(Text, "store", "role"), *_plain(BigInteger, "made_ms", "until_ms", "used_ms"),
    *_plain(LargeBinary, "used_by", "heir_of"),
)  # fmt: skip

# `number`: the order in which a device's epochs came; the sums are those of base_seq + 1 .. seq; then the last event's clocks
chains = Table(
    "chains", metadata, _key("device"), _key("epoch"), _key("branch"), *_plain(Text, "store"),
    *_plain(BigInteger, "number", "base_seq", "seq"), *_plain(LargeBinary, "hash"),
    *_plain(BigInteger, "events", "money_fen", "points", "quantity", "received_ms", "wall_ms", "mono_ms"),
    *_plain(LargeBinary, "boot_id"), Index("chains_by_store", "store"),
)  # fmt: skip

# every event, unchanged; money, points and quantity are what it adds to its chain's sums
log = Table(
    "log", metadata, _key("store", Text), _key("device"), _key("epoch"), _key("branch"), _key("seq", BigInteger),
    *_plain(LargeBinary, "uid"), *_plain(Text, "kind"), *_plain(BigInteger, "schema"), *_plain(Text, "lane", "business_date"),
    *_plain(BigInteger, "wall_ms", "mono_ms"), *_plain(LargeBinary, "boot_id"), *_plain(BigInteger, "hq_offset_ms"),
    *_plain(LargeBinary, "payload", "hash"), *_plain(BigInteger, "money_fen", "points", "quantity", "received_ms"),
    Index("log_by_day", "store", "business_date"), postgresql_partition_by="HASH (store)",
)  # fmt: skip
LZ4 = "ALTER TABLE log ALTER COLUMN payload SET COMPRESSION lz4"  # a third of the work of taking events in, as measured
event.listen(log, "after_create", DDL(LZ4).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]
for number in range(PARTITIONS):
    part = f"CREATE TABLE log_{number} PARTITION OF log FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
    event.listen(log, "after_create", DDL(part).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]

# what a store has been told already: an event that comes again in another chain counts once
uids = Table("uids", metadata, _key("store", Text), _key("uid"), sqlite_with_rowid=False)
