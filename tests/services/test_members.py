"""Members at the lanes: earn, spend, coupons, limited offers, tiers. What changed meanwhile is refused and the sale goes on."""

import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain import coupons as codes
from pos_app.domain.basket import AddCode, AttachMember, SpendPoints
from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.events import AllowanceGiven, Sale
from pos_app.domain.lane.intents import MemberFound, OffersChanged
from pos_app.domain.lane.state import PAYMENT, SELLING
from pos_app.domain.points import balance
from pos_app.services import members as people
from pos_app.services.coupons import check_coupon, void_coupon
from pos_app.services.members import Joining
from pos_app.services.offers import used_for
from pos_app.services.shop import Shop
from store_db import coupons, journal, members, reservations
from store_db import points as ledger
from store_db.store import Store
from tests.offers_kit import ANN, BOB, PACKAGE, card_of, grant, joined, many, sent_by_hq, spend_points
from tests.shop_kit import BAG, COLA, MILK, ODD, TINY, WATER, Till, make_shop, make_store

Lanes = Callable[..., Till]


@pytest.fixture
def lane(shop_factory: Callable[..., Shop]) -> Lanes:
    """Opens a cashier's lane by its number; all on one store file."""
    return lambda name="01": Till(shop_factory(lane=name, package=PACKAGE)).open()


def last_sale(till: Till) -> Sale:
    event = [entry.event() for entry in journal.entries(till.shop.store.connection) if entry.header.kind == "sale"][-1]
    assert isinstance(event, Sale)
    return event


def points_of(till: Till, alias: str) -> int:
    return balance(ledger.lots(till.shop.store.connection, alias), till.shop.store.business_date())


def pay(till: Till) -> Till:
    return till.press("pay", "pay")


def refused_by(found: object) -> str:
    assert isinstance(found, Refusal), found
    return found.code


# ------------------------------------------------------------------ found


def test_a_member_is_found_by_phone_and_earns_and_by_card_and_spends(lane: Lanes) -> None:
    store = lane().shop.store
    alias, now_ms = joined(store), store.clock.wall_ms()
    by_phone = people.find_by_phone(store, "+86 138 0000 0001", now_ms)
    by_card = people.find_by_card(store, card_of(store, alias).lower(), now_ms)
    assert isinstance(by_phone, AttachMember)
    assert isinstance(by_card, AttachMember)
    assert (by_phone.may_spend, by_card.may_spend) == (False, True)
    assert by_phone.customer == by_card.customer
    assert (by_phone.customer.alias, by_phone.label, by_phone.customer.tier) == (alias, "安* 0001", "silver")
    assert people.looks_like_card(card_of(store, alias))
    assert not people.looks_like_card(card_of(store, alias)[:-1] + "?")


def test_a_second_member_with_a_phone_an_unknown_one_and_no_number_are_refused(lane: Lanes) -> None:
    store = lane().shop.store
    assert refused_by(people.find_by_phone(store, "13800000001", 0)) == "POS-4301"
    joined(store)
    assert refused_by(people.join(store, ANN)) == "POS-4304"
    assert refused_by(people.join(store, Joining("x", "12345"))) == "POS-4302"
    assert refused_by(people.find_by_phone(store, "13800000002", 0)) == "POS-4301"
    assert refused_by(people.find_by_phone(store, "1380000", 0)) == "POS-4302"
    assert refused_by(people.find_by_card(store, "VNOBODY", 0)) == "POS-4301"


def test_pricing_learns_orders_birthday_week_groups_points_and_stamps(lane: Lanes) -> None:
    till = lane()
    store = till.shop.store
    alias = joined(store)
    grant(store, alias, 42)
    pay(many(till.scan(card_of(store, alias)), 3, MILK))
    customer = people.customer_for(store, alias, store.clock.wall_ms())
    assert (customer.orders_completed, customer.groups, customer.points) == (1, ("workshop",), 42 + 9)
    assert customer.stamps == (("PUNCH", 3),)
    assert customer.birthday_week  # the day begins on 2026-09-21, a Monday; born on the 24th
    assert not people.customer_for(store, alias, store.clock.wall_ms() + 7 * 86_400_000).birthday_week


