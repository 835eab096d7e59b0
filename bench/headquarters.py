"""An HQ to measure against: `pos hq serve` in a process of its own, on SQLite or on a PostgreSQL made for it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import shops
from store_db.store import Store
from sync import enrol, link
from sync.hq_server.database import Database
from sync.hq_server.devices import make_code
from sync.hq_server.hq import Hq
from sync.link import Link
from tests.sync import postgres

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Served:
    hq: Hq
    url: str
    pid: int

    def cpu_s(self) -> float:
        """CPU of the server's process so far (PostgreSQL's own not included)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database of that kind."""
    if kind == "SQLite":
        yield f"sqlite:///{folder / 'hq.sqlite'}"
    else:
        with postgres.running() as cluster:
            yield cluster.new_database()


@contextlib.contextmanager
def served(url: str) -> Iterator[Served]:
    hq = Hq.create(Database.open(url))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "pos_app", "hq", "serve", "--database", url, "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=shops.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield Served(hq, f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def enrolled(store: Store, at: Served) -> Iterator[Link]:
    """A line from a till that the HQ knows."""
    with link.client(at.url) as client:
        line = Link(store, client)
        make_known(store, at.hq, line, at.url)
        yield line


def make_known(store: Store, hq: Hq, line: Link, url: str) -> None:
    """Enrol a till by a one-time code."""
    with hq.database.write() as connection:
        code = make_code(connection, hq.ids, store.device.store, hq.clock.wall_ms())
    enrol.enrol(store, line, url, code)


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("HQ did not start")
