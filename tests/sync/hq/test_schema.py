"""The migrations make the tables that the code says, on both databases; no newer database is touched."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, func, inspect, select, text

from pos_app.domain.errors import StoreError
from sync.hq_server import schema
from sync.hq_server.all_tables import metadata
from sync.hq_server.database import Database
from sync.hq_server.hq import Hq
from sync.hq_server.migrations.names import is_ours
from sync.hq_server.tables import PARTITIONS, log
from tests.sync.hq_kit import FakeTill, client_of, make_hq, open_hq, sqlite_url


def test_the_migrations_make_the_tables_that_the_code_says(hq: Hq) -> None:
    """Red? `python scripts/hq_migration.py NAME` writes what is missing."""
    with hq.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_ours, "compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_what_comparing_does_not_see_is_the_same_too(tmp_path: Path) -> None:
    """Tables without a rowid, conditions of indexes: the text that SQLite keeps of each table."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    wanted = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'"
    with engine.connect() as plain, make_hq(sqlite_url(tmp_path)).database.read() as migrated:
        said = {name: "".join(sql.split()) for name, sql in plain.execute(text(wanted))}
        assert {name: "".join(sql.split()) for name, sql in migrated.execute(text(wanted))} == said


def test_the_newest_migration_is_the_version() -> None:
    assert ScriptDirectory.from_config(schema.config()).get_heads() == [schema.VERSION]


def test_the_log_is_parted_by_store_on_postgres(hq: Hq) -> None:
    if not hq.database.is_postgres:
        assert "log_0" not in inspect(hq.database.engine).get_table_names()
        return
    for number in range(6):
        till = FakeTill(hq, client_of(hq), number, f"S{number:03}")
        till.enrol()
        till.push(till.sell(till.new_chain()))
    with hq.database.read() as connection:
        parts = connection.execute(text("SELECT count(*) FROM pg_inherits WHERE inhparent = 'log'::regclass")).scalar_one()
        used = connection.execute(text("SELECT count(DISTINCT tableoid) FROM log")).scalar_one()
        assert connection.execute(select(func.count()).select_from(log)).scalar_one() == 12
    assert parts == PARTITIONS and used > 1


def test_there_is_one_hq_in_a_database(hq: Hq) -> None:
    with pytest.raises(StoreError, match="POS-1010"):
        Hq.create(hq.database)


def test_where_there_is_no_hq_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="POS-1008"):
        open_hq(sqlite_url(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_database_of_a_newer_version_is_left_alone(hq: Hq) -> None:
    with hq.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(StoreError, match="POS-1001"):
            open_hq(hq.database)
    finally:
        with hq.database.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :now"), {"now": schema.VERSION})


def test_a_making_that_is_cut_short_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables, key and generation come in one transaction."""
    database = Database.open(sqlite_url(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr("sync.hq_server.hq.run_many", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Hq.create(database)
    assert inspect(database.engine).get_table_names() == []
    assert Hq.create(database).key