def test_usual_goods_are_shown_to_those_who_agreed_and_only_what_was_bought_twice(lane: Lanes) -> None:
    till = lane()
    store = till.shop.store
    ann, bob = joined(store, ANN), joined(store, BOB)
    for alias in (ann, bob):
        for basket in ((WATER, MILK), (WATER, COLA), (WATER, MILK)):
            pay(till.scan(card_of(store, alias), *basket))
    assert people.usual_skus(store, ann) == ["WATER", "MILK"]
    assert people.usual_skus(store, bob) == []


# ------------------------------------------------------------------ points


def test_points_are_earned_on_what_was_paid_and_spent_in_blocks(lane: Lanes) -> None:
    till = lane()
    store = till.shop.store
    alias = joined(store)
    grant(store, alias, 250)
    spend_points(many(till.scan(card_of(store, alias)), 10, WATER), 2)
    assert till.state.priced.total_fen == 1_800
    pay(till)
    assert points_of(till, alias) == 250 - 200 + 18
    sale = last_sale(till)
    assert sale.customer == alias
    assert sale.points is not None
    assert [(move.rule, move.points) for move in sale.points] == [("redeem", -200), ("earn", 18)]
    till.prove()


def test_points_spent_at_another_lane_meanwhile_are_refused_and_the_sale_goes_on_without(lane: Lanes) -> None:
    one, other = lane("01"), lane("02")
    store = one.shop.store
    alias = joined(store)
    grant(store, alias, 100)
    for till in (one, other):
        spend_points(many(till.scan(card_of(store, alias)), 5, WATER)).press("pay")
    assert one.state.priced.total_fen == other.state.priced.total_fen == 900
    one.press("pay")
    other.press("pay")
    assert (one.state.sales_today, other.state.sales_today) == (1, 0)
    assert other.says == "POS-4303"
    assert (other.state.phase, other.state.priced.total_fen, len(other.state.basket.lines)) == (PAYMENT, 1_000, 1)
    other.press("pay")
    assert other.state.sales_today == 1
    assert points_of(one, alias) == 9 + 10
    one.prove()


def test_a_member_attached_by_phone_spends_nothing_whatever_the_basket_says(lane: Lanes) -> None:
    till = lane()
    store = till.shop.store
    alias = joined(store)
    grant(store, alias, 300)
    found = people.find_by_phone(store, "13800000001", store.clock.wall_ms())
    assert isinstance(found, AttachMember)
    till.do(MemberFound(found)).do(OffersChanged(refuse("POS-4305"), (SpendPoints(100),))).scan(WATER)
    assert pay(till).says == "POS-4303"
    till.press("pay")
    assert (last_sale(till).total_fen, points_of(till, alias)) == (200, 302)


def test_a_debt_is_paid_by_the_next_points(lane: Lanes) -> None:
    till = lane()
    store = till.shop.store
    alias = joined(store)
    grant(store, alias, -7)
    store.connection.execute("UPDATE points_entries SET lot = 'r:debt'")  # as a return states it
    assert people.customer_for(store, alias, store.clock.wall_ms()).points == 0
    pay(many(till.scan(card_of(store, alias)), 10, WATER))
    assert points_of(till, alias) == 13
    assert [lot.points_left for lot in ledger.lots(store.connection, alias)] == [13]


# ------------------------------------------------------------------ coupons


