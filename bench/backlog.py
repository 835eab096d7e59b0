"""Tender to committed with 0, 5,000 and 50,000 sales waiting in the journal, beside the disk's own sync; bytes on disk a sale."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench import shops
from bench.disk import DiskProbe
from bench.figures import Figure, Options, median, p99
from bench.till import Till, disk_bytes
from pos_app.domain.events import Sale
from pos_app.services.fold_stock import fold_when_many
from pos_app.services.print_paper import sale_by_id
from store_db import print_jobs, sales
from store_db.store import Store

BATCH = 1_000
FLAT_RATIO_MAX = 1.25
OVER_SYNC_MS_MAX = 5
DISK_BYTES_MAX = 50_000
WARM_SALES = 20


def measure(options: Options) -> list[Figure]:
    """Three tills with three backlogs sell in turns, one sale each; the disk is asked in between."""
    sizes = options.pick(5_000, 500), options.pick(50_000, 2_000)
    rounds = WARM_SALES + options.pick(400, 60)
    with contextlib.ExitStack() as stack:
        tills = [stack.enter_context(till_with(options.folder, size)) for size in (0, *sizes)]
        disk = stack.enter_context(DiskProbe(tills[0].store.path.parent))
        disk_ms = []
        whole_bytes: list[list[int]] = [[] for _ in tills]
        for turn in range(rounds):
            for n in (range(3), (1, 2, 0), (2, 0, 1))[turn % 3]:
                whole_bytes[n].append(one_sale(tills[n]))
            disk_ms.append(disk.sync_ms())
        return figures(tills, disk_ms, whole_bytes, sizes)


def one_sale(till: Till) -> int:
    """Sell; how many bytes that put on the disk from the first scan to the paper."""
    before = disk_bytes()
    till.fill()
    till.pay()
    return disk_bytes() - before


def figures(tills: list[Till], disk_ms: list[float], whole_bytes: list[list[int]], sizes: tuple[int, int]) -> list[Figure]:
    ms = [till.commit_ms[WARM_SALES:] for till in tills]
    growth = [till.commit_growth[WARM_SALES:] for till in tills]
    note = f"the disk's own sync of 24 KB: median {median(disk_ms):.3f} ms, p99 {p99(disk_ms):.3f} ms"
    whole = [sum(some[WARM_SALES:]) / len(some[WARM_SALES:]) for some in whole_bytes]
    flat = {"unit": "ms", "baseline": median(ms[0]), "ratio_max": FLAT_RATIO_MAX}
    over_ms = p99(ms[2]) - p99(disk_ms)
    return [
        *(Figure(f"tender to committed, {sizes[n - 1]:,} waiting / none", ours=median(ms[n]), **flat) for n in (1, 2)),
        Figure("tender to committed, p99 over the disk's sync", "ms", over_ms, ours_max=OVER_SYNC_MS_MAX, note=note),
        Figure("bytes on disk, the commit", "bytes", mean(growth[2]), mean(growth[0]), ours_max=DISK_BYTES_MAX),
        Figure("bytes on disk, the sale with its scans", "bytes", whole[2], whole[0], note="with checkpoints"),
    ]


def mean(values: list[int]) -> float:
    return sum(values) / len(values)


@contextlib.contextmanager
def till_with(folder: Path, waiting: int) -> Iterator[Till]:
    """A till whose journal holds that many sales of ten lines that no HQ has heard of."""
    with shops.copied(backlog_file(folder, waiting)) as path, Store.open(path) as store:
        yield Till(store, shops.plain_codes(), disk_bytes)


def backlog_file(folder: Path, waiting: int) -> Path:
    if waiting == 0:
        return shops.demo_file(folder)
    return shops.kept(folder, f"backlog{waiting}", lambda path: _make(folder, path, waiting))


def _make(folder: Path, path: Path, waiting: int) -> None:
    """One sale as the lane makes it, then its like through the journal's own `append`, a thousand a transaction."""
    path.write_bytes(shops.demo_file(folder).read_bytes())
    with Store.open(path) as store:
        till = Till(store, shops.plain_codes())
        till.fill()
        till.pay()
        newest = sales.last_sale_id(store.connection, till.lane.shop.lane)
        assert newest is not None
        sale = sale_by_id(till.lane.shop, newest)
        store.connection.execute("PRAGMA synchronous = OFF")  # while it is built; the till has the house's pragmas
        for first in range(1, waiting, BATCH):
            with store.transaction():
                for _ in range(first, min(first + BATCH, waiting)):
                    append_like(store, sale)
        while fold_when_many(store):  # as a lane does whenever it is at rest
            pass


def append_like(store: Store, sale: Sale) -> None:
    series_no, counter, number = store.next_number(sale.lane)
    entry = store.append(replace(sale, series_no=series_no, counter=counter, number=number), lane=sale.lane)
    print_jobs.add_job(store.connection, sale.lane, entry.id, print_jobs.RECEIPT)
    print_jobs.set_state(store.connection, store.connection.execute("SELECT max(id) FROM print_jobs").fetchone()[0], "done")
