"""Orders of ten lines into HQ: whole batches by the real push, beside the same orders' rows inserted one by one."""

import gc
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text, insert

from bench import shops
from bench.backlog import append_like
from bench.figures import Figure, Options
from bench.headquarters import database, make_known
from bench.till import Till
from pos_app.domain.events import Sale
from pos_app.domain.plain import from_json
from store_db import journal, sync_state
from store_db.store import Store
from sync import push
from sync.hq_server import log
from sync.hq_server.app import make_app
from sync.hq_server.database import Database
from sync.hq_server.hq import TILL, Caller, Hq
from sync.hq_server.serve import GC_THRESHOLD
from sync.link import Link
from sync.protocol import Ack, Push
from tests.sync.asgi import InlineTransport, run_inline

RATIO_MAX = 0.25
SOLD, BATCH = 200, 500
Row = tuple[Table, dict[str, Any]]


def measure(options: Options) -> list[Figure]:
    orders = options.pick(4_000, 1_000)
    file = shops.kept(options.folder, f"tens{orders}", lambda path: _make(options.folder, path, orders))
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)  # as `pos hq serve` does
    return [rate(kind, file, options) for kind in ("SQLite", "PostgreSQL")]


def rate(kind: str, file: Path, options: Options) -> Figure:
    """Microseconds an order, the two in turns, a batch each: CPU on SQLite; by the clock where PostgreSQL works beside."""
    name, now = {
        "SQLite": ("an order into SQLite HQ, CPU", time.process_time),
        "PostgreSQL": ("an order into PostgreSQL HQ, on the clock", time.perf_counter),
    }[kind]
    with (
        tempfile.TemporaryDirectory(prefix="lanewise-bench-", dir=options.folder) as folder,
        database(kind, Path(folder)) as url, shops.copied(file) as path, Store.open(path) as store,
    ):  # fmt: skip
        hq, plain = Hq.create(Database.open(url)), Database.open(url)
        caller = known(store, hq)
        metadata.create_all(plain.engine)
        ours_s = bare_s = 0.0
        orders = rows = 0
        for turn, message in enumerate(pushes(store)):
            sales = [event for event in log.checked(message) if event.header.kind == Sale.kind]
            batch = [list(rows_of(event.header.uid, from_json(Sale, event.payload))) for event in sales]
            for is_ours in ((True, False), (False, True))[turn % 2]:
                start = now()
                _push(hq, caller, message) if is_ours else one_by_one(plain, batch)
                spent = now() - start
                ours_s, bare_s = (ours_s + spent, bare_s) if is_ours else (ours_s, bare_s + spent)
            orders, rows = orders + len(batch), rows + sum(map(len, batch))
        hq.database.close()
        plain.close()
    note = f"{orders / ours_s:,.0f} orders/s a core; baseline {rows / orders:.1f} rows an order, one by one"
    return Figure(name, "us", ours_s / orders * 1e6, bare_s / orders * 1e6, ratio_max=RATIO_MAX, note=note)


# ------------------------------------------------------------------ ours


def known(store: Store, hq: Hq) -> Caller:
    """A till that this HQ knows."""
    with httpx.Client(transport=InlineTransport(make_app(hq, run=run_inline)), base_url="http://hq") as client:
        make_known(store, hq, Link(store, client), "http://hq")
    return Caller(store.device.device, store.device.store, TILL)


def pushes(store: Store) -> Iterator[Push]:
    """Every batch that the agent would send."""
    for chain in sync_state.chains(store.connection):
        while chain.waiting:
            entries = push.next_events(store.connection, chain)
            yield push._push(chain, entries)
            chain = chain._replace(seq=entries[-1].header.seq, hash=entries[-1].hash)


def _push(hq: Hq, caller: Caller, message: Push) -> None:
    answer = log.push(hq, caller, message)
    if not isinstance(answer, Ack):
        raise RuntimeError(answer.code)


# ------------------------------------------------------------------ the baseline

metadata = MetaData()


def _table(name: str, keys: int, *columns: tuple[str, Any]) -> Table:
    made = [Column(column, kind, primary_key=n < keys, autoincrement=False) for n, (column, kind) in enumerate(columns)]
    return Table(name, metadata, *made)


UID, N = ("uid", LargeBinary), ("n", BigInteger)
orders_table = _table(
    "bare_orders", 1, UID, ("number", Text), ("staff", Text), ("lane", Text), ("shift_no", BigInteger), ("total_fen", BigInteger),
    ("discount_fen", BigInteger), ("rounding_fen", BigInteger), ("items", BigInteger),
)  # fmt: skip
lines_table = _table(
    "bare_lines", 2, UID, N, ("sku", Text), ("name", Text), ("quantity", BigInteger), ("list_fen", BigInteger),
    ("net_fen", BigInteger), ("tax_code", Text),
)  # fmt: skip
tenders_table = _table("bare_tenders", 2, UID, N, ("kind", Text), ("amount_fen", BigInteger))
moves_table = _table("bare_moves", 2, UID, N, ("sku", Text), ("quantity", BigInteger))


def rows_of(uid: bytes, sale: Sale) -> Iterator[Row]:
    """A row for the order, and one for each line, tender and stock move."""
    yield orders_table, {
        "uid": uid, "number": sale.number, "staff": sale.staff, "lane": sale.lane, "shift_no": sale.shift_no,
        "total_fen": sale.total_fen, "discount_fen": sale.discount_fen, "rounding_fen": sale.rounding_fen,
        "items": sale.item_count,
    }  # fmt: skip
    for n, line in enumerate(sale.lines):
        yield lines_table, {
            "uid": uid, "n": n, "sku": line.sku, "name": line.name, "quantity": line.quantity, "list_fen": line.list_fen,
            "net_fen": line.net_fen, "tax_code": line.tax_code,
        }  # fmt: skip
        yield moves_table, {"uid": uid, "n": n, "sku": line.sku, "quantity": -line.quantity}
    for n, tender in enumerate(sale.tenders):
        yield tenders_table, {"uid": uid, "n": n, "kind": tender.kind, "amount_fen": tender.amount_fen}


def one_by_one(plain: Database, batch: list[list[Row]]) -> None:
    """The rows of one batch in one transaction, each by a statement of its own."""
    with plain.write() as connection:
        for order in batch:
            for table, row in order:
                connection.execute(insert(table), row)


# ------------------------------------------------------------------ the orders


def _make(folder: Path, path: Path, orders: int) -> None:
    """Baskets of ten that a lane has sold, and their like again and again under new numbers."""
    path.write_bytes(shops.demo_file(folder).read_bytes())
    with Store.open(path) as store:
        till = Till(store, shops.plain_codes())
        for _ in range(SOLD):
            till.fill()
            till.pay()
        events = [entry.event() for entry in journal.entries(store.connection)]
        sales = [replace(event, issued=None, coupons=None) for event in events if isinstance(event, Sale)]
        more = islice(cycle(sales), orders - len(sales))
        store.connection.execute("PRAGMA synchronous = OFF")  # while it is built
        while some := list(islice(more, BATCH)):
            with store.transaction():
                for sale in some:
                    append_like(store, sale)