def test_a_coupon_is_given_with_a_sale_used_once_and_refused_the_second_time(lane: Lanes) -> None:
    till = lane()
    pay(many(till, 30, WATER))
    issued = last_sale(till).issued
    assert issued is not None
    (coupon,) = issued
    assert codes.looks_like_code(coupon.code)
    pay(till.scan(MILK, coupon.code.lower()))
    assert (last_sale(till).total_fen, last_sale(till).coupons) == (150, (coupon.code,))
    till.scan(MILK, coupon.code)
    assert till.says == "POS-2303"
    pay(till)
    assert (till.state.sales_today, last_sale(till).total_fen) == (3, 350)
    till.prove()


def test_a_shared_coupon_is_used_by_two_people_and_by_no_third(lane: Lanes) -> None:
    till = lane()
    store = till.shop.store
    cards = [card_of(store, joined(store, one)) for one in (ANN, BOB, Joining("c", "13800000003"))]
    pay(many(till, 50, WATER))
    code = next(one.code for one in last_sale(till).issued or () if one.uses == 2)
    totals = []
    for card in (cards[0], cards[0], cards[1], cards[2]):
        pay(till.scan(card, MILK, code))
        totals.append(last_sale(till).total_fen)
    assert totals == [120, 320, 120, 320]
    till.prove()


def test_a_poster_is_claimed_by_each_member_once_and_by_no_stranger(lane: Lanes) -> None:
    till = lane()
    store = till.shop.store
    poster = sent_by_hq(store, kind=codes.POSTER)
    assert till.scan(MILK, poster).says == "POS-2310"
    pay(till)
    for joining in (ANN, BOB):
        alias = joined(store, joining)
        pay(till.scan(card_of(store, alias), MILK, poster))
        assert last_sale(till).coupons == (f"{poster}/{alias}",)
        assert till.scan(card_of(store, alias), MILK, poster).says == "POS-2303"
        pay(till)
    assert members.figures(store.connection, alias, "").interactions == 1
    till.prove()


@pytest.mark.parametrize("state", ["unknown", "mistyped", "foreign", "late", "void", "closed", "issued_only"])
def test_a_coupon_that_does_not_count_says_why_and_changes_nothing(lane: Lanes, state: str) -> None:
    store = lane().shop.store
    good = sent_by_hq(store)
    with store.transaction() as connection:
        connection.execute("INSERT INTO coupons VALUES ('X', 'C2', '2099-12-31', 1, '', 1)")
        key = members.secret(connection, "coupon") or b""
    issue = codes.Issue("09", "7K2Q", 5, 0, "2099-12-31")
    code, says, package = {
        "unknown": (codes.make_code(b"other" * 7, "S001", "C2", issue), "POS-2302", PACKAGE),
        "mistyped": (good[:-1] + ("A" if good[-1] != "A" else "B"), "POS-2301", PACKAGE),
        "foreign": (codes.make_code(key, "S001", "C2", issue), "POS-2308", PACKAGE),
        "late": (sent_by_hq(store, 1, expires="2026-01-31"), "POS-2304", PACKAGE),
        "void": (good, "POS-2305", PACKAGE),
        "closed": (good, "POS-2302", PACKAGE._replace(promotions=PACKAGE.promotions[1:])),
        "issued_only": ("#C2", "POS-2301", PACKAGE),
    }[state]
    if state == "void":
        with store.transaction() as connection:
            connection.execute("INSERT INTO coupons VALUES (?, 'C2', '2099-12-31', 1, '', 1)", (good,))
            assert void_coupon(store, good, "return")
            assert not void_coupon(store, good, "return")
    assert refused_by(check_coupon(store, package, code)) == says


def test_a_promotion_that_rewards_name_is_opened_by_issued_codes_alone(lane: Lanes) -> None:
    store = lane().shop.store
    told = PACKAGE._replace(promotions=(PACKAGE.promotions[0]._replace(code="TAKE2"), *PACKAGE.promotions[1:]))
    assert refused_by(check_coupon(store, told, "TAKE2")) == "POS-2301"
    unnamed = told._replace(promotions=told.promotions[:1])
    assert check_coupon(store, unnamed, "TAKE2") == AddCode("TAKE2", "C2")


