"""A till's machine with its agent, an HQ it is enrolled at, and a line between them that does what a test says."""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from pos_app.demo.day import DayClock, SeededIds
from store_db.connection import Connection, connect, file_identity
from store_db.store import Store
from sync import enrol, protocol
from sync.agent import Agent
from sync.hq_server.app import make_app
from sync.hq_server.database import Database, run
from sync.hq_server.hq import Hq
from sync.link import Link
from sync.protocol import Message
from sync.signing import SIGNATURE
from sync.step import Step
from tests.shop_kit import make_store
from tests.sim import facts
from tests.sim.wire import answer_signature
from tests.sync.asgi import InlineTransport, run_inline
from tests.sync.hq_kit import make_hq, new_code, sqlite_url

URL = "http://hq.test"
CONTENT = {"content-type": "application/vnd.lanewise"}
BY_HQ = "to be signed by HQ"
Answer = Callable[[httpx.Response], httpx.Response]


class Killed(BaseException):
    """The agent's process ends here."""


class KillableStore(Store):
    """Ends the process at one of the points around its transactions: before, inside or after the n-th of them."""

    ends_at = -1
    points = 0

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self._point()
        with super().transaction() as connection:
            yield connection
            self._point()
        self._point()

    def _point(self) -> None:
        self.points += 1
        if self.points == self.ends_at:
            raise Killed


class Line(httpx.BaseTransport):
    """The way to HQ. `answers`: what becomes of the next answers, one each; `asked`: the paths so far."""

    def __init__(self, app: Any, hq: Hq) -> None:
        self.transport, self.hq = InlineTransport(app), hq
        self.answers: list[Answer] = []
        self.meanwhile: Callable[[], None] | None = None
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        answer = self.transport.handle_request(request)
        answer.read()
        answer = self.answers.pop(0)(answer) if self.answers else answer
        if answer.headers.get(SIGNATURE) == BY_HQ:
            answer.headers[SIGNATURE] = answer_signature(self.hq, request, answer.status_code, answer.read())
        return answer


def lost(answer: httpx.Response) -> httpx.Response:
    raise httpx.ReadTimeout("the answer got lost")


def instead(status: int, content: bytes | Message = b"", **headers: str) -> Answer:
    """Somebody else's answer, or HQ's with a message of the test's."""
    body = protocol.encode(content) if isinstance(content, Message) else content
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(content, Message):
        named |= CONTENT | {SIGNATURE: BY_HQ}
    return lambda answer: httpx.Response(status, headers=named, content=body)


class HeadOffice:
    """HQ on a file, which may be backed up and put back."""

    def __init__(self, folder: Path, clock: DayClock, number: int = 1) -> None:
        self.path = folder / "hq.sqlite"
        self.use(make_hq(sqlite_url(folder), clock, SeededIds(number)))

    def use(self, hq: Hq) -> None:
        self.hq, self.app = hq, make_app(hq, run=run_inline)

    def image(self) -> bytes:
        with self.hq.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.path.read_bytes()

    def put_back(self, image: bytes) -> None:
        self.hq.database.close()
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self.path.write_bytes(image)
        self.use(Hq.open(Database.open(f"sqlite:///{self.path}"), self.hq.clock, self.hq.ids))

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.hq.database.read() as connection:
            return [tuple(row) for row in run(connection, sql, *values)]

    def change(self, sql: str, *values: Any) -> None:
        with self.hq.database.write() as connection:
            run(connection, sql, *values)


class Machine:
    """One till's PC."""

    def __init__(self, office: HeadOffice, path: Path, number: int = 1, is_new: bool = True) -> None:
        self.office, self.path, self.clock, self.ids = office, path, office.hq.clock, SeededIds(100 + number)
        if is_new:
            make_store(path, self.clock, self.ids).close()  # type: ignore[arg-type]
        self.luck = random.Random(number)
        self.open()
        if is_new:
            self.enrol()

    def open(self) -> None:
        self.store = KillableStore.open(self.path, clock=self.clock, ids=self.ids)
        self.line = Line(self.office.app, self.office.hq)
        self.link = Link(self.store, httpx.Client(transport=self.line, base_url=URL))
        self.agent = Agent(self.store, self.link, random=random.Random(7))

    def close(self) -> None:
        self.store.connection.close()

    def restart(self) -> None:
        """The process was killed; another one starts."""
        self.close()
        self.open()

    def enrol(self) -> None:
        enrol.enrol(self.store, self.link, URL, new_code(self.office.hq, self.store.device.store))

    def sell(self, count: int = 1) -> None:
        for _ in range(count):
            facts.sell(self.store, self.luck)

    def image(self) -> bytes:
        self.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.path.read_bytes()

    def put_back(self, image: bytes) -> None:
        """An old copy in the place of the file, so that nothing beside the file gives it away."""
        self.close()
        _put(self.path, image)
        self.path.with_name(self.path.name + ".head").unlink(missing_ok=True)
        self.open()

    def clone(self, name: str, number: int) -> "Machine":
        """A second machine from this one's disk, which does not know that it is one."""
        path = self.path.with_name(name)
        _put(path, self.image())
        return Machine(self.office, path, number, is_new=False)

    def settle(self, most: int = 60) -> None:
        """Push until nothing is left; AssertionError when it does not come to that."""
        for _ in range(most):
            step = self.agent.push_once()
            if not (step.more or step.trouble or step.wait_ms):
                return
        raise AssertionError(f"not settled: {step}")

    def journal(self) -> list[tuple[bytes, bytes]]:
        return [(bytes(r[0]), bytes(r[1])) for r in self.store.connection.execute("SELECT uid, hash FROM journal ORDER BY id")]


def _put(path: Path, image: bytes) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(image)
    connection = connect(path)
    connection.execute("UPDATE device SET file_identity = ?", (file_identity(path),))
    connection.close()


def copy_of(path: Path, target: Path) -> Path:
    shutil.copyfile(path, target)
    return target


def is_whole(office: HeadOffice, *machines: Machine) -> bool:
    """Whether HQ's log holds each event of these machines once, with its hash; and each machine's proof says so too."""
    held = [bytes(row[0]) for row in office.rows("SELECT hash FROM log")]
    own = {hash for machine in machines for _, hash in machine.journal()}
    if len(held) != len(set(held)) or not own <= set(held):
        return False
    return all(machine.agent.prove_once() == Step(machine.agent.prove_once().done) for machine in machines)
