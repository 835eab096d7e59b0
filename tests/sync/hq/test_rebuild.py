"""HQ's proof of itself: what the log projects to is what the tables hold, and any change of either is named."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from pos_app.demo.day import Day, DayClock, SeededIds
from pos_app.domain.errors import BadInput
from pos_app.domain.events import KINDS, Event
from store_db.store import Store
from sync.hq_server import exceptions, projections, quarantine, rows, take_later, views
from sync.hq_server.database import Database
from sync.hq_server.hq import REVOKED, Hq
from sync.hq_server.projected_tables import receipts, stock
from sync.hq_server.rebuild import HqProof, verify
from sync.hq_server.tables import log
from sync.protocol import WireEvent
from tests.sync.hq.projection_kit import Sender, event, journal_of, sale
from tests.sync.postgres import Cluster


@pytest.fixture(scope="module")
def day(demo_store_file: Path, tmp_path_factory: pytest.TempPathFactory) -> list[WireEvent]:
    path = tmp_path_factory.mktemp("day") / "shop.sqlite"
    shutil.copyfile(demo_store_file, path)
    clock = DayClock()
    with Store.open(path, clock=clock, ids=SeededIds(6)) as store:
        sold = Day(store, clock, 6)
        sold.open()
        for _ in range(30):
            sold.sell()
        sold.close()
    return journal_of(path)


@pytest.fixture
def hq(tmp_path: Path) -> Iterator[Hq]:
    database = Database.open(f"sqlite:///{tmp_path / 'hq.sqlite'}")
    yield Hq.create(database, DayClock(), SeededIds(1))
    database.close()


@pytest.fixture
def full(hq: Hq, day: list[WireEvent]) -> Hq:
    """A day, a broken sale, one that does not add up, one of an unknown kind, and a second device."""
    till = Sender(hq)
    till.tell(*day[:20])
    till.tell(*day[20:])
    other = Sender(hq, n=2)
    other.tell(
        event("sale", b"{}"), event("sale", sale() | {"total_fen": 1}), event("hologram_sold", {}), event("sale", sale(700))
    )
    return hq


def _change(hq: Hq, sql: str) -> None:
    with hq.database.write() as connection:
        assert connection.exec_driver_sql(sql).rowcount > 0


def test_an_hq_that_nobody_touched_is_whole(full: Hq, day: list[WireEvent]) -> None:
    proof = verify(full.database)
    assert proof.problems == []
    assert (proof.events, proof.waiting, proof.put_aside, proof.chains) == (len(day) + 4, 1, 2, 2)
    assert proof.projected == len(day) + 1
    assert proof.money_fen > 0
    assert all(proof.tables.values())


BODY, SALE = rows.RULES["sale"]
CHANGES = {
    "UPDATE log SET payload = CAST(CAST(payload AS TEXT) || ' ' AS BLOB) WHERE kind = 'sale'": "is not what followed",
    "UPDATE log SET business_date = '2026-09-22' WHERE kind = 'sale'": "is not what followed",
    "DELETE FROM log WHERE seq = (SELECT max(seq) FROM log) AND device = x'01010101010101010101010101010101'": "its head is not",
    "DELETE FROM log WHERE seq = 9": "is not what followed",
    "DELETE FROM log WHERE device = x'02020202020202020202020202020202'": "2 chains, 1 in the log",
    "UPDATE chains SET money_fen = money_fen + 1": "its sums are not",
    "UPDATE store_days SET sales_fen = sales_fen + 1": "table store_days",
    "UPDATE store_days SET sales_fen = sales_fen + 1, rounding_fen = rounding_fen - 1": "table store_days",
    "DELETE FROM receipts WHERE uid IN (SELECT uid FROM receipts LIMIT 1)": "table receipts",
    "UPDATE points SET points = points + 1": "table points",
    "UPDATE stock SET quantity = quantity + 1": "table stock",
    "DELETE FROM quarantine WHERE code = 'not_whole'": "cannot be rebuilt: quarantine",
    "DELETE FROM waiting": "cannot be rebuilt: waiting",
    "UPDATE quarantine SET is_projected = 1": "cannot be rebuilt: quarantine",
}


@pytest.mark.parametrize(("sql", "problem"), CHANGES.items(), ids=CHANGES.values())
def test_whatever_was_changed_is_named(full: Hq, sql: str, problem: str) -> None:
    _change(full, sql)
    problems = verify(full.database).problems
    assert any(problem in one for one in problems), problems


def test_a_projector_that_is_wrong_in_both_is_found_by_the_sums(hq: Hq, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rebuild uses the same projectors; the sums of the events do not."""
    monkeypatch.setitem(rows.RULES, "sale", (BODY, lambda *event: iter(list(SALE(*event))[:-1])))
    Sender(hq).tell(event("sale", sale(500, gifts=[{"sku": "GIFT", "quantity": 1}])))
    problems = verify(hq.database).problems
    assert len(problems) == 1 and problems[0].startswith("tables say (500, 0, -1)"), problems