def test_a_public_code_may_be_used_by_everybody_again_and_again(lane: Lanes) -> None:
    till = lane()
    assert check_coupon(till.shop.store, PACKAGE, "save1") == AddCode("SAVE1", "SAVE1")
    for _ in range(2):
        pay(till.scan(MILK, "SAVE1"))
        assert (last_sale(till).total_fen, last_sale(till).coupons) == (250, None)


def test_a_full_punch_card_over_several_visits_gives_a_coupon(lane: Lanes) -> None:
    till = lane()
    store = till.shop.store
    alias = joined(store)
    for quantity, full in ((3, 0), (4, 1), (2, 0), (1, 1)):
        pay(many(till.scan(card_of(store, alias)), quantity, MILK))
        assert len(last_sale(till).issued or ()) == full
    assert people.customer_for(store, alias, store.clock.wall_ms()).stamps == ()
    pay(till.scan(card_of(store, alias), MILK))
    till.wait(184 * 86_400_000)
    assert people.customer_for(store, alias, store.clock.wall_ms()).stamps == ()
    till.prove()


def test_a_card_that_two_lanes_fill_at_once_is_full_once(lane: Lanes) -> None:
    one, other = lane("01"), lane("02")
    card = card_of(one.shop.store, joined(one.shop.store))
    pay(many(one.scan(card), 4, MILK))
    for till in (one, other):
        till.scan(card, MILK).press("pay")
        assert till.state.priced.rewards
    one.press("pay")
    other.press("pay")
    assert (other.says, other.state.priced.rewards) == ("POS-4305", ())
    other.press("pay")
    assert last_sale(other).issued is None
    other.prove()


# ------------------------------------------------------------------ reserved, released


def test_a_coupon_in_payment_is_held_and_free_again_after_back_hold_and_cancel(lane: Lanes) -> None:
    one, other = lane("01"), lane("02")
    code = sent_by_hq(one.shop.store)
    for leave in ("back", "hold", "cancel_sale"):
        one.scan(MILK, code).press("pay")
        assert refused_by(check_coupon(other.shop.store, PACKAGE, code)) == "POS-2306"
        one.press("back", leave)
        if leave == "cancel_sale":
            one.type("1002\n2222\n1")
        assert one.state.phase == SELLING
        assert check_coupon(other.shop.store, PACKAGE, code) == AddCode(code, "C2"), leave
        if leave == "hold":
            assert one.state.basket.lines == ()
            one.press("hold", "enter", "cancel_sale").type("1002\n2222\n1")
        elif leave == "back":
            one.press("cancel_sale").type("1002\n2222\n1")
        assert one.state.is_idle, one.kind
    one.prove()


def test_what_a_basket_held_when_the_power_went_is_free_when_its_lane_is_back(lane: Lanes) -> None:
    one, other = lane("01"), lane("02")
    code = sent_by_hq(one.shop.store)
    one.scan(MILK, code).press("pay")
    assert refused_by(check_coupon(other.shop.store, PACKAGE, code)) == "POS-2306"
    again = Till(make_shop(Store.open(one.shop.store.path, clock=one.clock, ids=SeededIds(9)), lane="01", package=PACKAGE))
    assert check_coupon(other.shop.store, PACKAGE, code) == AddCode(code, "C2")
    again.type("1001\n1111\n")
    pay(again)
    assert last_sale(again).coupons == (code,)
    again.shop.store.close()


def test_what_a_basket_held_when_the_power_went_stays_held_while_card_money_counts(lane: Lanes) -> None:
    one, other = lane("01"), lane("02")
    code = sent_by_hq(one.shop.store)
    one.scan(MILK, code).press("pay").type("1").press("card").type("0042\n")
    assert len(one.state.basket.tenders) == 1
    again = Till(make_shop(Store.open(one.shop.store.path, clock=one.clock, ids=SeededIds(9)), lane="01", package=PACKAGE))
    assert refused_by(check_coupon(other.shop.store, PACKAGE, code)) == "POS-2306"
    again.type("1001\n1111\n").press("pay")
    assert (last_sale(again).total_fen, last_sale(again).coupons) == (150, (code,))
    again.shop.store.close()


