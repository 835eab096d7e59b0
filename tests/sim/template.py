"""What each seed begins with: an HQ and three enrolled tills (two of one shop), made once a process and copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx

from pos_app.demo.day import SeededIds
from store_db.store import Store
from sync import enrol
from sync.hq_server import devices
from sync.hq_server.app import make_app
from sync.hq_server.hq import Hq
from sync.link import Link
from tests.sim.clock import MachineClock, WorldTime
from tests.sim.headquarters import URL, SimDatabase
from tests.sync.asgi import InlineTransport, run_inline

STORES = ("S001", "S001", "S002")


@dataclass(frozen=True)
class Kit:
    """The bytes of closed files, and two engines on the place where HQ's file goes: what they compiled serves every seed."""

    hq_path: Path
    hq_image: bytes
    tills: tuple[bytes, ...]
    databases: tuple[SimDatabase, ...]


@cache
def get(folder: Path) -> Kit:
    hq_path = folder / "hq.sqlite"
    databases = tuple(SimDatabase.open(f"sqlite:///{hq_path}") for _ in range(2))
    clock, ids = MachineClock(WorldTime(), 1), SeededIds(0)
    hq = Hq.create(databases[0], clock, ids)
    client = httpx.Client(transport=InlineTransport(make_app(hq, run=run_inline)), base_url=URL)
    tills = tuple(till(folder / f"template{n}.sqlite", store, hq, client, URL) for n, store in enumerate(STORES))
    databases[0].close()
    return Kit(hq_path, hq_path.read_bytes(), tills, databases)


def till(path: Path, name: str, hq: Hq, client: httpx.Client, url: str) -> bytes:
    """A store file that is enrolled at an HQ, or a hub."""
    with hq.database.write() as connection:
        code = devices.make_code(connection, hq.ids, name, hq.clock.wall_ms())
    with Store.create(path, name, clock=hq.clock, ids=SeededIds(hash_free(path.name))) as store:
        enrol.enrol(store, Link(store, client), url, code)
    return path.read_bytes()


def hash_free(name: str) -> int:
    """A number of a name, the same in every process."""
    return int.from_bytes(name.encode(), "big")


def place(path: Path, image: bytes, own_identity: Callable[[Path], None]) -> None:
    """A file from its image, without what an earlier seed left beside it."""
    for suffix in ("-wal", "-shm", ".head"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    for left in path.parent.glob(f"{path.name}.snapshot-*"):
        left.unlink()
    path.write_bytes(image)
    own_identity(path)
