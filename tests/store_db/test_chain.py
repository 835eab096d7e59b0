"""The proof: whatever is changed in the journal or behind it, `verify` names it, and it never falls over its own evidence."""

import dataclasses
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.events import Header, chain_hash
from store_db import journal, stock
from store_db.connection import sqlite
from store_db.store import Store
from store_db.verify import verify_file
from tests.shop_kit import COLA, MILK, SUPERVISOR_PIN, WATER, Till, make_shop, make_store

COLUMNS = (
    "id", "device", "epoch", "seq", "uid", "kind", "schema", "lane", "business_date", "wall_ms", "mono_ms", "boot_id",
    "hq_offset_ms", "payload", "hash",
)  # fmt: skip
LAST = 15  # the newest event of `traded`
Edit = Callable[[sqlite.Connection], None]


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store with every kind of event in it and half of its stock folded."""
    path = tmp_path_factory.mktemp("chain") / "shop.sqlite"
    store = make_store(path, DayClock(), SeededIds(1))
    till = Till(make_shop(store)).open()
    till.sell(WATER, MILK)
    till.scan(COLA).press("pay", "card", "back", "pay")
    till.scan(MILK).press("pay").type("1").press("card").type("77\n").press("pay")
    till.scan(COLA).press("cancel_sale").type(SUPERVISOR_PIN).type("1")
    till.press("no_sale").type(SUPERVISOR_PIN).type("1").press("reprint")
    till.scan(WATER).press("pay", "card", "back", "back", "hold")
    with store.transaction() as connection:
        stock.fold(connection, events_max=4)
    till.close().press("back", "lock").open().sell(MILK)
    till.prove()
    store.close()
    return path


@pytest.fixture
def edited(traded: Path, tmp_path: Path) -> Callable[[Edit], list[str]]:
    """Applies an edit to a copy, as somebody with an SQLite shell would, and returns what verify finds."""

    def edit(change: Edit) -> list[str]:
        path = tmp_path / "edited.sqlite"
        shutil.copyfile(traded, path)
        connection = sqlite.connect(str(path))
        change(connection)
        connection.commit()
        connection.close()
        return verify_file(path).problems

    return edit


def other_value(value: object) -> object:
    if isinstance(value, int):
        return value + 1_000
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:] if value else b"x"
    return f"{value}x"


def other_type(value: object) -> object:
    """SQLite stores anything anywhere: a blob becomes a text, a number a word, a text a blob."""
    if isinstance(value, bytes):
        return "not bytes"
    return b"not text" if isinstance(value, str) else "not a number"


def test_an_untouched_store_verifies(traded: Path) -> None:
    proof = verify_file(traded)
    assert proof.is_ok, proof.problems
    assert (proof.events, proof.sales, proof.total_fen) == (LAST, 4, 550 + 250 + 350 + 350)


@pytest.mark.parametrize("twist", [other_value, other_type])
@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column_of_any_event_is_named(
    edited: Callable[[Edit], list[str]], column: str, twist: Callable[[object], object]
) -> None:
    if column == "id" and twist is other_type:
        return  # SQLite itself refuses a row id that is no number
    draw = random.Random(f"{column}:{twist.__name__}")
    for event_id in (*draw.sample(range(1, 15), 4), *(() if column == "id" else (LAST,))):

        def change(connection: sqlite.Connection, event_id: int = event_id) -> None:
            value = connection.execute(f"SELECT {column} FROM journal WHERE id = ?", (event_id,)).fetchone()[0]
            connection.execute(f"UPDATE journal SET {column} = ? WHERE id = ?", (twist(value), event_id))

        problems = edited(change)
        named = event_id + 1 if column == "id" else event_id
        assert any(f"event {named}" in problem for problem in problems), problems


@pytest.mark.parametrize("kind", ["sale", "epoch_opened", "shift_closed", "stock_moved", "copy_printed", "unheard_of"])
def test_a_payload_that_is_no_event_is_named_and_does_not_stop_the_proof(edited: Callable[[Edit], list[str]], kind: str) -> None:
    for payload in (b"", b"{}", b"[]", b"null", b"1", b"{", b"\xff\xfe", b'{"a":1}', b'{"lines":1}', b'{"kind":"sale"}'):
        problems = edited(
            lambda c, p=payload: c.execute("UPDATE journal SET payload = ?, kind = ? WHERE id = 9", (p, kind)) and None
        )
        assert any("event 9" in problem for problem in problems), payload


@pytest.mark.parametrize("event_id", [1, 2, 8, 14])
def test_a_deleted_event_is_missed(edited: Callable[[Edit], list[str]], event_id: int) -> None:
    assert edited(lambda c: c.execute("DELETE FROM journal WHERE id = ?", (event_id,)) and None)


def test_the_last_event_is_missed_too(edited: Callable[[Edit], list[str]]) -> None:
    assert edited(lambda c: c.execute("DELETE FROM journal WHERE id = (SELECT max(id) FROM journal)") and None)


def test_two_events_that_changed_places_are_named(edited: Callable[[Edit], list[str]]) -> None:
    def swap(connection: sqlite.Connection) -> None:
        for old, new in ((6, -1), (7, 6), (-1, 7)):
            connection.execute("UPDATE journal SET id = ? WHERE id = ?", (new, old))

    problems = edited(swap)
    assert any("event 6" in problem for problem in problems)
    assert any("event 7" in problem for problem in problems)


@pytest.mark.parametrize(
    ("table", "sql"),
    [
        ("receipts", "UPDATE receipts SET total_fen = total_fen - 1 WHERE counter = 1"),
        ("receipts", "UPDATE receipts SET state = 'cancelled' WHERE counter = 1"),
        ("receipts", "DELETE FROM receipts WHERE counter = 2"),
        ("receipts", "UPDATE receipts SET shift_no = 2 WHERE counter = 1"),
        ("tenders", "UPDATE tenders SET kind = 'cash' WHERE kind = 'card_terminal'"),
        ("tenders", "UPDATE tenders SET change_fen = 5"),
        ("tenders", "DELETE FROM tenders"),
        ("shifts", "UPDATE shifts SET float_fen = 0"),
        ("shifts", "UPDATE shifts SET counted_fen = expected_fen"),
        ("series", "UPDATE series SET code = 'AAAA'"),
        ("epochs", "UPDATE epochs SET reason = 'restore'"),
        ("stock_moves", "UPDATE stock_moves SET quantity = 0 WHERE id & 4095 = 1"),
        ("stock_moves", "INSERT INTO stock_moves VALUES ((3 << 12) + 99, 'WATER', 100)"),
    ],
)
def test_an_edited_table_is_named(edited: Callable[[Edit], list[str]], table: str, sql: str) -> None:
    problems = edited(lambda c: c.execute(sql) and None)
    assert any(f"table {table}" in problem for problem in problems), problems


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE stock_base SET quantity = quantity + 1 WHERE sku = 'WATER'", "DELETE FROM stock_base WHERE sku = 'MILK'",
        "INSERT INTO stock_base VALUES ('GHOST', 5)", "UPDATE stock_fold SET folded_to = 0",
        "UPDATE stock_fold SET folded_to = 9999",
    ],
)  # fmt: skip
def test_an_edited_stock_base_is_named(edited: Callable[[Edit], list[str]], sql: str) -> None:
    assert any("stock" in problem for problem in edited(lambda c: c.execute(sql) and None))


def test_a_forged_last_event_of_an_earlier_epoch_is_named(traded: Path, tmp_path: Path) -> None:
    """Its hash recomputed and its tables edited to match, the event is a perfect forgery, but for the next epoch's first
    event, which holds the hash that was. The head of a chain proves everything before it, across epochs too."""
    path = tmp_path / "forged.sqlite"
    shutil.copyfile(traded, path)
    with Store.open(path, clock=DayClock(), ids=SeededIds(2)) as store:
        last = store.connection.execute(
            "SELECT max(id) FROM journal WHERE epoch = (SELECT epoch FROM journal WHERE id = 1)"
        ).fetchone()[0]
        entry, before = journal.entry_by_id(store.connection, last), journal.entry_by_id(store.connection, last - 1)
        assert entry is not None
        assert before is not None
        header = dataclasses.replace(entry.header, lane="99")
        forged = chain_hash(before.hash, header, entry.payload)
        store.connection.execute("UPDATE journal SET lane = '99', hash = ? WHERE id = ?", (forged, last))
    problems = verify_file(path).problems
    assert any(f"event {last}" in problem or f"event {last + 1}" in problem for problem in problems), problems


def test_events_of_an_unknown_kind_are_carried_and_proved(traded: Path, tmp_path: Path) -> None:
    """A newer device's event is in the chain; this version projects nothing from it and still proves every byte."""
    path = tmp_path / "newer.sqlite"
    shutil.copyfile(traded, path)
    connection = sqlite.connect(str(path))
    _, epoch, seq, previous = connection.execute("SELECT id, epoch, seq, hash FROM journal ORDER BY id DESC LIMIT 1").fetchone()
    header = Header(b"d", epoch, seq + 1, b"u" * 16, "from_tomorrow", 7, "01", "2030-01-01", 1, 1, b"b", 0)
    payload = '{"新":1}'.encode()
    row = (None, *dataclasses.astuple(header), payload, chain_hash(previous, header, payload))
    connection.execute(f"INSERT INTO journal VALUES ({','.join('?' * 15)})", row)
    connection.commit()
    connection.close()
    assert verify_file(path).is_ok