def test_a_coupon_taken_meanwhile_is_taken_out_at_the_payment_screen(lane: Lanes) -> None:
    one, other = lane("01"), lane("02")
    code = sent_by_hq(one.shop.store)
    one.scan(MILK, code)
    pay(other.scan(MILK, code))
    one.press("pay")
    assert (one.says, one.state.phase, one.state.priced.total_fen) == ("POS-2303", PAYMENT, 350)
    one.press("pay")
    assert (one.state.sales_today, last_sale(one).total_fen, last_sale(one).coupons) == (1, 350, None)


def test_the_first_three_get_the_offer_and_the_fourth_pays_the_price(lane: Lanes) -> None:
    one, other = lane("01"), lane("02")
    for till in (one, other):
        till.scan(COLA).press("pay")
    assert one.state.priced.total_fen == other.state.priced.total_fen == 150
    for till in (one, other):
        till.press("pay")
    totals = []
    for till in (one, other):
        pay(till.scan(COLA))
        totals.append(last_sale(till).total_fen)
    assert totals == [150, 250]
    one.prove()


def test_the_last_of_an_offer_goes_to_the_basket_that_pays_first_and_the_other_is_told(lane: Lanes) -> None:
    one, other = lane("01"), lane("02")
    for _ in range(2):
        pay(one.scan(COLA))
    for till in (one, other):
        till.scan(COLA)
    other.press("pay")
    assert other.state.priced.total_fen == 150
    one.press("pay")
    assert (one.says, one.state.priced.total_fen) == ("POS-2307", 250)
    one.press("pay")
    other.press("pay")
    assert (one.state.sales_today, other.state.sales_today) == (3, 1)
    one.prove()


def test_a_lane_gives_its_allowance_and_no_more(lane: Lanes) -> None:
    one, other = lane("01"), lane("02")
    one.shop.store.record(AllowanceGiven("FIRST", "01", 1))
    one.shop.store.record(AllowanceGiven("FIRST", "02", 2))
    totals = []
    for till in (one, one, other, other, other):
        pay(till.scan(COLA))
        totals.append(last_sale(till).total_fen)
    assert totals == [150, 250, 150, 150, 250]


def test_an_offer_once_a_day_a_member_comes_back_on_the_next_business_date(lane: Lanes) -> None:
    till = lane()
    alias = joined(till.shop.store)
    totals = []
    for wait_h in (0, 1, 24):
        till.wait(wait_h * 3_600_000)
        pay(many(till.scan(card_of(till.shop.store, alias)), 2, ODD))
        totals.append(last_sale(till).total_fen)
    assert totals == [50 + 199, 2 * 199, 50 + 199]
    assert used_for(till.shop, PACKAGE, "") == {}
    assert used_for(till.shop, PACKAGE, alias)["DAY"].member_times == 2


def test_a_first_order_is_first_once_even_at_two_lanes(lane: Lanes) -> None:
    one, other = lane("01"), lane("02")
    card = card_of(one.shop.store, joined(one.shop.store))
    for till in (one, other):
        many(till.scan(card), 40, TINY).press("pay")
        assert till.state.priced.total_fen == 70
    one.press("pay")
    other.press("pay")
    assert other.says == "POS-2307"
    other.press("pay")
    assert last_sale(other).total_fen == 120


# ------------------------------------------------------------------ tiers


