"""Points, stamps, coupons and limited offers in the store: nothing doubles, the sums are proved, a wrong row is found."""

import json
import random
from collections.abc import Callable

import pytest

from pos_app.domain import points
from pos_app.domain.events import AllowanceGiven, PointsMove, PointsMoved
from pos_app.domain.points import balance
from pos_app.services.book_points import Giving, give_points
from pos_app.services.shop import Shop
from store_db import coupons, drafts, journal, members, promotions, reservations
from store_db import points as ledger
from store_db.connection import Connection, sqlite
from store_db.projectors import project
from store_db.reservations import COUPON, OFFER, Reservation
from store_db.schema import make_tables
from store_db.verify import digest, verify
from tests.offers_kit import PACKAGE, card_of, grant, joined, many, sent_by_hq, spend_points
from tests.shop_kit import COLA, MILK, WATER, Till


@pytest.fixture
def member(till: Till) -> str:
    return joined(till.shop.store)


def left(till: Till, alias: str) -> int:
    return balance(ledger.lots(till.shop.store.connection, alias), till.shop.store.business_date())


def test_the_same_event_any_number_of_times_leaves_the_balance_as_it_was(till: Till, member: str) -> None:
    store = till.shop.store
    moves = tuple(PointsMove("earn", f"{n:032x}:earn", 10 + n, "2099-12-31") for n in range(4))
    entries = [store.record(PointsMoved(member, "correction", (move,))) for move in moves]
    rng = random.Random("retries")
    for entry in rng.choices(entries, k=40):  # as a sync that sends again what was not acknowledged
        with store.transaction() as connection:
            ledger.project_moved(connection, entry.id + 1_000 + rng.randrange(10**6), entry.header, {
                "alias": member, "moves": [{"rule": m.rule, "lot": m.lot, "points": m.points, "expires": m.expires}
                                           for m in moves if m.points == 10 + entries.index(entry)],
            })  # fmt: skip
    assert left(till, member) == sum(move.points for move in moves)
    till.prove()


def test_points_given_away_are_given_once_however_often_it_is_asked(till: Till, member: str) -> None:
    store = till.shop.store
    grant(store, member, 500)
    giving = Giving(member, 200, points.DONATE, "library", "1001")
    for _ in range(3):
        assert give_points(store, giving, uid=b"u" * 16) is None
    assert left(till, member) == 300
    refusal = give_points(store, giving._replace(points=301), uid=b"v" * 16)
    assert refusal is not None
    assert refusal.code == "POS-4303"
    assert members.figures(store.connection, member, "").interactions == 1
    till.prove()


def test_a_lot_counts_through_its_last_day_in_the_store_too(till: Till, member: str) -> None:
    store = till.shop.store
    today = store.business_date()
    grant(store, member, 70, expires=today)
    assert left(till, member) == 70
    till.wait(86_400_000)
    assert left(till, member) == 0
    assert [lot.points_left for lot in ledger.lots(store.connection, member)] == [70]


def test_a_reservation_is_seen_by_others_and_not_by_its_own_basket(till: Till) -> None:
    connection = till.shop.store.connection
    code = sent_by_hq(till.shop.store)
    sent = coupons.Coupon(code, "C2", "2099-12-31")
    with till.shop.store.transaction():
        reservations.reserve(connection, 7, [Reservation(COUPON, code), Reservation(OFFER, "FIRST", "ann", 2, 200)])
    assert coupons.as_used(connection, sent, 7).state == "issued"
    assert coupons.as_used(connection, sent, 8).state == "reserved"
    assert promotions.Totals().given(connection, ["FIRST", "DAY"], 7) == {}
    assert promotions.Totals().given(connection, ["FIRST", "DAY"], 8) == {"FIRST": (2, 200)}
    assert promotions.given_to(connection, ["FIRST"], "ann", "2026-01-01", 8) == {"FIRST": (2, 2)}
    assert promotions.given_to(connection, ["FIRST"], "", "2026-01-01", 8) == {}
    with till.shop.store.transaction():
        reservations.release(connection, 7)
    assert promotions.Totals().given(connection, ["FIRST"], 8) == {}


def test_a_basket_put_aside_or_ended_holds_nothing(till: Till) -> None:
    store = till.shop.store
    with store.transaction() as connection:
        for end in ("hold", "drop"):
            draft = drafts.start_draft(connection, end.encode() * 4, "07", "1001", 0)
            reservations.reserve(connection, draft.id, [Reservation(OFFER, "FIRST")])
            drafts.hold(connection, draft.id, "07-001", 1) if end == "hold" else drafts.drop(connection, draft.id)
            assert reservations.reserved(connection, draft.id) == ()


