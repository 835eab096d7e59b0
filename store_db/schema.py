"""The tables, as forward-only migrations. `VERSION` is the number of them; a file with more is refused.

Projected tables (only the journal's projectors write them): epochs, series, receipts, tenders, shifts, stock_moves,
member_acts, member_tiers, gifts_due, points_entries, coupons, coupon_uses, coupon_voids, promotion_uses, allowances,
returns, refunds, handed_over.
Reference data (from files or HQ): items, barcodes, tax_rates, names, staff, in_store_rules,
packages, price_state, price_tasks, price_history. Open work: drafts, draft_ops.
The agent's own: sync_* and hq_rows (rows of topics, as HQ sent them). With a store hub: hub_claims.
"""

from collections.abc import Callable

from store_db.connection import Connection

TABLES_1 = """
CREATE TABLE device (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    device BLOB NOT NULL, store TEXT NOT NULL, epoch_no INTEGER NOT NULL, epoch BLOB NOT NULL, file_identity TEXT NOT NULL,
    utc_offset_min INTEGER NOT NULL, cutoff_hour INTEGER NOT NULL
);
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    device BLOB NOT NULL, epoch BLOB NOT NULL, seq INTEGER NOT NULL, uid BLOB NOT NULL, kind TEXT NOT NULL,
    schema INTEGER NOT NULL, lane TEXT NOT NULL, business_date TEXT NOT NULL, wall_ms INTEGER NOT NULL,
    mono_ms INTEGER NOT NULL, boot_id BLOB NOT NULL, hq_offset_ms INTEGER NOT NULL, payload BLOB NOT NULL, hash BLOB NOT NULL
);
CREATE TABLE epochs (
    epoch_no INTEGER PRIMARY KEY, epoch BLOB NOT NULL, reason TEXT NOT NULL, first_id INTEGER NOT NULL
);
CREATE TABLE series (
    series_no INTEGER PRIMARY KEY, epoch BLOB NOT NULL, lane TEXT NOT NULL, code TEXT NOT NULL, UNIQUE (lane, code)
);
CREATE TABLE receipts (
    series_no INTEGER NOT NULL, counter INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('taken', 'paid', 'cancelled')),
    journal_id INTEGER NOT NULL, shift_no INTEGER NOT NULL, business_date TEXT NOT NULL,
    list_fen INTEGER NOT NULL, discount_fen INTEGER NOT NULL, rounding_fen INTEGER NOT NULL, total_fen INTEGER NOT NULL,
    item_count INTEGER NOT NULL, taxes TEXT NOT NULL,
    PRIMARY KEY (series_no, counter)
) WITHOUT ROWID;
CREATE INDEX receipts_by_shift ON receipts (shift_no);
CREATE TABLE tenders (
    journal_id INTEGER NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL, amount_fen INTEGER NOT NULL,
    tendered_fen INTEGER NOT NULL, change_fen INTEGER NOT NULL, reference TEXT NOT NULL, PRIMARY KEY (journal_id, n)
) WITHOUT ROWID;
CREATE TABLE shifts (
    shift_no INTEGER PRIMARY KEY, lane TEXT NOT NULL, staff TEXT NOT NULL, state TEXT NOT NULL, float_fen INTEGER NOT NULL,
    opened_id INTEGER NOT NULL, closed_id INTEGER, counted_fen INTEGER, expected_fen INTEGER
);
CREATE TABLE stock_moves (id INTEGER PRIMARY KEY, sku TEXT NOT NULL, quantity INTEGER NOT NULL);

CREATE TABLE stock_base (sku TEXT PRIMARY KEY, quantity INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stock_fold (one INTEGER PRIMARY KEY CHECK (one = 1), folded_to INTEGER NOT NULL);
INSERT INTO stock_fold VALUES (1, 0);

CREATE TABLE items (
    id INTEGER PRIMARY KEY, sku TEXT NOT NULL UNIQUE, name TEXT NOT NULL, name_en TEXT NOT NULL DEFAULT '',
    pinyin TEXT NOT NULL DEFAULT '', unit TEXT NOT NULL DEFAULT '', category TEXT NOT NULL DEFAULT '',
    price_fen INTEGER NOT NULL, member_price_fen INTEGER, promo_price_fen INTEGER, cost_fen INTEGER,
    tax_code TEXT NOT NULL DEFAULT 'S13', weighed INTEGER NOT NULL DEFAULT 0, ask_price INTEGER NOT NULL DEFAULT 0,
    restricted TEXT NOT NULL DEFAULT '', earns_points INTEGER NOT NULL DEFAULT 1,
    discount_allowed INTEGER NOT NULL DEFAULT 1, price_override_allowed INTEGER NOT NULL DEFAULT 1,
    stop_sale INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE barcodes (code TEXT PRIMARY KEY, item_id INTEGER NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE names USING fts5(
    words, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2", prefix='1 2 3'
);
CREATE TABLE catalogue_state (one INTEGER PRIMARY KEY CHECK (one = 1), updated_ms INTEGER NOT NULL);
INSERT INTO catalogue_state VALUES (1, 0);
CREATE TABLE tax_rates (
    tax_code TEXT NOT NULL, valid_from_ms INTEGER NOT NULL, rate_bp INTEGER NOT NULL, PRIMARY KEY (tax_code, valid_from_ms)
) WITHOUT ROWID;
CREATE TABLE in_store_rules (pattern TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE staff (
    staff TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, pin_hash TEXT NOT NULL, badge TEXT UNIQUE,
    active INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;

CREATE TABLE drafts (
    id INTEGER PRIMARY KEY, uid BLOB NOT NULL, lane TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('open', 'held')),
    staff TEXT NOT NULL, since_ms INTEGER NOT NULL, label TEXT NOT NULL DEFAULT ''
);
CREATE TABLE draft_ops (
    draft_id INTEGER NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL, op TEXT NOT NULL, PRIMARY KEY (draft_id, n)
) WITHOUT ROWID;
CREATE TABLE print_jobs (
    id INTEGER PRIMARY KEY, lane TEXT NOT NULL, journal_id INTEGER NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
    tries INTEGER NOT NULL
);
"""