def test_a_tier_is_reached_at_once_its_gift_waits_and_its_prices_count_from_the_next_basket(lane: Lanes) -> None:
    till = lane()
    store = till.shop.store
    alias = joined(store)
    card = card_of(store, alias)
    pay(many(till.scan(card), 30, WATER))
    assert people.customer_for(store, alias, store.clock.wall_ms()).tier == "silver"
    pay(till.scan(card, MILK))
    assert people.customer_for(store, alias, store.clock.wall_ms()).tier == "gold"
    assert people.gifts_to_collect(store, alias) == ["CUP"]
    assert people.collect_gift(store, alias, "CUP", "1001")
    assert not people.collect_gift(store, alias, "CUP", "1001")
    pay(till.scan(card, MILK))
    assert [entry.header.kind for entry in journal.entries(store.connection)].count("tier_changed") == 1
    till.prove()


# ------------------------------------------------------------------ races and random days

ROUNDS = 12


def contend(path: Path, name: str, rounds: list[tuple[str, ...]], gate: threading.Barrier, won: list[list[str]]) -> None:
    """One lane in a thread of its own, with its own connection: all scan, then all go to pay at once."""
    with Store.open(path, clock=DayClock(), ids=SeededIds(int(name))) as store:
        till = Till(make_shop(store, lane=name, package=PACKAGE)).open()
        for n, scans in enumerate(rounds):
            till.scan(*scans)
            gate.wait(timeout=60)
            for _ in range(4):
                till.press("pay")
                if till.state.is_idle:
                    break
            assert till.state.is_idle, till.says
            sale = till.state.last_sale
            if sale is not None and sale.total_fen < 250:
                won[n].append(name)
            gate.wait(timeout=60)


@pytest.mark.parametrize("what", ["coupon", "offer"])
def test_of_two_lanes_that_pay_at_the_same_moment_exactly_one_gets_the_last(tmp_path: Path, what: str) -> None:
    path = tmp_path / "race.sqlite"
    with make_store(path, DayClock(), SeededIds(1)) as store:
        sent = [sent_by_hq(store, n) for n in range(ROUNDS)]
    rounds = [(MILK, code) for code in sent] if what == "coupon" else [(COLA,)] * ROUNDS
    gate, won = threading.Barrier(2), [list[str]() for _ in rounds]
    threads = [threading.Thread(target=contend, args=(path, name, rounds, gate, won)) for name in ("01", "02")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    given = [len(names) for names in won]
    assert given == [1] * ROUNDS if what == "coupon" else sum(given) == 3, won
    with Store.open(path, clock=DayClock(), ids=SeededIds(5)) as store:
        Till(make_shop(store)).prove()


def test_random_days_keep_every_balance_the_sum_of_its_lots_and_every_coupon_single(lane: Lanes) -> None:
    rng = random.Random("member days")
    one, other = lane("01"), lane("02")
    store = one.shop.store
    aliases = [joined(store, joining) for joining in (ANN, BOB)]
    have = [sent_by_hq(store, n) for n in range(6)]
    for _ in range(70):
        till, alias = rng.choice((one, other)), rng.choice((*aliases, ""))
        till.scan(*([card_of(store, alias)] if alias else ()))
        for _ in range(rng.randint(1, 3)):
            many(till, rng.choice((1, 2, 12, 30)), rng.choice((WATER, MILK, COLA, ODD, TINY, BAG)))
        if have and rng.random() < 0.5:
            till.scan(rng.choice(have))
        if alias and rng.random() < 0.5:
            spend_points(till)
        for _ in range(6):
            till.press("pay")
            if till.state.is_idle:
                break
        assert till.state.is_idle, till.says
        have += [coupon.code for coupon in last_sale(till).issued or ()]
        for name in aliases:
            assert points_of(till, name) >= 0
    totals = dict(store.connection.execute("SELECT alias, sum(points) FROM points_entries WHERE card = '' GROUP BY alias"))
    assert {name: points_of(one, name) for name in totals} == totals
    assert reservations.reserved(store.connection, 1) == ()
    assert store.connection.execute("SELECT count(*) FROM reservations").fetchone()[0] == 0
    assert coupons.find(store.connection, have[-1]) is not None
    one.prove()
