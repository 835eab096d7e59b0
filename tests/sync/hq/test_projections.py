"""What HQ makes of events: the shop's own figures, whatever the order of arrival; what does not fit is put aside, not lost."""

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from pos_app.demo.day import Day, DayClock, SeededIds
from pos_app.domain.proof import Sums, sums_of
from store_db.store import Store
from sync.hq_server import exceptions, feed, projections, quarantine
from sync.hq_server.projected_tables import coupons, points, receipts, stock, store_days
from sync.protocol import WireEvent
from tests.sync.hq.projection_kit import event, journal_of, moves, sale, with_payload
from tests.sync.hq_kit import make_hq, sqlite_url

STORE, OTHER, NOW_MS = "S001", "S002", 1_790_000_000_000
CODE = "POSTER-1"


@pytest.fixture(scope="module")
def day(demo_store_file: Path, tmp_path_factory: pytest.TempPathFactory) -> list[WireEvent]:
    """Sixty orders of two lanes, sold by the real till."""
    path = tmp_path_factory.mktemp("day") / "shop.sqlite"
    shutil.copyfile(demo_store_file, path)
    clock = DayClock()
    with Store.open(path, clock=clock, ids=SeededIds(5)) as store:
        sold = Day(store, clock, 5)
        sold.open()
        for _ in range(60):
            sold.sell()
        sold.close()
    return journal_of(path)


@pytest.fixture
def hq(tmp_path: Path) -> Iterator[Connection]:
    with _tables(tmp_path) as connection:
        yield connection


@contextmanager
def _tables(folder: Path, name: str = "hq") -> Iterator[Connection]:
    """One open transaction on a new HQ."""
    made = make_hq(sqlite_url(folder, name))
    with made.database.write() as connection:
        yield connection
    made.database.close()


def _project(connection: Connection, *events: WireEvent, store: str = STORE) -> None:
    projections.project(connection, store, events, NOW_MS)


def _shown(connection: Connection, store: str = STORE) -> dict[str, Any]:
    """Reasons of the exceptions that a shop sees, by the name they are resolved under."""
    bodies = [json.loads(row.body) for row in feed.rows_of(connection, "exceptions", store) if row.body]
    return {body["uid"]: body["code"] for body in bodies}


# ------------------------------------------------------------------ the shop's own figures


def test_money_points_and_goods_are_those_of_the_shops_sums(hq: Connection, day: list[WireEvent]) -> None:
    _project(hq, *day)
    total = Sums()
    for one in day:
        total = total.plus(sums_of(one.header.kind, one.payload))
    days = hq.execute(select(store_days)).all()
    assert total.money_fen == sum(row.sales_fen + row.rounding_fen - row.refunded_fen for row in days) > 0
    assert total.quantity == sum(hq.execute(select(stock.c.quantity)).scalars()) != 0
    assert total.points == sum(hq.execute(select(points.c.points).where(points.c.card == "")).scalars()) > 0
    assert sum(row.sales for row in days) == sum(one.header.kind == "sale" for one in day) == 60
    assert not hq.execute(select(quarantine.entries)).all()
    assert not hq.execute(select(projections.waiting)).all()


def test_any_order_of_arrival_gives_the_same_tables(day: list[WireEvent], tmp_path: Path) -> None:
    seen = set()
    for seed in range(4):
        events, luck = list(day), random.Random(seed)
        luck.shuffle(events)
        with _tables(tmp_path, str(seed)) as connection:
            while events:
                size = luck.randint(1, 60)
                _project(connection, *events[:size])
                del events[:size]
            seen.add(json.dumps(projections.digests(connection)))
    assert len(seen) == 1


def test_a_digest_tells_one_fen_apart(hq: Connection) -> None:
    _project(hq, event("sale", sale(1_000)))
    before = projections.digests(hq)
    hq.exec_driver_sql("UPDATE store_days SET sales_fen = sales_fen + 1")
    after = projections.digests(hq)
    assert [name for name in before if before[name] != after[name]] == ["store_days"]


def test_an_event_that_is_projected_twice_is_a_broken_promise(hq: Connection) -> None:
    """Push hands over fresh uids only; should it ever not, the transaction fails rather than count twice."""
    one = event("sale", sale())
    _project(hq, one)
    with pytest.raises(Exception, match="UNIQUE"):
        _project(hq, one)