def test_an_allowance_is_what_a_lane_was_given_less_what_went_back(till: Till) -> None:
    store = till.shop.store
    assert promotions.allowances(store.connection, "01") == {}
    for lane, quantity in (("01", 34), ("02", 66), ("01", -4)):
        store.record(AllowanceGiven("FIRST", lane, quantity))
    assert promotions.allowances(store.connection, "01") == {"FIRST": 30}
    assert promotions.allowances(store.connection, "S1") == {"FIRST": 0}


# ------------------------------------------------------------------ the proof


@pytest.fixture
def sold(shop_factory: Callable[..., Shop]) -> Till:
    """A lane on which a member earned, spent, used a coupon and got one."""
    till = Till(shop_factory(package=PACKAGE)).open()
    store = till.shop.store
    alias = joined(store)
    grant(store, alias, 300)
    code = sent_by_hq(store)
    spend_points(many(till.scan(card_of(store, alias)), 30, WATER).scan(code, MILK, COLA)).press("pay", "pay")
    assert till.state.sales_today == 1, till.says
    return till


def problems(connection: Connection) -> list[str]:
    return verify(connection).problems


def test_a_sale_with_points_and_coupons_is_proved(sold: Till) -> None:
    sold.prove()
    connection = sold.shop.store.connection
    for table in ("points_entries", "member_acts", "member_tiers", "coupons", "coupon_uses", "promotion_uses"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] > 0, table


@pytest.mark.parametrize(
    ("sql", "says"),
    [("UPDATE points_entries SET points = points + 1 WHERE rule = 'earn'", "points_entries"),
     ("UPDATE points_entries SET points = -500 WHERE rule = 'redeem'", "lot grant-"),
     ("DELETE FROM member_acts", "member_acts"), ("UPDATE member_tiers SET tier = 'gold'", "member_tiers"),
     ("DELETE FROM coupon_uses", "coupon_uses"), ("INSERT INTO coupon_uses SELECT code, 99, alias FROM coupon_uses", "used 2"),
     ("UPDATE coupons SET uses = 9", "coupons"), ("UPDATE promotion_uses SET times = 0", "promotion_uses"),
     ("INSERT INTO points_entries VALUES (1, 'x', '', x'01', 'claw_back', 'y:debt', 5, '')", "lot y:debt")],
)  # fmt: skip
def test_a_changed_row_is_found(sold: Till, sql: str, says: str) -> None:
    with sold.shop.store.transaction() as connection:
        connection.execute(sql)
    assert any(says in problem for problem in problems(connection)), problems(connection)


def test_no_event_names_a_member_by_name_phone_or_birthday(sold: Till) -> None:
    payloads = [entry.payload.decode() for entry in journal.entries(sold.shop.store.connection)]
    assert not [text for text in payloads for secret in ("安小明", "13800000001", "138****0001") if secret in text]
    assert any('"customer"' in text for text in payloads)


def test_a_sale_of_a_stranger_leaves_no_row_with_members_or_coupons(till: Till) -> None:
    till.sell(WATER)
    connection = till.shop.store.connection
    for table in ("points_entries", "member_acts", "coupon_uses", "promotion_uses", "reservations"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0, table
    (entry,) = [e for e in journal.entries(connection) if e.header.kind == "sale"]
    assert not [word for word in (b"customer", b"offers", b"points", b"coupons", b"issued") if word in entry.payload]


def test_the_projectors_of_a_sale_read_nothing_but_its_payload(sold: Till) -> None:
    """The same event on empty tables gives the same entries."""
    connection = sold.shop.store.connection
    (entry,) = [e for e in journal.entries(connection) if e.header.kind == "sale"]
    scratch = sqlite.connect(":memory:", isolation_level=None)
    make_tables(scratch)
    project(scratch, entry.id, entry.header, json.loads(entry.payload))
    ledger.project_sale(scratch, entry.id + 1, entry.header, json.loads(entry.payload))  # once more: a retry
    assert ledger.moves_of(scratch, entry.header.uid) == ledger.moves_of(connection, entry.header.uid) != ()
    assert digest(scratch, "coupon_uses") == digest(connection, "coupon_uses")
