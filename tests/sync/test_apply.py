"""What HQ's rows do at a till: through the real feed into the real tables, and what a lane then does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain import coupons as rules
from pos_app.domain.coupons import Issue
from pos_app.domain.errors import Refusal
from pos_app.domain.events import TierChanged
from pos_app.domain.goods import Prices
from pos_app.domain.plain import to_json
from pos_app.services.change_prices import confirm_tag, price_tasks
from pos_app.services.coupons import check_coupon
from pos_app.services.members import HQ_PHONE_KEY, customer_for, find_by_card, find_by_phone, phone_hash
from pos_app.services.take_topics import takers
from store_db import catalogue, hq_rows, journal, members, packages, promotions, staff
from store_db.store import Store
from store_db.verify import verify
from sync.apply import Change, RowRefused, Taker, apply_rows, retry_refused
from sync.hq_server.hq import Hq
from sync.protocol import Row
from sync.pull import pull_page, retry_all
from tests.offers_kit import PACKAGE
from tests.package_kit import KEYS, package, price, signed
from tests.shop_kit import COLA, MILK, STORE, UNKNOWN, WATER, WATER_2, Till, make_shop, make_store
from tests.sync.feed_kit import DirectLine, has, make_hq, publish, sees

PHONE, CHAIN_KEY = "13800000001", bytes(range(32))


@pytest.fixture
def hq(tmp_path: Path) -> Iterator[Hq]:
    made = make_hq(f"sqlite:///{tmp_path}/hq.sqlite")
    yield made
    made.database.engine.dispose()


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path / "till.sqlite", DayClock(), SeededIds(1)) as store:
        yield store
        proof = verify(store.connection)
        assert proof.is_ok, proof.problems


def pull(store: Store, hq: Hq) -> None:
    line = DirectLine(hq)
    while pull_page(store, line, takers(KEYS)).more:
        pass


def problems(store: Store) -> dict[str, str]:
    return {row.key: row.problem for row in hq_rows.refused(store.connection)}


def events(store: Store, kind: str) -> list[Any]:
    return [entry.event() for entry in journal.entries(store.connection) if entry.header.kind == kind]


# ------------------------------------------------------------------ goods


def tea(**changes: Any) -> dict[str, Any]:
    return {"codes": [UNKNOWN], "name": "绿茶", "price_fen": 450} | changes


def item(store: Store, code: str) -> Any:
    return catalogue.find_by_code(store.connection, code, store.clock.wall_ms())


def test_a_good_that_hq_adds_is_sold_by_its_code_and_found_by_its_name(hq: Hq, till: Store) -> None:
    publish(hq, "catalogue", {"TEA": tea(pinyin="LC")})
    pull(till, hq)
    assert (item(till, UNKNOWN).sku, item(till, UNKNOWN).price_fen) == ("TEA", 450)
    for words in ("绿茶", "lc"):
        assert [found.sku for found in catalogue.search(till.connection, words, till.clock.wall_ms())][:1] == ["TEA"]


def test_hqs_lower_price_holds_at_once_and_a_higher_one_when_its_tag_hangs(hq: Hq, till: Store) -> None:
    row = {"codes": [MILK], "name": "鲜牛奶", "tax_code": "R9"}
    publish(hq, "catalogue", {"MILK": row | {"price_fen": 380, "member_price_fen": 300}})
    pull(till, hq)
    assert catalogue.find_by_sku(till.connection, "MILK", 1)[2:8:4] == (350, 300)
    assert [(task.sku, task.now) for task in price_tasks(till)] == [("MILK", Prices(380, None, 300))]
    confirm_tag(till, "MILK", "1001")
    assert item(till, MILK).price_fen == 380
    (change,) = events(till, "prices_changed")
    assert change.changes[0].waits is True


def test_a_row_whose_price_hq_did_not_change_leaves_the_price_that_holds_here(hq: Hq, till: Store) -> None:
    publish(hq, "catalogue", {"TEA": tea()})
    pull(till, hq)
    for price_fen in (400, 500):  # as a package may make it
        till.connection.execute("UPDATE items SET price_fen = ? WHERE sku = 'TEA'", (price_fen,))
        publish(hq, "catalogue", {"TEA": tea(name=f"绿茶 {price_fen}ml")})
        pull(till, hq)
        assert (item(till, UNKNOWN).name, item(till, UNKNOWN).price_fen) == (f"绿茶 {price_fen}ml", price_fen)
    assert price_tasks(till) == []


def test_a_stores_own_row_goes_before_the_one_for_all_and_uncovers_it_when_it_goes(hq: Hq, till: Store) -> None:
    publish(hq, "catalogue", {"TEA": tea(price_fen=450)})
    publish(hq, "catalogue", {"TEA": tea(price_fen=400)}, STORE)
    pull(till, hq)
    assert item(till, UNKNOWN).price_fen == 400
    publish(hq, "catalogue", {"TEA": tea(price_fen=390)})
    pull(till, hq)
    assert item(till, UNKNOWN).price_fen == 400
    publish(hq, "catalogue", {"TEA": None}, STORE)
    pull(till, hq)
    assert item(till, UNKNOWN).price_fen == 390


def test_codes_move_between_goods_and_goods_that_go_are_found_no_more(hq: Hq, till: Store) -> None:
    publish(hq, "catalogue", {"TEA": tea(codes=[UNKNOWN, "12345"]), "CAKE": tea(codes=["54321"], name="蛋糕")})
    pull(till, hq)
    publish(hq, "catalogue", {"CAKE": tea(codes=["12345"], name="蛋糕"), "TEA": tea()})
    pull(till, hq)
    assert (item(till, UNKNOWN).sku, item(till, "12345").sku, item(till, "54321")) == ("TEA", "CAKE", None)
    publish(hq, "catalogue", {"CAKE": None})
    pull(till, hq)
    assert item(till, "12345") is None and catalogue.search(till.connection, "蛋糕", 1) == []
    publish(hq, "catalogue", {"NEW": tea(codes=["777"], name="新")})  # takes the row number that was left
    pull(till, hq)
    assert item(till, "12345") is None


def test_a_stop_sale_beats_everything_for_as_long_as_it_is_there(hq: Hq, till: Store) -> None:
    publish(hq, "stop_sales", {"COLA": {"reason": "recall"}, "TEA": {}})
    publish(hq, "stop_sales", {"WATER": {}}, STORE)
    pull(till, hq)
    lane = Till(make_shop(till)).open()
    for code in (COLA, WATER, WATER_2):
        assert lane.scan(code).says == "POS-2104"
    assert lane.scan(MILK).sold == [("MILK", 1)]
    publish(hq, "catalogue", {"TEA": tea(stop_sale=False)})  # comes after its stop
    publish(hq, "stop_sales", {"COLA": None})
    pull(till, hq)
    assert lane.scan(UNKNOWN).says == "POS-2104"
    assert lane.scan(COLA).sold == [("MILK", 1), ("COLA", 1)]


# ------------------------------------------------------------------ packages


def test_a_signed_package_is_stored_and_one_with_a_wrong_signature_or_shop_is_not(hq: Hq, till: Store) -> None:
    good = json.loads(signed(package("2026-1", prices=[price("COLA", 280)])))
    foreign = json.loads(signed(package("2026-3", shop="S9")))
    bad = json.loads(signed(package("2026-2"))) | {"signature": "00" * 64}
    publish(hq, "packages", {"2026-1": good, "2026-2": bad, "2026-3": foreign}, STORE)
    pull(till, hq)
    assert [row.version for row in packages.rows(till.connection)] == ["2026-1"]
    assert {key: why[:8] for key, why in problems(till).items()} == {"@2026-2": "POS-2202", "@2026-3": "POS-2204"}
    publish(hq, "packages", {"2026-2": json.loads(signed(package("2026-2")))}, STORE)
    pull(till, hq)
    assert [row.version for row in packages.rows(till.connection)] == ["2026-1", "2026-2"]
    assert len(events(till, "package_installed")) == 2 and list(problems(till)) == ["@2026-3"]


# ------------------------------------------------------------------ people


def test_staff_come_change_and_are_revoked_at_once(hq: Hq, till: Store) -> None:
    row = {"name": "新人", "role": "cashier", "pin_hash": "$argon2id$x", "badge": "STAFF-3001"}
    publish(hq, "staff", {"3001": row, "1002": row | {"active": False, "badge": ""}, "3002": row | {"role": "king", "badge": ""}})
    pull(till, hq)
    found = staff.by_badge(till.connection, "STAFF-3001")
    assert found is not None and found.staff == "3001"
    assert staff.by_number(till.connection, "1002") is None
    assert problems(till) == {"3002": "no such role: king"}
    publish(hq, "staff", {"3001": None})
    pull(till, hq)
    assert staff.by_number(till.connection, "3001") is None


def member(**changes: Any) -> dict[str, Any]:
    hashed = phone_hash(CHAIN_KEY, PHONE).hex()
    return {"initial": "林", "phone_hash": hashed, "phone_masked": "138****0001", "card": "VAAAAAAAAAAM"} | changes


def test_hqs_members_are_found_by_phone_and_card_and_nothing_at_the_till_names_them(hq: Hq, till: Store) -> None:
    publish(hq, "settings", {HQ_PHONE_KEY: {"value": CHAIN_KEY.hex()}})
    publish(hq, "members", {"M1": member(groups=["staff family"], tier="gold", birth_month=2, birth_day=29)})
    pull(till, hq)
    by_phone = find_by_phone(till, PHONE, till.clock.wall_ms())
    assert not isinstance(by_phone, Refusal) and by_phone.customer.alias == "M1" and by_phone.label == "林* 0001"
    assert not isinstance(find_by_card(till, "VAAAAAAAAAAM", 1), Refusal)
    customer = customer_for(till, "M1", till.clock.wall_ms())
    assert (customer.tier, customer.groups) == ("gold", ("staff family",))
    assert PHONE.encode() not in till.path.read_bytes() + till.path.with_name("till.sqlite-wal").read_bytes()
    publish(hq, "members", {"M1": None})
    pull(till, hq)
    assert members.by_alias(till.connection, "M1") is None


def test_a_tier_reached_here_holds_until_hq_says_another(hq: Hq, till: Store) -> None:
    publish(hq, "members", {"M1": member(tier="silver")})
    pull(till, hq)
    till.record(TierChanged("M1", "silver", "gold", 1, 1, 1))
    publish(hq, "members", {"M1": member(tier="silver", groups=["x"])})  # HQ has not heard of it yet
    pull(till, hq)
    assert members.tier_of(till.connection, "M1") == "gold"
    publish(hq, "members", {"M1": member(tier="platinum")})
    pull(till, hq)
    assert members.tier_of(till.connection, "M1") == "platinum"


def test_a_phone_that_is_another_members_is_refused_until_that_one_lets_it_go(hq: Hq, till: Store) -> None:
    publish(hq, "members", {"M1": member()})
    publish(hq, "members", {"M2": member(card="VB"), "M3": member(phone_hash="00" * 16, card="VC")})
    pull(till, hq)
    assert list(problems(till)) == ["M2"] and members.by_alias(till.connection, "M3") is not None
    publish(hq, "members", {"M1": member(phone_hash="11" * 16)})
    pull(till, hq)
    assert problems(till) == {} and members.by_alias(till.connection, "M2") is not None


# ------------------------------------------------------------------ what HQ lets a till give


def test_a_token_is_one_allowance_for_ever_through_tombstones_generations_and_snapshots(
    hq: Hq, till: Store, tmp_path: Path
) -> None:
    token = {"promotion": "FIRST", "lane": "01", "quantity": 30}
    publish(hq, "allowances", {"T1": token, "T2": token | {"lane": "02", "quantity": 5}}, STORE)
    pull(till, hq)
    assert promotions.allowances(till.connection, "01") == {"FIRST": 30}
    publish(hq, "allowances", {"T1": None}, STORE)
    pull(till, hq)
    publish(hq, "allowances", {"T1": token | {"quantity": 31}}, STORE)
    pull(till, hq)
    other = make_hq(f"sqlite:///{tmp_path}/other.sqlite")
    publish(other, "allowances", {"T1": token, "T3": token | {"quantity": -10}}, STORE)
    pull(till, other)
    till.open_epoch("restore")
    pull(till, hq)
    assert promotions.allowances(till.connection, "01") == {"FIRST": 20}
    assert sorted(event.token for event in events(till, "allowance_given")) == ["T1", "T2", "T3"]
    other.database.engine.dispose()


def test_a_coupon_token_lets_just_this_device_redeem_another_tills_coupon_once(hq: Hq, till: Store) -> None:
    codes = [rules.make_code(b"other till", STORE, "C2", Issue("09", "7K2Q", n, 0, "2099-12-31")) for n in (1, 2, 3)]
    own = {"promotion": "C2", "expires": "2099-12-31", "device": till.device.device.hex()}
    rows = {codes[0]: own, codes[1]: own | {"device": "00" * 16}, codes[2]: own | {"holder": "SOMEBODY"}}
    assert isinstance(check_coupon(till, PACKAGE, codes[0]), Refusal)
    publish(hq, "coupon_tokens", rows, STORE)
    pull(till, hq)
    lane = Till(make_shop(till, package=PACKAGE)).open()
    assert lane.scan(MILK, codes[1]).says in ("POS-2302", "POS-2308")
    assert lane.scan(codes[2]).says == "POS-2309"
    lane.scan(codes[0]).press("pay", "pay")
    (sale,) = events(till, "sale")
    assert (sale.total_fen, sale.coupons) == (150, (codes[0],))
    assert lane.scan(MILK, codes[0]).says == "POS-2303"
    publish(hq, "coupon_tokens", {codes[0]: None}, STORE)
    publish(hq, "coupon_tokens", {codes[0]: own}, STORE)
    pull(till, hq)
    assert lane.scan(codes[0]).says == "POS-2303"


# ------------------------------------------------------------------ rows that are refused, topics nobody knows


def test_a_refused_row_holds_up_no_other_and_leaves_nothing_half_done(hq: Hq, till: Store) -> None:
    def take(store: Store, changes: Any) -> None:
        for change in changes:
            store.connection.execute("INSERT INTO secrets VALUES (?, x'00')", (change.key,))
            if change.new == b'{"n":13}':
                raise RowRefused("unlucky")

    publish(hq, "luck", {f"K{n:02}": {"n": n} for n in range(20)})
    while pull_page(till, DirectLine(hq), {"luck": Taker(lambda store, body: body, take)}).more:
        pass
    assert problems(till) == {"K13": "unlucky"} and has(till, "luck") == sees(hq, "luck")
    kept = {row[0] for row in till.connection.execute("SELECT name FROM secrets WHERE name LIKE 'K%'")}
    assert kept == {f"K{n:02}" for n in range(20)} - {"K13"}


def test_a_topic_that_nothing_here_knows_is_kept_and_taken_by_the_version_that_does(hq: Hq, till: Store) -> None:
    publish(hq, "tomorrow", {"A": {"n": 1}, "B": {"n": 2}})
    publish(hq, "tomorrow", {"A": {"n": 3}}, STORE)
    pull(till, hq)
    assert has(till, "tomorrow") == sees(hq, "tomorrow") and problems(till) == {}
    seen: list[Change] = []
    later = {"tomorrow": Taker(lambda store, body: body, lambda store, changes: seen.extend(changes))}
    assert retry_all(till, later) == 2 and retry_all(till, later) == 0
    assert sorted(seen) == [("A", None, b'{"n":3}'), ("B", None, b'{"n":2}')]


def test_a_body_that_is_no_such_row_is_refused_and_what_was_taken_before_stays(hq: Hq, till: Store) -> None:
    publish(hq, "catalogue", {"TEA": tea()})
    pull(till, hq)
    publish(hq, "catalogue", {"TEA": {"codes": [], "price_fen": "cheap"}})
    pull(till, hq)
    assert item(till, UNKNOWN).price_fen == 450 and list(problems(till)) == ["TEA"]
    publish(hq, "catalogue", {"TEA": None})
    pull(till, hq)
    assert item(till, UNKNOWN) is None and problems(till) == {}


def test_the_same_row_again_does_nothing_again(till: Store) -> None:
    times: list[int] = []
    counting = {"staff": Taker(lambda store, body: body, lambda store, changes: times.append(len(changes)))}
    row = Row(1, "1001", to_json({"v": 1}))
    at = hq_rows.NOWHERE
    for rev in (1, 2, 3):
        assert apply_rows(till, counting, "staff", [row], at, at := hq_rows.Cursor(b"G", rev))
    assert times == [1] and retry_refused(till, counting, "staff") == 0
