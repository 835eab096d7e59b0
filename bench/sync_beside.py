"""A lane that sells while `pos agent` pulls 10,000 goods and pushes 10,000 events that waited, HQ on the same machine."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import shops
from bench.figures import Figure, Options, not_available, p99
from bench.headquarters import Served, database, enrolled, served
from bench.import_beside import COMMIT_MS_MAX, sell_while
from bench.waiting import waiting_file
from pos_app.domain.plain import to_json
from store_db import hq_rows, journal, sync_state
from store_db.store import Store
from sync.hq_server import feed
from sync.topics import CATALOGUE

NAMES = "lane commit while rows come and go, p99", "lane commit while rows come and go, longest"


def measure(options: Options) -> list[Figure]:
    rows = options.pick(10_000, 2_000)
    alone_ms: list[float] = []
    beside_ms: list[float] = []
    file = waiting_file(options.folder, rows)
    with (
        TemporaryDirectory(dir=file.parent) as folder, database("SQLite", Path(folder)) as url, served(url) as at,
        shops.copied(file) as path, Store.open(path) as store,
    ):  # fmt: skip
        lane = shops.lane_on(store)
        shops.open_shift(lane)
        until = time.monotonic() + options.pick(15, 3)
        sell_while(lane, lambda: time.monotonic() < until, alone_ms)
        with enrolled(store, at):
            last = publish(at, rows)
        waiting_id = journal.head(store.connection)[0]

        def is_at_work() -> bool:
            is_down = hq_rows.cursor(store.connection, CATALOGUE).rev >= last
            is_up = sync_state.first_waiting_id(store.connection) > waiting_id
            return not (is_down and is_up) and process.poll() is None

        with agent(path) as process:
            sell_while(lane, is_at_work, beside_ms)
            if process.poll() is not None:
                return [not_available(NAMES[0], "ms", f"pos agent ended with {process.returncode}")]
    note = (
        f"{rows:,} goods pulled, {waiting_id:,} events pushed, {len(beside_ms)} commits meanwhile; baseline: the same lane alone"
    )
    return [
        Figure(NAMES[0], "ms", p99(beside_ms), p99(alone_ms), ours_max=COMMIT_MS_MAX, note=note),
        Figure(NAMES[1], "ms", max(beside_ms), max(alone_ms)),
    ]


def publish(at: Served, rows: int) -> int:
    """Goods that no shop has yet; the topic's rev."""
    bodies = [("", f"HQ{n:06}", to_json(good(n))) for n in range(rows)]
    with at.hq.database.write() as connection:
        return feed.publish(connection, CATALOGUE, bodies, at.hq.clock.wall_ms())


def good(n: int) -> dict[str, object]:
    return {"codes": [f"2{n:012}"], "name": f"总部商品 {n}", "pinyin": "ZBSP", "price_fen": 100 + n % 900}


@contextmanager
def agent(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "pos_app", "agent", "--store", str(path)]
    process = subprocess.Popen(
        command, cwd=shops.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
