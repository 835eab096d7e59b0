"""HQ's database: SQLite by default, PostgreSQL by URL. A short write holds its lock from its first statement on."""

import contextlib
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Self

from sqlalchemy import Connection, CursorResult, Engine, create_engine, event, make_url

from pos_app.domain.errors import StoreError
from store_db.connection import PRAGMAS, has_wal_reset_fix, sqlite

CACHE_KIB = 65_536  # HQ has the machine to itself; a lane does not
# what waits for a lock or for HQ's disk longer than this is told to come again
LOCK_TIMEOUT_MS = 5_000
POOL, OVERFLOW = 8, 32


class Database:
    """An engine, and the two ways to use it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_postgres = engine.dialect.name == "postgresql"

    @classmethod
    def open(cls, url: str) -> Self:
        """`sqlite:///path` or `postgresql+psycopg://…`. Raises StoreError POS-1006 where SQLite is too old."""
        if make_url(url).get_backend_name() == "postgresql":
            options = f"-c lock_timeout={LOCK_TIMEOUT_MS} -c synchronous_commit=on"
            engine = create_engine(
                url,
                pool_size=POOL,
                max_overflow=OVERFLOW,
                pool_pre_ping=True,
                connect_args={"options": options},
                hide_parameters=True,
            )
            event.listen(engine, "connect", check_commits)
            return cls(engine)
        if not has_wal_reset_fix(sqlite.sqlite_version_info):
            raise StoreError("POS-1006", version=sqlite.sqlite_version)
        arguments = {"check_same_thread": False, "isolation_level": None, "timeout": LOCK_TIMEOUT_MS / 1000}
        engine = create_engine(
            url, module=sqlite, connect_args=arguments, pool_size=POOL, max_overflow=OVERFLOW, hide_parameters=True
        )  # what an error of the database says goes into the log: values of members and staff do not
        event.listen(engine, "connect", _set_pragmas)
        return cls(engine)

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """All of the block is durable when it has ended, or none of it."""
        with self.engine.begin() as connection:
            if not self.is_postgres:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """One unmoving view of everything."""
        begin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY" if self.is_postgres else "BEGIN"
        with self.engine.connect() as connection:
            connection.exec_driver_sql(begin)
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def run(connection: Connection, sql: str, *values: Any) -> CursorResult[Any]:
    """One statement with `?` for values, past SQLAlchemy's compiler: for what each request does."""
    return connection.exec_driver_sql(_for(connection.dialect.name, sql), values)


def run_many(connection: Connection, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """One statement for many rows."""
    if rows:
        connection.exec_driver_sql(_for(connection.dialect.name, sql), list(rows))


# when the server was started, which database it is, which tables
INCARNATION = (
    "SELECT concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()), oid, 'meta'::regclass::oid) "
    "FROM pg_database WHERE datname = current_database()"
)


def incarnation(connection: Connection) -> bytes:
    """Another one whenever what PostgreSQL holds may have been put back: by a restart, a failover, a dump.

    Always the same for SQLite: a file is put back while no process has it open.
    """
    if connection.dialect.name != "postgresql":
        return b""
    return str(run(connection, INCARNATION).scalar_one()).encode()


@cache
def _for(dialect: str, sql: str) -> str:
    return sql.replace("?", "%s") if dialect == "postgresql" else sql


def _set_pragmas(connection: Any, record: object) -> None:
    """The till's rules for SQLite, with a larger cache; each is read back."""
    larger = {"cache_size": (str(-CACHE_KIB), -CACHE_KIB)}
    for name, plain_value, plain_expected in PRAGMAS:
        value, expected = larger.get(name, (plain_value, plain_expected))
        connection.execute(f"PRAGMA {name}={value}")
        found = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if found != expected:
            raise StoreError("POS-1003", path="HQ", detail=f"PRAGMA {name} is {found}, not {expected}")


def check_commits(connection: Any, record: object) -> None:
    """What was acknowledged is on PostgreSQL's disk, however the server is set."""
    found = connection.execute("SHOW synchronous_commit").fetchone()[0]
    connection.rollback()
    if found != "on":
        raise StoreError("POS-1003", path="HQ", detail=f"synchronous_commit is {found}, not on")
