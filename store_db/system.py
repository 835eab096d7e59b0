"""The real clock and the real randomness."""

import contextlib
import os
import time
import uuid
from functools import cache
from pathlib import Path


class SystemClock:
    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def boot_id(self) -> bytes:
        return _boot_id()


class SystemIds:
    def random(self, size: int) -> bytes:
        return os.urandom(size)


@cache
def _boot_id() -> bytes:
    with contextlib.suppress(OSError, ValueError):
        return uuid.UUID(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()).bytes
    return bytes(16)
