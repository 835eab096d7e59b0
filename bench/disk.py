"""The disk itself: how long it takes to make 24 KB durable, without any database."""

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

APPEND_BYTES = 24 * 1024


class DiskProbe:
    """Appends 24 KB to a file of its own in a folder and waits for the disk, once a call."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "disk-probe"
        self.handle = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self.block = os.urandom(APPEND_BYTES)

    def sync_ms(self) -> float:
        os.write(self.handle, self.block)
        start_ns = time.perf_counter_ns()
        os.fsync(self.handle)
        return (time.perf_counter_ns() - start_ns) / 1e6

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self.handle)
        self.path.unlink()