# ------------------------------------------------------------------ what does not fit


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"not json", "broken"),
        (b"[" * 100_000, "broken"),
        (sale(total_fen=1 << 50), "broken"),
        (sale(staff=7), "broken"),
        (sale(staff="a\0b"), "broken"),
        (sale(staff="x" * 10_000), "broken"),
        ({name: value for name, value in sale().items() if name != "lines"}, "broken"),
        (sale() | {"total_fen": 999}, "not_whole"),
        (sale() | {"tenders": []}, "not_whole"),
    ],
)
def test_a_bad_event_is_put_aside_and_blocks_nobody(hq: Connection, payload: Any, reason: str) -> None:
    bad = event("sale", payload)
    _project(hq, event("sale", sale(100)), bad, event("sale", sale(200)))
    assert sorted(hq.execute(select(receipts.c.total_fen)).scalars()) == [100, 200]
    assert [(row.uid, row.code) for row in hq.execute(select(quarantine.entries))] == [(bad.header.uid, reason)]
    assert _shown(hq) == {bad.header.uid.hex(): reason}


@pytest.mark.parametrize(
    "header", [{"lane": "x" * 500}, {"business_date": "someday"}, {"business_date": "\0" * 10}, {"lane": "\0"}]
)
def test_a_header_that_cannot_be_a_key_is_put_aside(hq: Connection, header: dict[str, str]) -> None:
    _project(hq, event("sale", sale(), **header), event("sale", sale(200)))
    assert hq.execute(select(receipts.c.total_fen)).scalars().all() == [200]
    assert hq.execute(select(quarantine.entries.c.code)).scalars().all() == ["broken"]


@pytest.mark.parametrize(("kind", "schema"), [("hologram_sold", 1), ("sale", 2)])
def test_what_this_version_does_not_know_waits(hq: Connection, kind: str, schema: int) -> None:
    _project(hq, event(kind, {"any": "thing"}, schema=schema), event("sale", sale(200)))
    assert [(row.kind, row.schema) for row in hq.execute(select(projections.waiting))] == [(kind, schema)]
    assert hq.execute(select(receipts.c.total_fen)).scalars().all() == [200]


def test_an_entry_ends_by_an_event_of_the_shop(hq: Connection) -> None:
    bad = event("sale", b"{}")
    _project(hq, bad)
    _project(hq, event("exception_resolved", {"uid": bad.header.uid.hex(), "how": "corrected", "staff": "9001"}))
    entry = hq.execute(select(quarantine.entries)).one()
    assert (entry.resolved_ms, entry.resolved_by, entry.how) == (NOW_MS, "9001", "corrected")
    assert _shown(hq) == {}


def test_a_resolution_that_comes_first_is_kept_for_its_event(hq: Connection) -> None:
    """Two devices' events arrive in any order."""
    bad = event("sale", b"{}")
    _project(hq, event("exception_resolved", {"uid": bad.header.uid.hex(), "how": "corrected", "staff": "9001"}))
    _project(hq, bad)
    assert hq.execute(select(quarantine.entries.c.how)).scalar_one() == "corrected"
    assert _shown(hq) == {}


def test_another_shop_cannot_end_an_entry(hq: Connection) -> None:
    bad = event("sale", b"{}")
    _project(hq, bad)
    _project(hq, event("exception_resolved", {"uid": bad.header.uid.hex(), "how": "x", "staff": "1"}), store=OTHER)
    assert _shown(hq) == {bad.header.uid.hex(): "broken"}


# ------------------------------------------------------------------ exceptions that no single event is


def _claimed() -> WireEvent:
    return event("coupon_claimed", {"code": CODE, "alias": "m1", "promotion": "P", "expires": "2027-01-01"})


def test_a_coupon_used_twice_is_seen_by_both_shops_with_what_it_cost(hq: Connection) -> None:
    offer = {"stage": 4, "promotion": "P", "saving_fen": 300, "times": 1}
    used = sale(coupons=[CODE], offers=[offer])
    _project(hq, _claimed(), event("sale", used))
    assert _shown(hq) == {}
    _project(hq, event("sale", used), store=OTHER)
    name = f"coupon_overused/{CODE}/2"
    assert _shown(hq) == _shown(hq, OTHER) == {name: "coupon_overused"}
    assert "6.00" in hq.execute(select(exceptions.found_now.c.detail)).scalars().first()


def test_a_use_that_comes_before_its_coupon_is_no_exception_for_long(hq: Connection) -> None:
    _project(hq, event("sale", sale(coupons=[CODE])))
    assert _shown(hq) == {f"coupon_overused/{CODE}/1": "coupon_overused"}
    _project(hq, _claimed())
    assert _shown(hq) == {}
    assert hq.execute(select(coupons.c.uses_max)).scalar_one() == 1