def test_an_event_that_hides_behind_a_forged_entry_is_missed_in_the_tables(full: Hq) -> None:
    """Somebody puts a good sale aside, and forgets to take it out of the tables."""
    with full.database.write() as connection:
        good = connection.execute(select(log).where(log.c.kind == "sale")).first()
        row = connection.execute(select(quarantine.entries)).mappings().first()
        forged = dict(row or {}) | {"device": good.device, "epoch": good.epoch, "seq": good.seq, "uid": good.uid}
        connection.execute(quarantine.entries.insert().values(forged))
    assert "table receipts is not what the log projects to" in verify(full.database).problems


# ------------------------------------------------------------------ what comes in later


def test_an_accepted_sale_is_in_the_tables_and_the_proof_holds(full: Hq) -> None:
    with full.database.read() as connection:
        entry = connection.execute(select(quarantine.entries).where(quarantine.entries.c.code == "not_whole")).one()
        before = len(connection.execute(select(receipts)).all())
    assert take_later.accept(full, entry.uid.hex(), "ops") == 1
    proof = verify(full.database)
    assert proof.problems == []
    assert proof.put_aside == 1
    with full.database.read() as connection:
        assert len(connection.execute(select(receipts)).all()) == before + 1
    with pytest.raises(BadInput, match="POS-7103"):
        take_later.accept(full, entry.uid.hex(), "ops")


def test_what_no_row_can_be_made_of_is_not_accepted(full: Hq) -> None:
    with full.database.read() as connection:
        uid = connection.execute(select(quarantine.entries.c.uid).where(quarantine.entries.c.code == "broken")).scalar_one()
    with pytest.raises(BadInput, match="POS-7104"):
        take_later.accept(full, uid.hex(), "ops")
    assert verify(full.database).put_aside == 2


def test_an_identity_that_the_shop_used_before_is_not_accepted(hq: Hq) -> None:
    one = event("sale", sale(100))
    till = Sender(hq)
    till.tell(one)
    till.tell(one)
    with pytest.raises(BadInput, match="POS-7104"):
        take_later.accept(hq, one.header.uid.hex(), "ops")
    proof = verify(hq.database)
    assert (proof.problems, proof.projected, proof.put_aside, proof.money_fen) == ([], 1, 1, 100)


def test_events_of_a_revoked_device_count_once_they_are_accepted(hq: Hq) -> None:
    till, one = Sender(hq), event("sale", sale(100))
    _change(hq, f"UPDATE devices SET state = '{REVOKED}'")
    till.caller = till.caller._replace(state=REVOKED)
    till.tell(one)
    assert verify(hq.database).money_fen == 0
    take_later.accept(hq, one.header.uid.hex(), "ops")
    proof = verify(hq.database)
    assert (proof.problems, proof.money_fen) == ([], 100)


@pytest.fixture
def twice(hq: Hq) -> bytes:
    """A basket that was open in a stolen copy: first the revoked device tells of it, then the shop's own. Its uid."""
    stolen, own = Sender(hq, n=1), Sender(hq, n=2)
    _change(hq, f"UPDATE devices SET state = '{REVOKED}' WHERE device = x'{stolen.device.hex()}'")
    stolen.caller = stolen.caller._replace(state=REVOKED)
    stolen.tell(one := event("sale", sale(100)))
    own.tell(event("sale", sale(250), uid=one.header.uid))
    return one.header.uid


@pytest.mark.parametrize(("device", "money_fen"), [("", 250), ("01", 100), ("02", 250)])
def test_of_two_sales_under_one_identity_one_counts_once_and_the_other_is_refused(
    hq: Hq, twice: bytes, device: str, money_fen: int
) -> None:
    """The shop's own, unless somebody says whose."""
    assert take_later.accept(hq, twice.hex(), "ops", device) == 1
    for again in ("", "01", "02"):
        with pytest.raises(BadInput, match=r"POS-710[34]"):
            take_later.accept(hq, twice.hex(), "ops", again)
    proof = verify(hq.database)
    assert (proof.problems, proof.projected, proof.put_aside, proof.money_fen) == ([], 1, 1, money_fen)
    with hq.database.read() as connection:
        assert len(views.exceptions(connection, hq.clock.wall_ms())) == 1, "the other waits for somebody's word"


def test_an_identity_that_was_written_off_and_comes_again_may_still_count(hq: Hq) -> None:
    stolen, own, one = Sender(hq, n=1), Sender(hq, n=2), event("sale", b"{}")
    stolen.tell(one)
    with hq.database.write() as connection:
        quarantine.resolve(connection, None, one.header.uid.hex(), "written_off", "ops", 1)
    own.tell(event("sale", sale(250), uid=one.header.uid))
    assert take_later.accept(hq, one.header.uid.hex(), "ops") == 1
    proof = verify(hq.database)
    assert (proof.problems, proof.put_aside, proof.money_fen) == ([], 1, 250)


