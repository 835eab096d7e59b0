"""One SQLite connection under the house rules: version, pragmas read back, immediate transactions, clear errors."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pos_app.domain.errors import StoreError

if TYPE_CHECKING:
    import sqlite3 as sqlite
    from sqlite3 import Connection, Row
else:
    try:  # the wheel carries a newer SQLite than most systems
        from pysqlite3 import dbapi2 as sqlite
    except ImportError:  # where there is no wheel
        import sqlite3 as sqlite
    Connection, Row = sqlite.Connection, sqlite.Row

__all__ = ["Connection", "Row", "connect", "file_identity", "has_wal_reset_fix", "sqlite", "transaction", "translated"]

# The WAL-reset bug can corrupt a file that two processes write and checkpoint at once: a lane and an agent do just that.
# Fixed in 3.51.3 and carried back to these two branches (sqlite.org/wal.html, "walresetbug").
FIXED_BRANCHES = {(3, 44): 6, (3, 50): 7}
BUSY_TIMEOUT_MS = 5_000
APPLICATION_ID = 0x4C616E65  # "Lane": what `file` and other programs see; somebody else's database is never touched
PRAGMAS: tuple[tuple[str, str, object], ...] = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("foreign_keys", "ON", 1),
    ("busy_timeout", str(BUSY_TIMEOUT_MS), BUSY_TIMEOUT_MS),
    ("temp_store", "MEMORY", 2),
    # 1 MiB: a lane reads a few pages a scan, and the system caches the file; measured, the look-up is no slower for it.
    ("cache_size", "-1024", -1024),
    ("wal_autocheckpoint", "1000", 1000),
)


def has_wal_reset_fix(version: tuple[int, ...]) -> bool:
    """Whether a SQLite version is free of the WAL-reset bug: 3.51.3 and later, 3.50.7 and 3.44.6 on their branches."""
    major, minor, patch = version[:3]
    if (major, minor, patch) >= (3, 51, 3):
        return True
    fixed = FIXED_BRANCHES.get((major, minor))
    return fixed is not None and patch >= fixed


def connect(path: Path, *, create: bool = False, read_only: bool = False) -> Connection:
    """Open a store file; every pragma is read back.

    Raises StoreError POS-1006 (SQLite too old), POS-1008 (no such file), POS-1002/3/4/5/7 (see `translated`).
    """
    if not has_wal_reset_fix(sqlite.sqlite_version_info):
        raise StoreError("POS-1006", version=sqlite.sqlite_version)
    if not create and not path.exists():
        raise StoreError("POS-1008", path=path)
    mode = "ro" if read_only else "rwc" if create else "rw"
    with translated(path):
        uri = f"file:{_quoted(path)}?mode={mode}"
        connection = sqlite.connect(uri, uri=True, isolation_level=None, timeout=5.0, cached_statements=256)
        connection.row_factory = sqlite.Row
        if not create and connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreError("POS-1002", path=path, detail="not a Lanewise store")
        for name, value, expected in PRAGMAS[1:] if read_only else PRAGMAS:
            connection.execute(f"PRAGMA {name}={value}")
            found = connection.execute(f"PRAGMA {name}").fetchone()[0]
            if found != expected:
                raise StoreError("POS-1003", path=path, detail=f"PRAGMA {name} is {found}, not {expected}")
    return connection


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


@contextlib.contextmanager
def transaction(connection: Connection, path: Path) -> Iterator[Connection]:
    """A write transaction that takes its lock at once; all of it is durable when the block has ended, or none."""
    with translated(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as ours, at the edge. What was committed before stays as it is."""
    try:
        yield
    except sqlite.Error as error:
        raise StoreError(_code_of(error), path=path, detail=error) from error


def _code_of(error: sqlite.Error) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    text = str(error)
    if name.startswith("SQLITE_FULL") or "disk is full" in text:
        return "POS-1004"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or "is locked" in text:
        return "POS-1005"
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")) or "malformed" in text or "not a database" in text:
        return "POS-1002"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")) or "readonly" in text or "unable to open" in text:
        return "POS-1003"
    return "POS-1007"


def make_private(path: Path) -> None:
    """An empty file for its owner alone, as keys will be in it; whoever opens it next says what stands in the way."""
    with contextlib.suppress(OSError):
        path.touch(mode=0o600)


def file_identity(path: Path) -> str:
    """Machine id and inode of a store file: a copied file or a cloned disk has another one."""
    machine = ""
    for name in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        with contextlib.suppress(OSError):
            machine = Path(name).read_text(encoding="ascii").strip()
            break
    return f"{machine}:{os.stat(path).st_ino}"
