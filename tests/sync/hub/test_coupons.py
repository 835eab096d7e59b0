"""A coupon that one till gave is used once, at whichever till."""

from pathlib import Path

import pytest

from pos_app.domain.events import Sale
from pos_app.domain.plain import to_json
from pos_app.services.coupons import coupon_key
from store_db import journal, members
from sync import protocol
from sync.hq_server import feed
from tests.offers_kit import many, sent_by_hq
from tests.shop_kit import MILK
from tests.sync.hub.kit import HubTill, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def last_sale(till: HubTill) -> Sale:
    event = [entry.event() for entry in journal.entries(till.store.connection) if entry.header.kind == "sale"][-1]
    assert isinstance(event, Sale)
    return event


def given_at_a(world: World) -> str:
    """A coupon of 2.00 that a sale of till A gave."""
    many(world.a.till, 20, MILK).press("pay", "pay")
    issued = last_sale(world.a).issued
    assert issued
    world.sync(world.a)
    return issued[0].code


def handed_over(world: World) -> str:
    code = given_at_a(world)
    assert world.b.till.scan(MILK, code).says == "POS-3310"
    world.sync()
    return code


def paid(till: HubTill) -> Sale:
    till.till.press("pay", "pay")
    return last_sale(till)


def test_a_coupon_of_another_till_counts_once_it_was_handed_over(world: World) -> None:
    code = handed_over(world)
    assert world.b.till.scan(code).state.basket.codes[0].code == code
    sale = paid(world.b)
    assert (sale.coupons, sale.total_fen) == ((code,), 150)
    assert world.a.till.scan(MILK, code).says == "POS-2306", "the hub has not heard of the sale yet"
    world.sync()
    assert world.a.till.scan(code).says == "POS-2303"
    assert paid(world.a).coupons is None
    assert world.b.till.scan(MILK, code).says == "POS-2303"


def test_the_till_that_gave_a_coupon_asks_for_it_once_it_handed_it_over(world: World) -> None:
    code = handed_over(world)
    world.a.till.scan(MILK, code)
    assert world.b.till.scan(code).says == "POS-2306"
    assert paid(world.a).coupons == (code,)
    world.sync()
    assert world.b.till.scan(code).says == "POS-2303"


def test_cut_off_a_till_spends_what_it_gave_and_nothing_else(world: World) -> None:
    own, shared = given_at_a(world), handed_over(world)
    world.a.cut()
    assert world.a.till.scan(MILK, shared).says == "POS-2308"
    assert paid(world.a).coupons is None
    world.a.till.scan(MILK, own)
    assert paid(world.a).coupons == (own,)
    assert world.b.till.scan(own).says == "POS-3310"
    world.sync(world.b)
    assert world.b.till.scan(own).says == "POS-3310", "till A, which decides, is not heard"
    world.a.cut(False)
    world.sync()
    assert world.b.till.scan(own).says == "POS-2303"


def test_a_coupon_that_was_scanned_and_not_used_is_free_again(world: World) -> None:
    code = handed_over(world)
    world.b.till.scan(code)
    world.b.till.press("cancel_sale").type("1002\n2222\n1")
    world.sync()
    world.a.till.scan(MILK, code)
    assert paid(world.a).coupons == (code,)


def test_a_coupon_in_a_basket_outlives_the_lane_and_the_hub(world: World) -> None:
    code = handed_over(world)
    world.b.till.scan(code)
    world.restart_hub()
    world.b.lane_line.is_down = True
    world.b.open()
    assert paid(world.b).coupons == (code,)
    world.b.lane_line.is_down = False
    world.sync()
    assert world.a.till.scan(MILK, code).says == "POS-2303"


def test_a_lost_answer_holds_the_coupon_for_the_same_till(world: World) -> None:
    code = handed_over(world)
    world.b.lane_line.loses = [protocol.HUB_CLAIM]
    assert world.b.till.scan(code).says == "POS-2308"
    assert world.a.till.scan(MILK, code).says == "POS-2306"
    world.clock.now_ms += 6_000
    world.sync()
    world.b.till.scan(code)
    assert paid(world.b).coupons == (code,)


def test_a_coupon_that_is_being_paid_with_is_not_handed_over(world: World) -> None:
    code = given_at_a(world)
    world.a.till.scan(MILK, code).press("pay")
    assert world.b.till.scan(MILK, code).says == "POS-3310"
    world.sync()
    assert world.b.till.scan(code).says == "POS-3310"
    world.a.till.press("pay")
    assert last_sale(world.a).coupons == (code,)
    world.sync()
    assert world.b.till.scan(code).says == "POS-2303"


def sent_at_both(world: World) -> str:
    """A coupon of HQ's, whose key both tills have."""
    with world.a.store.transaction() as connection:
        key = coupon_key(world.a.store, connection)
    with world.b.store.transaction() as connection:
        members.put_secret(connection, "coupon", key)
    return sent_by_hq(world.a.store)


def test_a_coupon_of_hq_is_used_at_one_till_and_not_without_the_hub(world: World) -> None:
    code = sent_at_both(world)
    world.b.cut()
    assert world.b.till.scan(MILK, code).says == "POS-2308"
    assert paid(world.b).coupons is None
    world.a.till.scan(MILK, code)
    world.b.cut(False)
    assert world.b.till.scan(MILK, code).says == "POS-2306"
    assert paid(world.a).coupons == (code,)
    world.sync()
    assert world.b.till.scan(code).says == "POS-2303"


def test_a_coupon_of_hq_that_is_one_tills_share_is_spent_there_while_it_is_cut_off(world: World) -> None:
    code = sent_at_both(world)
    token = {"promotion": "C2", "expires": "2099-12-31", "device": world.a.store.device.device.hex()}
    with world.hq.hq.database.write() as connection:
        feed.publish(connection, "coupon_tokens", [("S001", code, to_json(token))], 1)
    world.relay_all()
    world.sync()
    world.a.cut()
    assert world.b.till.scan(MILK, code).says == "POS-3310", "it is till A's to spend"
    world.a.till.scan(MILK, code)
    assert paid(world.a).coupons == (code,)
    world.a.cut(False)
    world.sync()
    assert world.b.till.scan(code).says == "POS-2303"
