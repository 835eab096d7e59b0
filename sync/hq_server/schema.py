"""HQ's tables, made and brought to this version by the migrations; a database of a newer version is left alone."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from pos_app.domain.errors import StoreError
from sync.hq_server.database import Database, run

VERSION = "0001"  # the newest migration


def version_of(database: Database) -> str:
    """The migration that a database is at. Raises StoreError POS-1008 when there is no HQ in it."""
    if not database.is_postgres and not Path(database.engine.url.database or "").exists():  # looking would make it
        raise StoreError("POS-1008", path=place(database))
    with database.read() as connection:
        if not database.engine.dialect.has_table(connection, "alembic_version"):
            raise StoreError("POS-1008", path=place(database))
        return str(run(connection, "SELECT version_num FROM alembic_version").scalar_one())


def migrate(connection: Connection) -> None:
    """Apply what is missing, inside the open transaction: all of it or nothing."""
    from alembic import command

    command.upgrade(config(connection), "head")


def bring_up(database: Database) -> None:
    """Bring a database to this version. Raises StoreError POS-1001 for a newer one."""
    found = version_of(database)
    if found > VERSION:
        raise StoreError("POS-1001", path=place(database), found=found, known=VERSION)
    if found < VERSION:
        with database.write() as connection:
            migrate(connection)


def config(connection: Connection | None = None) -> Any:
    """Alembic's view of the migrations, run on a connection."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", "sync.hq_server:migrations")
    made.attributes["connection"] = connection
    return made


def place(database: Database) -> str:
    """Where a database is, without its password."""
    return database.engine.url.render_as_string()