def test_one_that_was_accepted_comes_back_when_it_grows(hq: Connection) -> None:
    _project(hq, _claimed(), *(event("sale", sale(coupons=[CODE])) for _ in range(2)))
    name = f"coupon_overused/{CODE}/2"
    _project(hq, event("exception_resolved", {"uid": name, "how": "accepted", "staff": "9001"}))
    assert _shown(hq) == {}
    _project(hq, event("sale", sale(coupons=[CODE])))
    assert _shown(hq) == {f"coupon_overused/{CODE}/3": "coupon_overused"}


def test_points_spent_at_two_tills_are_an_exception_until_they_are_covered(hq: Connection) -> None:
    def move(*amounts: int, lot: str = "a:earn") -> WireEvent:
        return event("points_moved", {"alias": "m1", "reason": "x", "moves": moves(*amounts, lot=lot)})

    _project(hq, move(100), move(-80), move(-80))
    assert _shown(hq) == {"points_below_zero/m1/60": "points_below_zero"}
    _project(hq, move(60))
    assert _shown(hq) == {}
    _project(hq, move(-20, lot="b:debt"))
    assert _shown(hq) == {}, "a debt is stated"


def test_more_given_of_an_offer_than_the_shops_allowance(hq: Connection) -> None:
    offer = {"stage": 1, "promotion": "FIRST100", "saving_fen": 100, "times": 2}
    _project(hq, event("allowance_given", {"promotion": "FIRST100", "lane": "01", "quantity": 3}))
    _project(hq, event("sale", sale(offers=[offer])))
    assert _shown(hq) == {}
    _project(hq, event("sale", sale(offers=[offer])))
    assert _shown(hq) == {f"offer_overgiven/{STORE}/FIRST100/4": "offer_overgiven"}


def _points(*amounts: int) -> WireEvent:
    return event("points_moved", {"alias": "m1", "reason": "x", "moves": moves(*amounts)})


def _resolved(name: str) -> WireEvent:
    return event("exception_resolved", {"uid": name, "how": "accepted", "staff": "9001"})


def test_points_that_fall_as_far_below_zero_again_are_an_exception_again(hq: Connection) -> None:
    name = "points_below_zero/m1/60"
    _project(hq, _points(-60))
    _project(hq, _points(60))
    assert _shown(hq) == {}
    projections.project(hq, STORE, [_points(-60)], NOW_MS + 1)
    assert _shown(hq) == {name: "points_below_zero"}
    (row,) = hq.execute(select(exceptions.found_now)).all()
    assert (row.name, row.since_ms, row.resolved_ms, row.how) == (name, NOW_MS + 1, 0, "")


def test_an_allowance_that_goes_down_again_is_an_exception_again(hq: Connection) -> None:
    def allow(quantity: int) -> WireEvent:
        return event("allowance_given", {"promotion": "FIRST100", "lane": "01", "quantity": quantity})

    offer = {"stage": 1, "promotion": "FIRST100", "saving_fen": 100, "times": 4}
    _project(hq, allow(3), event("sale", sale(offers=[offer])))
    _project(hq, allow(1))
    assert _shown(hq) == {}
    _project(hq, allow(-1))
    assert _shown(hq) == {f"offer_overgiven/{STORE}/FIRST100/4": "offer_overgiven"}


@pytest.mark.parametrize("at", [0, 1, 2], ids=["before it came", "while it was open", "when it was over"])
def test_what_a_person_resolved_never_comes_back_under_the_same_amount(hq: Connection, at: int) -> None:
    events = [_points(-60), _points(60), _points(-60)]
    events.insert(at, _resolved("points_below_zero/m1/60"))
    for one in events:
        _project(hq, one)
    assert _shown(hq) == {}
    _project(hq, _points(-1))
    assert _shown(hq) == {"points_below_zero/m1/61": "points_below_zero"}


def test_a_sale_whose_numbers_were_changed_never_reaches_a_table(day: list[WireEvent], tmp_path: Path) -> None:
    """Whichever amount of a real sale is a fen off, the sale is put aside."""
    one = next(one for one in day if one.header.kind == "sale")
    for field in ("total_fen", "list_fen", "discount_fen", "rounding_fen", "item_count"):
        value = json.loads(one.payload)[field]
        with _tables(tmp_path, field) as connection:
            _project(connection, with_payload(one, **{field: value + 1}))
            assert not connection.execute(select(receipts)).all(), field
