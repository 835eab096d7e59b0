"""`python -m tests.processes.till FILE PACE_MS`: sells until it is killed, and says each number after its commit."""

import os
import sys
import time
from pathlib import Path

from tests.kill import seller


def tell(line: str) -> None:
    if line.startswith("paid "):
        os.write(1, line.encode() + b"\n")


if __name__ == "__main__":
    path, pace_ms = sys.argv[1:]
    seed = int.from_bytes(os.urandom(6))  # no uid is drawn twice, however often it comes back
    with seller.opened_day(Path(path), tell, seed) as day:
        while True:
            day.sell()
            time.sleep(int(pace_ms) / 1000)
