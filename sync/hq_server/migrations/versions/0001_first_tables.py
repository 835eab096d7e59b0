"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "chains",
        sa.Column("device", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("branch", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("base_seq", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("money_fen", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("wall_ms", sa.BigInteger(), nullable=False),
        sa.Column("mono_ms", sa.BigInteger(), nullable=False),
        sa.Column("boot_id", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("device", "epoch", "branch"),
    )
    op.create_index("chains_by_store", "chains", ["store"], unique=False)
    op.create_table(
        "coupon_uses",
        sa.Column("code", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("uid", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("saved_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "store", "uid"),
    )
    op.create_table(
        "coupons",
        sa.Column("code", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("promotion", sa.Text(), nullable=False),
        sa.Column("uses_max", sa.BigInteger(), nullable=False),
        sa.Column("voids", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "day_taxes",
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("business_date", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("tax_code", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("rate_bp", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("net_fen", sa.BigInteger(), nullable=False),
        sa.Column("tax_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "business_date", "tax_code", "rate_bp"),
    )
    op.create_table(
        "day_tenders",
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("business_date", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("lane", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("taken_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "business_date", "lane", "kind"),
    )
    op.create_table(
        "device_keys",
        sa.Column("device", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", "key"),
    )
    op.create_table(
        "devices",
        sa.Column("device", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("heir_of", sa.LargeBinary(), nullable=False),
        sa.Column("via", sa.LargeBinary(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_index("devices_by_store", "devices", ["store"], unique=False)
    op.create_table(
        "enrol_codes",
        sa.Column("hash", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_by", sa.LargeBinary(), nullable=False),
        sa.Column("heir_of", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "exceptions",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("resolved_ms", sa.BigInteger(), nullable=False),
        sa.Column("resolved_by", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("store", "name"),
    )
    op.create_index("exceptions_about", "exceptions", ["about"], unique=False)
    op.create_table(
        "feed",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "store", "key"),
    )
    op.create_index("feed_by_rev", "feed", ["topic", "store", "rev"], unique=False)
    op.create_table(
        "feed_gaps",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "last"),
    )
    op.create_table(
        "heard",
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("branch", sa.LargeBinary(), nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.Column("equality", sa.BigInteger(), nullable=False),
        sa.Column("proved_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", "epoch", "branch"),
    )
    op.create_table(
        "hub_baskets",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("uid", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("store", "uid"),
    )
    op.create_index("hub_baskets_by_device", "hub_baskets", ["store", "device"], unique=False)
    op.create_table(
        "hub_claims",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("freed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("freed_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("store", "what", "name", "uid"),
    )
    op.create_index("hub_claims_by_uid", "hub_claims", ["store", "uid"], unique=False)
    op.create_index(
        "hub_claims_one_holder",
        "hub_claims",
        ["store", "what", "name"],
        unique=True,
        sqlite_where=sa.text("state = 'held' AND what <> 'stock'"),
        postgresql_where=sa.text("state = 'held' AND what <> 'stock'"),
    )
    op.create_table(
        "hub_cursors",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("generation", sa.LargeBinary(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic"),
    )
    op.create_table(
        "hub_facts",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("branch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "what", "name", "uid"),
    )
    op.create_table(
        "hub_heard",
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("generation", sa.LargeBinary(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_table(
        "hub_marks",
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("branch", sa.LargeBinary(), nullable=False),
        sa.Column("upstream", sa.LargeBinary(), nullable=False),
        sa.Column("base_seq", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device", "epoch", "branch"),
    )
    op.create_table(
        "hub_promised",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("uid", sa.LargeBinary(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "uid", "sku"),
    )
    op.create_table(
        "hub_upstream",
        sa.Column("one", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("hq_key", sa.LargeBinary(), nullable=False),
        sa.Column("generation", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
    op.create_table(
        "log",
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("device", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("branch", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("uid", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("schema", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Text(), nullable=False),
        sa.Column("wall_ms", sa.BigInteger(), nullable=False),
        sa.Column("mono_ms", sa.BigInteger(), nullable=False),
        sa.Column("boot_id", sa.LargeBinary(), nullable=False),
        sa.Column("hq_offset_ms", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("money_fen", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "device", "epoch", "branch", "seq"),
        postgresql_partition_by="HASH (store)",
    )
    op.create_index("log_by_day", "log", ["store", "business_date"], unique=False)
    op.create_table(
        "meta",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "operators",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "points",
        sa.Column("alias", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("card", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("lot", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("alias", "card", "lot"),
    )
    op.create_table(
        "promotion_uses",
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("promotion", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("allowed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "promotion"),
    )
    op.create_table(
        "quarantine",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("branch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("uid", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_projected", sa.Boolean(), nullable=False),
        sa.Column("resolved_ms", sa.BigInteger(), nullable=False),
        sa.Column("resolved_by", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("store", "device", "epoch", "branch", "seq", "code"),
    )
    op.create_index("quarantine_open", "quarantine", ["store", "resolved_ms"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("uid", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("staff", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("shift_no", sa.BigInteger(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("rounding_fen", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("wall_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "uid"),
    )
    op.create_index("receipts_by_day", "receipts", ["store", "business_date"], unique=False)
    op.create_table(
        "resolutions",
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("uid", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("staff", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("store", "uid"),
    )
    op.create_index("resolutions_about", "resolutions", ["store", "about"], unique=False)
    op.create_table(
        "shifts_closed",
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("uid", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("business_date", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("staff", sa.Text(), nullable=False),
        sa.Column("shift_no", sa.BigInteger(), nullable=False),
        sa.Column("sales", sa.BigInteger(), nullable=False),
        sa.Column("returns", sa.BigInteger(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("rounding_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("counted_fen", sa.BigInteger(), nullable=False),
        sa.Column("expected_fen", sa.BigInteger(), nullable=False),
        sa.Column("difference_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "uid"),
    )
    op.create_index("shifts_closed_by_day", "shifts_closed", ["store", "business_date"], unique=False)
    op.create_table(
        "snapshot_parts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", "n"),
    )
    op.create_table(
        "snapshots",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("generation", sa.LargeBinary(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("snapshots_by_topic", "snapshots", ["topic", "store", "made_ms"], unique=False)
    op.create_table(
        "stock",
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("sku", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "sku"),
    )
    op.create_table(
        "store_days",
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("business_date", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("lane", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("sales", sa.BigInteger(), nullable=False),
        sa.Column("returns", sa.BigInteger(), nullable=False),
        sa.Column("cancelled", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("sales_fen", sa.BigInteger(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("rounding_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "business_date", "lane"),
    )
    op.create_table(
        "stores",
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store"),
    )
    op.create_table(
        "topics",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("horizon", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic"),
    )
    op.create_table(
        "uids",
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("uid", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("store", "uid"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "waiting",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("branch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("schema", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "device", "epoch", "branch", "seq"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE log ALTER COLUMN payload SET COMPRESSION lz4")
        for number in range(16):
            op.execute(f"CREATE TABLE log_{number} PARTITION OF log FOR VALUES WITH (MODULUS 16, REMAINDER {number})")
