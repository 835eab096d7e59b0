"""A lane without a terminal that sells baskets of ten, and what the step from tender to committed sale costs in it."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import shops
from pos_app.domain.lane.intents import CommitSale
from pos_app.services.run_lane import EFFECTS, LaneRunner
from store_db.connection import Connection
from store_db.store import Store

LINES = 10


@contextlib.contextmanager
def around_commit(around: Callable[[Callable[[], Any]], Any]) -> Iterator[None]:
    """While the block runs, every lane's CommitSale goes through `around`: from the tender to the sale on disk, nothing else."""
    plain = EFFECTS[CommitSale]

    def watched(runner: LaneRunner, effect: Any) -> Any:
        return around(lambda: plain(runner, effect))

    EFFECTS[CommitSale] = watched
    try:
        yield
    finally:
        EFFECTS[CommitSale] = plain


class Till:
    """Sells; keeps the milliseconds of every commit and how much `grown` (bytes, say) grew by in it."""

    def __init__(self, store: Store, codes: list[str], grown: Callable[[], int] = lambda: 0) -> None:
        self.store = store
        self.lane = shops.lane_on(store)
        shops.open_shift(self.lane)
        self.codes = codes
        self.at = 0
        self.grown = grown
        self.commit_ms: list[float] = []
        self.commit_growth: list[int] = []

    def fill(self) -> None:
        """Ten scans, each on disk before it is shown, and on to payment."""
        for _ in range(LINES):
            shops.scan(self.lane, self.codes[self.at % len(self.codes)])
            self.at += 1
        shops.to_payment(self.lane)

    def pay(self) -> None:
        """Exact cash. What it costs is counted from the tender to the committed sale."""
        with around_commit(self._counted):
            shops.pay_exact(self.lane)

    def _counted(self, commit: Callable[[], Any]) -> Any:
        before, start_ns = self.grown(), time.perf_counter_ns()
        reply = commit()
        self.commit_ms.append((time.perf_counter_ns() - start_ns) / 1e6)
        self.commit_growth.append(self.grown() - before)
        return reply

    def draft(self) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
        """The open basket's rows."""
        connection = self.store.connection
        row = tuple(connection.execute("SELECT * FROM drafts WHERE state = 'open' ORDER BY id DESC LIMIT 1").fetchone())
        ops = [tuple(op) for op in connection.execute("SELECT * FROM draft_ops WHERE draft_id = ? ORDER BY n", row[:1])]
        return row, ops


def wal_bytes(path: Path) -> int:
    """Size of a store's write-ahead log. It grows without end while automatic checkpoints are off."""
    wal = path.with_name(path.name + "-wal")
    return wal.stat().st_size if wal.exists() else 0


def stop_checkpoints(connection: Connection) -> None:
    connection.execute("PRAGMA wal_autocheckpoint = 0")


def disk_bytes() -> int:
    """What this process has caused to be written to disks (/proc/self/io)."""
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0
