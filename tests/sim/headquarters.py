"""HQ: two nodes of the real app on one database, behind a balancer that picks one by luck."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from unittest import mock

import httpx
from sqlalchemy import Connection

from store_db.connection import sqlite
from store_db.hq_rows import OWN
from sync.hq_server import devices, feed, generation, web
from sync.hq_server.app import make_app
from sync.hq_server.database import Database
from sync.hq_server.hq import Hq
from tests.sim.wire import HqKilled
from tests.sync.asgi import InlineTransport, run_inline

if TYPE_CHECKING:
    from tests.sim.template import Kit
    from tests.sim.world import World


URL = "http://hq.test"


class SimDatabase(Database):
    """The real database over one kept connection; the node's process may end just before COMMIT."""

    dies_before_commit = False
    kept: Connection | None = None
    is_busy = False

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        with self._use("BEGIN IMMEDIATE") as connection:
            yield connection
            if self.dies_before_commit:
                raise HqKilled

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        with self._use("BEGIN") as connection:
            yield connection

    @contextlib.contextmanager
    def _use(self, begin: str) -> Iterator[Connection]:
        """A transaction on the kept connection, or on one of its own inside another: a pool costs more than all else."""
        if self.is_busy:
            with self.engine.begin() as connection:
                connection.exec_driver_sql(begin)
                yield connection
            return
        self.kept = self.kept or self.engine.connect()
        self.is_busy = True
        try:
            with self.kept.begin():
                self.kept.exec_driver_sql(begin)
                yield self.kept
        finally:
            self.is_busy = False

    def close(self) -> None:
        if self.kept is not None:
            self.kept.close()
            self.kept = None
        super().close()


class Node:
    """One process of HQ."""

    def __init__(self, database: SimDatabase, world: World) -> None:
        self.database = database
        self.hq = Hq.open(database, world.hq_clock, world.ids)
        with mock.patch.object(
            web, "routes", lambda hq, run: []
        ):  # the operators' pages take long to make, and have no part here
            self.transport = InlineTransport(make_app(self.hq, run=run_inline))


class Headquarters:
    """The nodes, their common file, and what its operator does."""

    url, name = URL, "HQ"

    def __init__(self, world: World, kit: Kit) -> None:
        self.world, self.path, self.databases = world, kit.hq_path, kit.databases
        self.backup: bytes | None = None
        self.put_file(kit.hq_image)

    def put_file(self, content: bytes) -> None:
        """Another file in the place of the database, and new processes on it."""
        self.close()
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self.path.write_bytes(content)
        self.nodes = [Node(database, self.world) for database in self.databases]
        self._reader: Any = None

    def close(self) -> None:
        if getattr(self, "_reader", None) is not None:
            self._reader.close()
        for database in self.databases:
            database.close()

    # -------------------------------------------------------------- the line

    def answer(self, request: httpx.Request, content: bytes, fault: str) -> httpx.Response:
        """What one of the nodes answers. HqKilled when its process ended first; then it was started again."""
        at = self.world.luck.randrange(len(self.nodes))
        node = self.nodes[at]
        again = httpx.Request(request.method, request.url, headers=request.headers, content=content)
        node.database.dies_before_commit = fault == "hq_killed_before_commit"
        try:
            answer = node.transport.handle_request(again)
            answer.read()
            if fault == "hq_killed_before_answer":
                raise HqKilled
        except HqKilled:
            self.nodes[at] = Node(node.database, self.world)
            raise
        finally:
            node.database.dies_before_commit = False
        return answer

    # -------------------------------------------------------------- its operator

    def publish(self, topic: str, rows: Iterable[tuple[str, str, bytes | None]]) -> None:
        node = self.world.luck.choice(self.nodes)
        with node.hq.database.write() as connection:
            feed.publish(connection, topic, rows, self.world.hq_clock.wall_ms())

    def new_code(self, store: str, heir_of: Iterable[bytes] = ()) -> str:
        hq = self.nodes[0].hq
        with hq.database.write() as connection:
            return devices.make_code(connection, hq.ids, store, hq.clock.wall_ms(), heir_of=heir_of)

    def back_up(self) -> None:
        for database in self.databases:
            database.close()
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        connection = sqlite.connect(str(self.path), isolation_level=None)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        self.backup = self.path.read_bytes()

    def restore(self, *, is_told: bool) -> None:
        """The backup put back; `is_told`: the operator says so to HQ, as the handbook asks."""
        assert self.backup is not None
        self.put_file(self.backup)
        if is_told:
            generation.restored(self.nodes[0].hq)
        self.world.ledger.restored(self)

    # -------------------------------------------------------------- for judging, by plain SQL

    def rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        if self._reader is None:
            self._reader = sqlite.connect(f"file:{self.path}?mode=ro", uri=True, isolation_level=None)
            self._reader.row_factory = sqlite.Row
        return list(self._reader.execute(sql, values).fetchall())

    def generation(self) -> bytes:
        return bytes(self.rows("SELECT value FROM meta WHERE name = 'generation'")[0][0])

    def topic(self, topic: str, store: str) -> dict[str, tuple[int, bytes | None]]:
        """key as it travels -> (rev, body) of what a store sees of a topic."""
        rows = self.rows("SELECT store, key, rev, body FROM feed WHERE topic = ? AND store IN ('', ?)", (topic, store))
        return {(OWN + row[1] if row[0] else row[1]): (row[2], row[3]) for row in rows}

    def proof(self) -> list[str]:
        """HQ's own proof: what it finds wrong with itself. What it builds is built in memory, as all else is."""
        from sync.hq_server.rebuild import verify

        with mock.patch.object(tempfile, "tempdir", str(self.path.parent)):
            return verify(self.databases[0]).problems
