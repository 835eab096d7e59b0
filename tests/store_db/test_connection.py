"""Opening a store file: versions, pragmas, and every file that is not ours left as it is."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.errors import StoreError
from store_db.connection import PRAGMAS, Connection, connect, has_wal_reset_fix, sqlite, transaction
from store_db.schema import VERSION
from store_db.store import Store
from store_db.verify import verify_file
from tests.shop_kit import make_store


@pytest.mark.parametrize(
    ("version", "is_fixed"),
    [
        ((3, 51, 2), False), ((3, 51, 3), True), ((3, 50, 7), True), ((3, 50, 6), False), ((3, 44, 6), True),
        ((3, 44, 5), False), ((3, 45, 9), False), ((3, 49, 99), False), ((3, 51, 0), False), ((3, 52, 0), True),
        ((4, 0, 0), True), ((3, 7, 17), False), ((3, 51, 3, 1), True),
    ],
)  # fmt: skip
def test_only_versions_without_the_wal_reset_bug_are_used(version: tuple[int, ...], is_fixed: bool) -> None:
    assert has_wal_reset_fix(version) is is_fixed


def test_this_environment_has_a_fixed_version() -> None:
    assert has_wal_reset_fix(sqlite.sqlite_version_info)


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    make_store(path, DayClock(), SeededIds(1)).close()
    return path


def test_every_pragma_reads_back_as_it_was_set(store_file: Path) -> None:
    connection = connect(store_file)
    for name, _, expected in PRAGMAS:
        assert connection.execute(f"PRAGMA {name}").fetchone()[0] == expected, name
    assert {name: value for name, value, _ in PRAGMAS}["synchronous"] == "FULL"


def code_of(do: Callable[[], object]) -> str:
    with pytest.raises(StoreError) as refused:
        do()
    return refused.value.refusal.code


def entries(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_no_such_file_is_said_and_none_is_made(tmp_path: Path) -> None:
    for do in (Store.open, verify_file, connect):
        assert code_of(lambda do=do: do(tmp_path / "none.sqlite")) == "POS-1008"
    assert entries(tmp_path) == {}


def test_a_file_of_a_newer_version_is_refused_and_not_one_byte_changed(store_file: Path) -> None:
    connection = sqlite.connect(str(store_file))
    connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    before = store_file.read_bytes()
    assert code_of(lambda: Store.open(store_file)) == "POS-1001"
    assert store_file.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"hello, I am a text file\n" * 100, os.urandom(8192), b"\x00" * 4096, b"SQLite format 3\x00" + b"\xff" * 4080]
)
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "shop.sqlite"
    path.write_bytes(content)
    assert code_of(lambda: Store.open(path)) == "POS-1002"
    assert code_of(lambda: verify_file(path)) == "POS-1002"
    assert path.read_bytes() == content


def test_an_empty_file_is_refused_as_no_store(tmp_path: Path) -> None:
    """What `touch` or a power cut in `pos init` leaves behind."""
    path = tmp_path / "shop.sqlite"
    path.touch()
    assert code_of(lambda: Store.open(path)) == "POS-1002"
    assert path.read_bytes() == b""


def test_somebody_elses_database_is_refused_and_gets_no_tables(tmp_path: Path) -> None:
    path = tmp_path / "photos.sqlite"
    theirs = sqlite.connect(str(path))
    theirs.execute("CREATE TABLE photos (name)")
    theirs.commit()
    theirs.close()
    before = path.read_bytes()
    assert code_of(lambda: Store.open(path)) == "POS-1002"
    assert path.read_bytes() == before


def test_a_store_whose_making_was_cut_short_is_refused_with_a_code(tmp_path: Path) -> None:
    """Tables without a device row: the power went in `pos init`."""
    path = tmp_path / "shop.sqlite"
    make_store(path, DayClock(), SeededIds(1)).close()
    connection = sqlite.connect(str(path))
    connection.execute("DELETE FROM device")
    connection.commit()
    connection.close()
    assert code_of(lambda: Store.open(path)) == "POS-1002"


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    assert code_of(lambda: Store.open(tmp_path)) in ("POS-1002", "POS-1003")


def test_a_store_is_never_made_over_a_file(store_file: Path) -> None:
    before = store_file.read_bytes()
    assert code_of(lambda: Store.create(store_file, "S002")) == "POS-1010"
    assert store_file.read_bytes() == before


@pytest.mark.parametrize("name", ["收银 1.sqlite", "a%20b?c#d.sqlite", "a'b;--.sqlite"])
def test_any_file_name_is_only_a_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    make_store(path, DayClock(), SeededIds(1)).close()
    with Store.open(path, clock=DayClock(), ids=SeededIds(2)) as store:
        assert store.device.store == "S001"
    assert {entry.name.removeprefix(name)[:1] for entry in tmp_path.iterdir()} <= {"", ".", "-"}


def test_a_transaction_that_raises_leaves_nothing_behind(store_file: Path) -> None:
    connection = connect(store_file)

    def broken(connection: Connection) -> None:
        with transaction(connection, store_file):
            connection.execute("DELETE FROM items")
            raise RuntimeError("the lane fell over")

    with pytest.raises(RuntimeError):
        broken(connection)
    assert not connection.in_transaction
    assert connection.execute("SELECT count(*) FROM items").fetchone()[0] > 10


def test_a_file_that_another_writer_holds_is_busy_and_nothing_is_lost(store_file: Path) -> None:
    holder, waiter = connect(store_file), connect(store_file)
    waiter.execute("PRAGMA busy_timeout=1")
    holder.execute("BEGIN IMMEDIATE")

    def write() -> None:
        with transaction(waiter, store_file):
            pass

    assert code_of(write) == "POS-1005"
    holder.execute("ROLLBACK")
    write()


def test_an_event_outside_a_transaction_is_a_programming_error(store_file: Path) -> None:
    from pos_app.domain.events import DrawerOpened

    with Store.open(store_file, clock=DayClock(), ids=SeededIds(2)) as store, pytest.raises(RuntimeError):
        store.append(DrawerOpened("01", "1", "1", "x"))
