"""HQ as one value: its database, its clock, its key. Any number of processes may each hold one on the same database."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from sqlalchemy import Connection

from pos_app.domain.errors import StoreError
from pos_app.domain.ports import Clock, Ids
from store_db.connection import make_private
from store_db.system import SystemClock, SystemIds
from sync.hq_server import schema
from sync.hq_server.database import Database, incarnation, run, run_many
from sync.protocol import Mark, Problem
from sync.signing import public_key, sign

SECRET, GENERATION, GENERATIONS, REV_FLOOR = "secret", "generation", "generations", "rev_floor"
INCARNATION = "incarnation"  # of the database, when its newest run of revs began
GENERATION_BYTES = 8
TILL, HUB = "till", "hub"  # roles
ACTIVE, FROZEN, REVOKED = "active", "frozen", "revoked"  # states of a device


class Caller(NamedTuple):
    """The device that signed a request, the key it signed with, when it was heard before."""

    device: bytes
    store: str
    role: str
    state: str = ACTIVE
    key: bytes = b""
    seen_ms: int = 0


class Rejected(Exception):
    """A request that is refused with a code of the wire."""

    def __init__(
        self, code: str, detail: str = "", *, mark: Mark | None = None, generation: bytes = b"", retry_after_s: int = 0
    ) -> None:
        self.problem = Problem(code=code, detail=detail, mark=mark, generation=generation, retry_after_s=retry_after_s)
        super().__init__(f"{code} {detail}")

    @classmethod
    def of(cls, problem: Problem) -> Self:
        return cls(
            problem.code, problem.detail, mark=problem.mark, generation=problem.generation, retry_after_s=problem.retry_after_s
        )


@dataclass(frozen=True, slots=True)
class Hq:
    """What every handler gets. `secret` signs receipts and statements; tills know its public half, `key`."""

    database: Database
    clock: Clock
    ids: Ids
    secret: bytes
    key: bytes

    @classmethod
    def create(cls, database: Database, clock: Clock | None = None, ids: Ids | None = None) -> Self:
        """Tables, a key and a generation in an empty database. Raises StoreError POS-1010 when there is an HQ already."""
        ids = ids or SystemIds()
        generation = ids.random(GENERATION_BYTES)
        if not database.is_postgres and database.engine.url.database:
            make_private(Path(database.engine.url.database))
        with database.write() as connection:
            if database.engine.dialect.has_table(connection, "meta"):
                raise StoreError("POS-1010", path=schema.place(database))
            schema.migrate(connection)
            values = [
                (SECRET, ids.random(32)), (GENERATION, generation), (GENERATIONS, generation), (REV_FLOOR, bytes(8)),
                (INCARNATION, incarnation(connection)),
            ]  # fmt: skip
            run_many(connection, "INSERT INTO meta (name, value) VALUES (?, ?)", values)
        return cls._read(database, clock, ids)

    @classmethod
    def open(cls, database: Database, clock: Clock | None = None, ids: Ids | None = None) -> Self:
        """An HQ that was created before, brought to this version. Raises StoreError POS-1008 (none there), POS-1001 (newer)."""
        from sync.hq_server import feed

        schema.bring_up(database)
        with database.write() as connection:
            feed.begin_run(connection, ids or SystemIds())
        return cls._read(database, clock, ids)

    @classmethod
    def _read(cls, database: Database, clock: Clock | None, ids: Ids | None) -> Self:
        with database.read() as connection:
            secret = read_meta(connection, SECRET)
        return cls(database, clock or SystemClock(), ids or SystemIds(), secret, public_key(secret))

    def generation(self, connection: Connection) -> bytes:
        """Changes when HQ was restored; read each time, as another process may have noticed."""
        return read_meta(connection, GENERATION)

    def sign(self, text: bytes) -> bytes:
        return sign(self.secret, text)


def read_meta(connection: Connection, name: str) -> bytes:
    return bytes(run(connection, "SELECT value FROM meta WHERE name = ?", name).scalar_one())