def test_where_no_row_can_be_made_of_one_the_other_under_its_identity_is_taken(hq: Hq) -> None:
    first, second, one = Sender(hq, n=1), Sender(hq, n=2), event("sale", b"{}")
    first.tell(one)
    second.tell(event("sale", sale(250), uid=one.header.uid))
    assert take_later.accept(hq, one.header.uid.hex(), "ops") == 1
    proof = verify(hq.database)
    assert (proof.problems, proof.put_aside, proof.money_fen) == ([], 1, 250)


def test_a_version_that_knows_a_kind_takes_what_waited(hq: Hq, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind is really unknown while it arrives, and known afterwards; unknown ones go on waiting."""
    till = Sender(hq)
    with monkeypatch.context() as older:
        older.delitem(KINDS, "stock_moved")
        till.tell(*(event("stock_moved", {"reason": "delivery", "moves": [{"sku": "A", "quantity": 2}]}) for _ in range(3)))
        till.tell(event("hologram_sold", {}), event("sale", sale(100), schema=2))
        assert verify(hq.database).waiting == 5
    assert take_later.project_waiting(hq) == 3
    assert take_later.project_waiting(hq) == 0
    with hq.database.read() as connection:
        assert dict(connection.execute(select(stock.c.sku, stock.c.quantity)).all()) == {"A": 6}
        assert len(connection.execute(select(projections.waiting)).all()) == 2
    assert verify(hq.database).problems == []


def test_the_proof_says_what_it_counted(hq: Hq) -> None:
    Sender(hq).tell(event("sale", sale(1_234)))
    proof = verify(hq.database)
    assert isinstance(proof, HqProof)
    assert (proof.events, proof.projected, proof.money_fen) == (1, 1, 1_234)
    assert set(KINDS) >= {"sale"} and issubclass(KINDS["sale"], Event)


# ------------------------------------------------------------------ on PostgreSQL


@pytest.fixture
def on_postgres(postgres: Cluster) -> Iterator[Hq]:
    database = Database.open(postgres.new_database())
    yield Hq.create(database, DayClock(), SeededIds(1))
    database.close()


def test_postgresql_and_sqlite_make_the_same_tables(on_postgres: Hq, hq: Hq, day: list[WireEvent]) -> None:
    """`verify` rebuilds on SQLite, so that it compares the statements of both."""
    seen = []
    for one in (on_postgres, hq):
        till = Sender(one)
        till.tell(*day[:20])
        till.tell(*day[20:])
        proof = verify(one.database)
        assert proof.problems == []
        with one.database.read() as connection:
            seen.append((proof, projections.digests(connection)))
    assert seen[0] == seen[1]


def test_shops_that_sell_at_once_neither_wait_in_a_ring_nor_miss_a_coupon_used_twice(on_postgres: Hq) -> None:
    """Two shops, each with the other's members and coupons in another order; the second to use a coupon sees the first."""
    shops = [Sender(on_postgres, f"S00{n}", n) for n in (1, 2)]
    names = [f"M{n}" for n in range(20)]

    def sell(shop: Sender, order: list[str]) -> None:
        for name in order:
            moves_now = [{"rule": "earn", "lot": f"{name}:earn", "points": 5, "expires": ""} for name in (name, order[0])]
            shop.tell(event("sale", sale(coupons=[name], customer=name, points=moves_now)))

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(sell, shop, order) for shop, order in zip(shops, (names, names[::-1]), strict=True)]
        for one in done:
            one.result(timeout=120)
    assert verify(on_postgres.database).problems == []
    with on_postgres.database.read() as connection:
        found = connection.execute(select(exceptions.found_now).where(exceptions.found_now.c.resolved_ms == 0)).all()
    assert {(row.store, row.name) for row in found} == {(s, f"coupon_overused/{n}/2") for s in ("S001", "S002") for n in names}


def test_a_till_with_a_bad_event_and_one_with_an_exception_do_not_wait_in_a_ring(on_postgres: Hq) -> None:
    """Both touch the shop's stock and its list of exceptions."""
    tills = [Sender(on_postgres, "S001", n) for n in (1, 2)]

    def sell(till: Sender, is_bad: bool) -> None:
        for _ in range(25):
            till.tell(*([event("sale", b"{}"), event("sale", sale())] if is_bad else [event("sale", sale(coupons=["C"]))]))

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(sell, till, till is tills[0]) for till in tills]
        for one in done:
            one.result(timeout=120)
    assert verify(on_postgres.database).problems == []