def test_the_totals_of_every_z_are_the_sales_of_its_shift(traded: Path) -> None:
    """A sum that no projector knows: `ShiftClosed` against the `Sale` events that name its shift."""
    connection = sqlite.connect(str(traded))
    connection.row_factory = sqlite.Row
    events = [entry.event() for entry in journal.entries(connection)]
    connection.close()
    closed = [event for event in events if event is not None and event.kind == "shift_closed"]
    assert closed
    for z in closed:
        sales = [event for event in events if event is not None and event.kind == "sale" and event.shift_no == z.shift_no]
        assert (z.sales, z.total_fen) == (len(sales), sum(sale.total_fen for sale in sales))


def test_a_z_that_does_not_match_its_sales_is_named(tmp_path: Path) -> None:
    """A wrong Z that was committed through `append` is in the chain and projected as it stands: only a sum can tell."""
    path = tmp_path / "shop.sqlite"
    with make_store(path, DayClock(), SeededIds(1)) as store:
        till = Till(make_shop(store)).open()
        till.sell(WATER)
        till.close()
        entry = journal.entry_by_id(store.connection, journal.head(store.connection)[0])
        assert entry is not None
        wrong = dataclasses.replace(entry.event(), sales=0, total_fen=0, tenders=(), shift_no=2)  # type: ignore[call-arg, type-var]
        till.press("back", "lock").open()
        till.sell(MILK)
        store.record(wrong, lane="01")  # type: ignore[arg-type]
    assert any("shift 2" in problem for problem in verify_file(path).problems)


def test_verify_changes_nothing(traded: Path, tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    shutil.copyfile(traded, path)
    before = path.read_bytes()
    verify_file(path)
    assert path.read_bytes() == before


def test_lanes_go_on_selling_while_the_proof_runs(tmp_path: Path) -> None:
    """One read transaction: what is sold meanwhile is not in this proof and breaks nothing."""
    path = tmp_path / "shop.sqlite"
    with make_store(path, DayClock(), SeededIds(1)) as store:
        till = Till(make_shop(store)).open()
        for _ in range(600):
            store.record(_no_sale())
        till.sell(WATER)
        proof = verify_file(path, lambda done: till.sell(MILK) and None)
        if proof.events < 1_000:
            for _ in range(500):
                store.record(_no_sale())
            proof = verify_file(path, lambda done: till.sell(MILK) and None)
        assert proof.is_ok, proof.problems
        assert verify_file(path).sales == proof.sales + 1


def _no_sale():  # type: ignore[no-untyped-def]
    from pos_app.domain.events import DrawerOpened

    return DrawerOpened("01", "1001", "1002", "mistake")