def run_script(connection: Connection, script: str) -> None:
    """The statements of a script one by one, inside the transaction that is open (executescript would commit it)."""
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)


TABLES_2 = """
CREATE TABLE packages (
    digest TEXT PRIMARY KEY, version TEXT NOT NULL UNIQUE, valid_from_ms INTEGER NOT NULL, valid_to_ms INTEGER,
    body BLOB NOT NULL, signature TEXT NOT NULL, key TEXT NOT NULL, installed_ms INTEGER NOT NULL
);
CREATE TABLE price_state (one INTEGER PRIMARY KEY CHECK (one = 1), package TEXT NOT NULL);
INSERT INTO price_state VALUES (1, '');
CREATE TABLE price_tasks (
    sku TEXT PRIMARY KEY, package TEXT NOT NULL, price_fen INTEGER NOT NULL, promo_price_fen INTEGER, member_price_fen INTEGER,
    made_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE price_history (
    sku TEXT NOT NULL, until_ms INTEGER NOT NULL, lowest_fen INTEGER NOT NULL, PRIMARY KEY (sku, until_ms)
) WITHOUT ROWID;
"""  # packages and price-change tasks

TABLES_3 = """
CREATE TABLE members (
    alias TEXT PRIMARY KEY, name TEXT NOT NULL, phone_hash BLOB NOT NULL UNIQUE, phone_masked TEXT NOT NULL,
    card TEXT NOT NULL UNIQUE, birth_month INTEGER, birth_day INTEGER, groups TEXT NOT NULL, shows_usual INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE member_acts (
    id INTEGER PRIMARY KEY, alias TEXT NOT NULL, kind TEXT NOT NULL, business_date TEXT NOT NULL, amount_fen INTEGER NOT NULL
);
CREATE INDEX member_acts_by_alias ON member_acts (alias, business_date);
CREATE TABLE member_tiers (id INTEGER PRIMARY KEY, alias TEXT NOT NULL, tier TEXT NOT NULL);
CREATE INDEX member_tiers_by_alias ON member_tiers (alias);
CREATE TABLE gifts_due (id INTEGER PRIMARY KEY, alias TEXT NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL);
CREATE INDEX gifts_due_by_alias ON gifts_due (alias);
CREATE TABLE points_entries (
    id INTEGER PRIMARY KEY, alias TEXT NOT NULL, card TEXT NOT NULL, uid BLOB NOT NULL, rule TEXT NOT NULL, lot TEXT NOT NULL,
    points INTEGER NOT NULL, expires TEXT NOT NULL
);
CREATE INDEX points_by_alias ON points_entries (alias, card);
CREATE UNIQUE INDEX points_once ON points_entries (uid, rule, lot, points > 0);
CREATE TABLE coupons (
    code TEXT PRIMARY KEY, promotion TEXT NOT NULL, expires TEXT NOT NULL, uses INTEGER NOT NULL, holder TEXT NOT NULL,
    journal_id INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX coupons_by_event ON coupons (journal_id);
CREATE TABLE coupon_uses (code TEXT NOT NULL, id INTEGER NOT NULL, alias TEXT NOT NULL, PRIMARY KEY (code, id)) WITHOUT ROWID;
CREATE TABLE coupon_voids (code TEXT PRIMARY KEY, id INTEGER NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE promotion_uses (
    promotion TEXT NOT NULL, id INTEGER NOT NULL, alias TEXT NOT NULL, lane TEXT NOT NULL, business_date TEXT NOT NULL,
    times INTEGER NOT NULL, fen INTEGER NOT NULL, PRIMARY KEY (promotion, id)
) WITHOUT ROWID;
CREATE INDEX promotion_uses_by_alias ON promotion_uses (alias, promotion) WHERE alias != '';
CREATE TABLE allowances (id INTEGER PRIMARY KEY, promotion TEXT NOT NULL, lane TEXT NOT NULL, quantity INTEGER NOT NULL);
CREATE TABLE reservations (
    kind TEXT NOT NULL, name TEXT NOT NULL, draft_id INTEGER NOT NULL, alias TEXT NOT NULL, times INTEGER NOT NULL,
    fen INTEGER NOT NULL, PRIMARY KEY (kind, name, draft_id)
) WITHOUT ROWID;
"""  # members, points, coupons

