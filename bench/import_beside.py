"""A lane that sells while 160,000 goods are brought in by another process; and how fast the import is beside bare inserts."""

import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from bench import goods, shops
from bench.figures import Figure, Options, not_available, p99, spent_ms
from bench.till import around_commit
from pos_app.services.run_lane import LaneRunner
from store_db import catalogue
from store_db.connection import Connection, connect
from store_db.store import Store

COMMIT_MS_MAX = 50
SCAN_GAP_S = 0.02
LINES = 10
RAW_BATCH = 2_000
OWN_PREFIX = "699000"
NAMES = "lane commit while goods come in, p99", "lane commit while goods come in, longest", "import of goods"


def measure(options: Options) -> list[Figure]:
    if find_spec("pos_app.services.import_goods") is None:
        return [not_available(NAMES[0], "ms", "pos_app/services/import_goods.py is not there")]
    with tempfile.TemporaryDirectory(prefix="lanewise-bench-", dir=shops.demo_file(options.folder).parent) as folder:
        file, rows = goods_file(Path(folder), options)
        found = beside_lane(options, file)
        return [*found, rate(options, file, rows)]


# ---------------------------------------------------------------- the lane beside the import


def beside_lane(options: Options, file: Path) -> list[Figure]:
    """Commits of scans and sales: for a while alone, then as long as the import runs."""
    with shops.copied(shops.demo_file(options.folder)) as path, Store.open(path) as store:
        lane = shops.lane_on(store)
        alone_ms: list[float] = []
        until = time.monotonic() + options.pick(15, 3)
        sell_while(lane, lambda: time.monotonic() < until, alone_ms)
        beside_ms: list[float] = []
        with importing(file, path) as process:
            sell_while(lane, lambda: process.poll() is None, beside_ms)
        if process.returncode:
            return [not_available(NAMES[0], "ms", f"pos import ended with {process.returncode}: {process.stderr.read()[-200:]}")]
    note = f"{len(beside_ms)} commits; baseline: the same lane alone"
    return [
        Figure(NAMES[0], "ms", p99(beside_ms), p99(alone_ms), ours_max=COMMIT_MS_MAX, note=note),
        Figure(NAMES[1], "ms", max(beside_ms), max(alone_ms)),
    ]


@contextmanager
def importing(file: Path, store: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "pos_app", "import", "goods", str(file), "--store", str(store), "--json"]
    process = subprocess.Popen(command, cwd=shops.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def sell_while(lane: LaneRunner, goes_on, found_ms: list[float]) -> None:  # type: ignore[no-untyped-def]
    """Baskets of ten, a scan every 20 ms: what each scan's and each sale's commit took."""
    codes = [code for code in shops.plain_codes() if code.startswith(OWN_PREFIX)]  # no list of the world has them
    at = 0

    def timed(commit):  # type: ignore[no-untyped-def]
        replies = []
        found_ms.append(spent_ms(lambda: replies.append(commit())))
        return replies[0]

    with around_commit(timed):
        while goes_on():
            for _ in range(LINES):
                found_ms.append(spent_ms(shops.scan, lane, codes[at % len(codes)]))
                at += 1
                time.sleep(SCAN_GAP_S)
            shops.to_payment(lane)
            shops.pay_exact(lane)


# ---------------------------------------------------------------- the import alone


def rate(options: Options, file: Path, rows: int) -> Figure:
    """Rows a second of the whole command, and of the same goods, codes and index words in bare inserts."""
    with shops.copied(shops.demo_file(options.folder)) as path:
        with importing(file, path) as process:
            seconds = spent_ms(process.communicate) / 1000
        if process.returncode:
            return not_available(NAMES[2], "rows/s", f"pos import ended with {process.returncode}")
        raw_rows, raw_seconds = raw_import(options, path)
    note = "more is better; the import reads, judges and makes way for lanes, the inserts have their rows ready"
    return Figure(NAMES[2], "rows/s", rows / seconds, raw_rows / raw_seconds, note=note)


def raw_import(options: Options, imported: Path) -> tuple[int, float]:
    """The goods that the import has left, put into a fresh copy of the demo's store by executemany."""
    source = connect(imported, read_only=True)
    source.row_factory = None
    items = source.execute("SELECT * FROM items ORDER BY id").fetchall()
    codes = source.execute("SELECT code, item_id FROM barcodes").fetchall()
    source.close()
    with shops.copied(shops.demo_file(options.folder)) as path:
        target = connect(path)
        last = target.execute("SELECT max(id) FROM items").fetchone()[0]
        new = [row for row in items if row[0] > last]
        words = [(row[0], catalogue.index_words(row[2], row[3], row[4])) for row in new]
        seconds = spent_ms(lambda: put_raw(target, new, [row for row in codes if row[1] > last], words)) / 1000
        target.close()
    return len(new), seconds


def put_raw(connection: Connection, items: list, codes: list, words: list) -> None:  # type: ignore[type-arg]
    statements = (
        (f"INSERT INTO items VALUES ({','.join('?' * len(items[0]))})", items),
        ("INSERT OR REPLACE INTO barcodes VALUES (?,?)", codes),
        ("INSERT INTO names (rowid, words) VALUES (?,?)", words),
    )
    for sql, rows in statements:
        for first in range(0, len(rows), RAW_BATCH):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(sql, rows[first : first + RAW_BATCH])
            connection.execute("COMMIT")


# ---------------------------------------------------------------- the file


def goods_file(folder: Path, options: Options) -> tuple[Path, int]:
    """The Universe-HTT list where it is at hand (in a quick run, and without it, a CSV), and its number of rows."""
    parquet = goods.DATA / "products-uhtt" / "products.parquet"
    if parquet.exists() and not options.is_quick:
        from pyarrow.parquet import ParquetFile

        return parquet, ParquetFile(parquet).metadata.num_rows
    file, count = folder / "goods.csv", options.pick(160_000, 5_000)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("sku", "codes", "name_zh", "price_yuan"))
        for row in islice(goods.rows(count, count), count):
            writer.writerow((row["sku"], row["codes"][0], row["name"], f"{row['price_fen'] / 100:.2f}"))
    return file, count
