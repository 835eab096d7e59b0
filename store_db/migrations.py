"""Bring a store file to this version: forward only, a backup first, a newer file refused.

sqlite-utils keeps the record of what was applied; `PRAGMA user_version` repeats the count, so that a lane can check its
file without loading sqlite-utils.
"""

from pathlib import Path

from pos_app.domain.errors import StoreError
from store_db.connection import Connection, sqlite, transaction
from store_db.schema import STEPS, VERSION

# A sale touches some ten tables at their ends, each by a few hundred bytes: small pages halve what it writes.
PAGE_BYTES = 2048


def version_of(connection: Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: Connection, path: Path) -> None:
    """Apply what is missing. Raises StoreError POS-1001 for a file of a newer version, which is left untouched."""
    found = version_of(connection)
    if found > VERSION:
        raise StoreError("POS-1001", path=path, found=found, known=VERSION)
    if found == VERSION:
        return
    if found == 0:
        connection.execute("PRAGMA journal_mode=DELETE")  # a page size is set before the log, or never
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode=WAL")
    if found > 0:
        backup_before(connection, path, found)
    _apply(connection, path)


def backup_before(connection: Connection, path: Path, version: int) -> Path:
    """A copy of the file beside it before its tables change."""
    target = path.with_name(f"{path.name}.v{version}.bak")
    copy = sqlite.connect(str(target))
    try:
        connection.backup(copy)
    finally:
        copy.close()
    return target


def _apply(connection: Connection, path: Path) -> None:
    from sqlite_utils import Database, Migrations

    migrations = Migrations("store")
    for name, step in STEPS:
        migrations(name=name)(lambda db, step=step: step(db.conn))
    migrations.apply(Database(connection))
    with transaction(connection, path):
        connection.execute(f"PRAGMA user_version={VERSION}")