TABLES_4 = """
CREATE TABLE returns (
    series_no INTEGER NOT NULL, counter INTEGER NOT NULL, journal_id INTEGER NOT NULL, lane TEXT NOT NULL,
    shift_no INTEGER NOT NULL, business_date TEXT NOT NULL, sale_series_no INTEGER NOT NULL, sale_counter INTEGER NOT NULL,
    goods_fen INTEGER NOT NULL, withheld_fen INTEGER NOT NULL, rounding_fen INTEGER NOT NULL, units INTEGER NOT NULL,
    taxes TEXT NOT NULL, flagged INTEGER NOT NULL,
    PRIMARY KEY (series_no, counter)
) WITHOUT ROWID;
CREATE INDEX returns_by_sale ON returns (sale_series_no, sale_counter);
CREATE INDEX returns_by_shift ON returns (shift_no);
CREATE TABLE refunds (
    journal_id INTEGER NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL, amount_fen INTEGER NOT NULL, state TEXT NOT NULL,
    reference TEXT NOT NULL, PRIMARY KEY (journal_id, n)
) WITHOUT ROWID;
"""  # returns

TABLES_5 = """
ALTER TABLE device ADD COLUMN hq_offset_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN hq_tier TEXT NOT NULL DEFAULT '';
ALTER TABLE members ADD COLUMN hq_tier_id INTEGER NOT NULL DEFAULT 0;
CREATE TABLE sync_hq (
    one INTEGER PRIMARY KEY CHECK (one = 1), url TEXT NOT NULL, hq_key BLOB NOT NULL, generation BLOB NOT NULL,
    contact_ms INTEGER NOT NULL, offset_at_ms INTEGER NOT NULL, frozen INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE sync_hq_keys (hq_key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE sync_marks (
    device BLOB NOT NULL, epoch BLOB NOT NULL, branch BLOB NOT NULL, base_seq INTEGER NOT NULL, seq INTEGER NOT NULL,
    hash BLOB NOT NULL, receipt BLOB NOT NULL, upstream_seq INTEGER NOT NULL,
    events INTEGER NOT NULL, money_fen INTEGER NOT NULL, points INTEGER NOT NULL, quantity INTEGER NOT NULL,
    PRIMARY KEY (device, epoch, branch)
) WITHOUT ROWID;
CREATE TABLE sync_cursors (
    topic TEXT PRIMARY KEY, generation BLOB NOT NULL, rev INTEGER NOT NULL, newest INTEGER NOT NULL, applied_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE hq_rows (
    topic TEXT NOT NULL, key TEXT NOT NULL, rev INTEGER NOT NULL, body BLOB NOT NULL,
    problem TEXT NOT NULL DEFAULT '', taken BLOB,
    PRIMARY KEY (topic, key)
) WITHOUT ROWID;
CREATE INDEX hq_rows_refused ON hq_rows (topic) WHERE problem != '';
CREATE TABLE sync_statements (
    business_date TEXT NOT NULL, made_ms INTEGER NOT NULL, statement BLOB NOT NULL, PRIMARY KEY (business_date, made_ms)
) WITHOUT ROWID;
CREATE TABLE sync_runs (job TEXT PRIMARY KEY, ran_ms INTEGER NOT NULL, outcome TEXT NOT NULL, equal INTEGER) WITHOUT ROWID;
"""  # what the agent knows of HQ: marks, cursors, rows of topics

TABLES_6 = """
CREATE TABLE handed_over (what TEXT NOT NULL, name TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (what, name)) WITHOUT ROWID;
CREATE TABLE hub_claims (
    uid BLOB PRIMARY KEY, what TEXT NOT NULL, name TEXT NOT NULL, lane TEXT NOT NULL, epoch BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('asked', 'held', 'dropped'))
) WITHOUT ROWID;
"""  # what the store hub decides on, and what it let this file have


def _step(script: str) -> Callable[[Connection], None]:
    return lambda connection: run_script(connection, script)


STEPS: tuple[tuple[str, Callable[[Connection], None]], ...] = (
    ("0001_first_tables", _step(TABLES_1)),
    ("0002_packages", _step(TABLES_2)),
    ("0003_members", _step(TABLES_3)),
    ("0004_returns", _step(TABLES_4)),
    ("0005_sync", _step(TABLES_5)),
    ("0006_hub", _step(TABLES_6)),
)
VERSION = len(STEPS)


def make_tables(connection: Connection) -> None:
    """Every table, in a fresh database."""
    for _, step in STEPS:
        step(connection)
