"""Orders a second of the demo's day without a terminal, against as many durable transactions of the same rows in raw SQL."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import shops
from bench.figures import Figure, Options, in_turns, median, spent_ms
from bench.raw_sale import TABLES, RawTill, Rows
from pos_app.demo.day import run_day
from store_db import store as store_module
from store_db.connection import connect

SEED = 7
OP = (
    '{"line":{"code":"6990000010106","item":{"category":"drinks","name":"晨溪饮用天然水550ml","price_fen":200,'
    '"sku":"D0001"},"line_id":1}}'
)
BEFORE_THE_DAY = ("epoch_opened", "stock_moved")


def measure(options: Options) -> list[Figure]:
    orders = options.pick(200, 40)
    with tempfile.TemporaryDirectory(prefix="lanewise-bench-", dir=shops.demo_file(options.folder).parent) as folder:
        path = Path(folder) / "day.sqlite"
        commits = count_commits(path, orders)
        writes = writes_of(path)
        ours, baseline = in_turns(
            options.pick(7, 2),
            lambda: orders / fresh_day_s(path, orders),
            lambda: orders / raw_day_s(options.folder, writes, commits),
        )
    note = f"{commits} durable transactions; more is better"
    return [Figure(f"headless day of {orders} orders", "orders/s", median(ours), median(baseline), note=note)]


def fresh_day_s(path: Path, orders: int) -> float:
    for old in path.parent.glob(path.name + "*"):
        old.unlink()
    return run_day(path, orders, SEED).seconds


def count_commits(path: Path, orders: int) -> int:
    """How many write transactions the orders make durable: those after the goods are in and until the last order is paid."""
    counted = [0]
    answer = 0

    def progress(what: str, done: int, total: int) -> None:
        nonlocal answer
        if what == "goods":
            counted[0] = 0
        answer = counted[0]

    with counting_transactions(counted):
        run_day(path, orders, SEED, progress)
    return answer


@contextmanager
def counting_transactions(counted: list[int]) -> Iterator[None]:
    plain = store_module.transaction

    def watched(connection: Any, path: Path) -> Any:
        counted[0] += 1
        return plain(connection, path)

    store_module.transaction = watched
    try:
        yield
    finally:
        store_module.transaction = plain


def writes_of(path: Path) -> list[list[tuple[str, Rows]]]:
    """What each event of the day left in the tables: for every event (table, rows)."""
    connection = connect(path, read_only=True)
    connection.row_factory = None
    by_entry: dict[int, list[tuple[str, Rows]]] = {}
    for table, key in TABLES.items():
        for entry, *row in connection.execute(f"SELECT {key}, * FROM {table}").fetchall():
            writes = by_entry.setdefault(entry, [])
            if not writes or writes[-1][0] != table:
                writes.append((table, []))
            writes[-1][1].append(tuple(row))
    before = {row[0] for row in connection.execute(f"SELECT id FROM journal WHERE kind IN {BEFORE_THE_DAY}")}
    connection.close()
    return [writes for entry, writes in sorted(by_entry.items()) if entry not in before]


def raw_day_s(folder: Path, writes: list[list[tuple[str, Rows]]], commits: int) -> float:
    """The same rows in the same number of transactions; those that are no event's hold one line of a basket each."""
    with shops.copied(shops.demo_file(folder)) as path:
        till = RawTill(path)
        for table in TABLES:
            till.connection.execute(f"DELETE FROM {table}")
        seconds = spent_ms(lambda: write_all(till, writes, commits)) / 1000
        till.close()
    return seconds


def write_all(till: RawTill, writes: list[list[tuple[str, Rows]]], commits: int) -> None:
    run = till.connection.execute
    for n in range(commits - len(writes)):
        run("BEGIN IMMEDIATE")
        run("INSERT INTO draft_ops VALUES (?,?,?,?)", (1, n, "AddLine", OP))
        run("COMMIT")
    for tables in writes:
        run("BEGIN IMMEDIATE")
        for table, rows in tables:
            till.insert(table, rows)
        run("COMMIT")
