"""A durable sale of ten lines, from tender to committed: the lane's own step against its bare rows in raw SQL."""

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from bench import shops
from bench.disk import DiskProbe
from bench.figures import Figure, Options, median, not_available, p99, spent_ms
from bench.raw_sale import RawTill, newest_sale
from bench.till import Till, stop_checkpoints, wal_bytes
from store_db.store import Store

WAL_BYTES_MAX = 30_000
WARM_SALES = 20


@dataclass(slots=True)
class Costs:
    """Of every sale: milliseconds and WAL bytes of its commit, WAL bytes from the first scan to the paper."""

    ms: list[float] = field(default_factory=list)
    commit_bytes: list[int] = field(default_factory=list)
    whole_bytes: list[int] = field(default_factory=list)


def measure(options: Options) -> list[Figure]:
    with shops.copied(shops.demo_file(options.folder)) as path:
        figures = beside_raw(path, options.pick(500, 60))
        return [*figures, syncs(path, options.pick(50, 10))]


def beside_raw(path: Path, sales: int) -> list[Figure]:
    """The same sales on two copies of one file, sale by sale. Automatic checkpoints are off, so that the logs only grow."""
    with Store.open(path) as store, DiskProbe(path.parent) as disk:
        till = Till(store, shops.plain_codes(), lambda: wal_bytes(path))
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        raw = RawTill(shutil.copyfile(path, path.with_name("raw.sqlite")))
        stop_checkpoints(store.connection)
        stop_checkpoints(raw.connection)
        ours, theirs = Costs(till.commit_ms, till.commit_growth), Costs()
        disk_ms = []
        for _ in range(WARM_SALES + sales):
            one_sale(till, raw, ours, theirs)
            disk_ms.append(disk.sync_ms())
        raw.close()
    return figures(ours, theirs, median(disk_ms))


def one_sale(till: Till, raw: RawTill, ours: Costs, theirs: Costs) -> None:
    """Ours first: what it has written is what the raw till writes."""
    ours_before, theirs_before = till.grown(), wal_bytes(raw.path)
    till.fill()
    draft, ops = till.draft()
    till.pay()
    ours.whole_bytes.append(till.grown() - ours_before)
    sale = newest_sale(till.store.connection, draft[0])
    raw.put_draft(draft, ops)
    before = wal_bytes(raw.path)
    theirs.ms.append(spent_ms(lambda: raw.commit(sale)))
    theirs.commit_bytes.append(wal_bytes(raw.path) - before)
    raw.mark_printed(sale)
    theirs.whole_bytes.append(wal_bytes(raw.path) - theirs_before)


def figures(ours: Costs, theirs: Costs, disk_ms: float) -> list[Figure]:
    """Where the disk hardly waits, the ratio compares two programs' CPU; the note says how much of it is the disk."""
    ours_ms, raw_ms = ours.ms[WARM_SALES:], theirs.ms[WARM_SALES:]
    over_ms = median(ours_ms) - median(raw_ms)
    note = f"{over_ms:.3f} ms over the bare rows; the disk's own sync of 24 KB: median {disk_ms:.3f} ms"
    commit_bytes = median(ours.commit_bytes[WARM_SALES:]), median(theirs.commit_bytes[WARM_SALES:])
    whole_bytes = median(ours.whole_bytes[WARM_SALES:]), median(theirs.whole_bytes[WARM_SALES:])
    return [
        Figure("sale of 10 lines, commit, median", "ms", median(ours_ms), median(raw_ms), ratio_max=1.25, note=note),
        Figure("sale of 10 lines, commit, p99", "ms", p99(ours_ms), p99(raw_ms)),
        Figure("sale of 10 lines, WAL of the commit", "bytes", *commit_bytes, ours_max=WAL_BYTES_MAX),
        Figure("sale of 10 lines, WAL with its scans", "bytes", *whole_bytes),
    ]


def syncs(path: Path, sales: int) -> Figure:
    """How often a commit waits for the disk, counted by strace between the marks of `bench.apps.sell`."""
    name, unit = "sale of 10 lines, syncs of the commit", "syncs"
    if shutil.which("strace") is None:
        return not_available(name, unit, "strace is not installed")
    trace = path.with_name("trace")
    command = ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=fsync,fdatasync,getppid"]
    subprocess.run([*command, sys.executable, "-m", "bench.apps.sell", str(path), str(sales)], check=True, cwd=shops.ROOT)
    inside = total = marks = 0
    for line in trace.read_text(encoding="ascii", errors="replace").splitlines():
        is_mark = "getppid(" in line
        marks += is_mark
        total += not is_mark
        inside += not is_mark and marks % 2 == 1
    return Figure(name, unit, inside / sales, 1.0, note=f"{total / sales:.1f} from the first scan to the paper")
