"""A lane takes a package at its minute: from its own store, in the middle of a basket, with a kill in between."""

from collections.abc import Callable
from typing import Any

import pytest

from pos_app.domain.errors import StoreError
from pos_app.domain.events import Sale
from pos_app.domain.lane.intents import Tick
from pos_app.domain.lane.state import PAYMENT, SELF_CHECKOUT
from pos_app.services import change_prices, follow_package
from pos_app.services.change_prices import confirm_tag
from pos_app.services.members import Joining, join
from pos_app.services.shop import Shop
from store_db import journal
from store_db.store import Store
from tests.package_kit import install, offer, package, price
from tests.shop_kit import APPLES, BAG, COLA, MILK, WATER, Till, label, make_shop

MINUTE_MS = 60_000
HALF_COLA = offer(scope={"skus": ["COLA"]})
Shops = Callable[..., Shop]


def in_a_minute(till: Till, *promotions: dict[str, Any], **changes: Any) -> str:
    """A package that begins in a minute; its digest."""
    begins = {"valid_from": till.clock.now_ms + MINUTE_MS}
    return install(till.shop.store, package("1", *promotions, **(begins | changes))).package.digest


def killed(till: Till) -> Till:
    """The lane as it comes back after its process was killed: nothing was closed, only what was committed is there."""
    shop = till.shop
    again = Store.open(shop.store.path, clock=shop.store.clock, ids=shop.store.ids)
    shop.store.connection.close()
    return Till(make_shop(again, shop.config.skin, shop.lane)).open()


def last_sale(till: Till) -> Sale:
    sales = [entry.event() for entry in journal.entries(till.shop.store.connection) if entry.header.kind == "sale"]
    assert isinstance(sales[-1], Sale)
    return sales[-1]


# ------------------------------------------------------------------ at its minute


def test_a_package_begins_at_its_minute_and_not_before_and_the_receipt_names_it(till: Till):
    digest = in_a_minute(till, HALF_COLA)
    till.scan(COLA, COLA)
    assert (till.state.priced.total_fen, till.state.package.digest) == (500, "shelf")
    till.wait(MINUTE_MS)
    assert (till.state.priced.total_fen, till.state.package.digest, till.says) == (375, digest, "banner.prices")
    till.press("pay", "pay")
    assert (last_sale(till).total_fen, last_sale(till).package) == (375, digest)
    till.prove()


def test_a_package_ends_at_its_minute(till: Till):
    install(till.shop.store, package("1", HALF_COLA, valid_to=till.clock.now_ms + MINUTE_MS))
    till.wait(2_000).scan(COLA, COLA)
    assert till.state.priced.total_fen == 375
    till.wait(MINUTE_MS)
    assert (till.state.priced.total_fen, till.state.package.digest) == (500, "shelf")


def test_a_package_that_another_process_installs_is_taken_within_two_seconds(till: Till):
    till.scan(COLA, COLA)
    store = till.shop.store
    other = Store.open(store.path, clock=store.clock, ids=store.ids)
    digest = install(other, package("1", HALF_COLA)).package.digest
    other.connection.close()
    till.wait(2_000)
    assert (till.state.package.digest, till.state.priced.total_fen) == (digest, 375)


def test_between_two_switches_the_table_of_packages_is_not_read_again(till: Till, monkeypatch: pytest.MonkeyPatch):
    in_a_minute(till, HALF_COLA)
    till.wait(2_000)
    monkeypatch.setattr(follow_package.packages, "rows", lambda connection: pytest.fail("was read"))
    till.scan(COLA, WATER).wait(50_000).press("pay", "pay")


# ------------------------------------------------------------------ scanned lines keep the better price


def test_a_scanned_line_takes_the_lower_price_and_keeps_its_own_where_that_is_lower(till: Till):
    in_a_minute(till, prices=[price("COLA", 300, 200), price("WATER", 180), price("MILK", 400, None, 310)])
    till.scan(COLA, WATER, MILK)
    assert till.state.priced.total_fen == 250 + 200 + 350
    till.wait(MINUTE_MS)
    assert till.state.priced.total_fen == 200 + 180 + 350
    confirm_tag(till.shop.store, "MILK", "1001")
    till.scan(MILK)
    assert [line.item.price_fen for line in till.state.basket.lines] == [300, 180, 350, 400]
    till.press("pay", "pay")
    assert last_sale(till).total_fen == 200 + 180 + 350 + 400
    till.prove()


def shelf(name: str, sku: str, price_fen: int, **changes: Any) -> dict[str, Any]:
    offered = {"id": name, "mechanic": "shelf_price", "name": name, "price_fen": price_fen, "scope": {"skus": [sku]}}
    return offered | changes


EVENING = {"id": "evening", "mechanic": "shelf_percent_off", "name": "7折", "percent": 30, "scope": {"skus": ["MILK", "APPLES"]}}
MARKED, MEMBERS = shelf("marked", "WATER", 90), shelf("members", "WATER", 150, who={"member": True})


def ends_in_a_minute(till: Till, *promotions: dict[str, Any]) -> None:
    install(till.shop.store, package("0", *promotions, valid_to=till.clock.now_ms + MINUTE_MS))
    till.wait(2_000)


def test_a_scanned_line_keeps_a_promotions_price_when_the_package_ends(till: Till):
    """Milk at 2.45 instead of 3.50, apples at 6.93 a kg, water for 0.90: as scanned; the next one costs more."""
    ends_in_a_minute(till, EVENING, MARKED)
    till.scan(MILK, MILK, label("22", APPLES, weight_g=1_000), WATER)
    assert till.state.priced.total_fen == 2 * 245 + 693 + 90
    till.wait(MINUTE_MS)
    assert (till.state.package.digest, till.state.priced.total_fen) == ("shelf", 2 * 245 + 693 + 90)
    till = killed(till).scan(WATER)
    assert till.state.priced.total_fen == 2 * 245 + 693 + 90 + 200
    till.press("pay", "pay")
    assert last_sale(till).total_fen == 2 * 245 + 693 + 90 + 200
    till.prove()


def test_a_promotions_price_gives_way_to_a_lower_one(till: Till):
    ends_in_a_minute(till, EVENING, MARKED)
    in_a_minute(till, shelf("night", "WATER", 50))
    till.scan(WATER, MILK).wait(MINUTE_MS)
    assert till.state.priced.total_fen == 50 + 245


def test_a_price_for_members_is_kept_for_the_member_and_nobody_else(till: Till):
    ends_in_a_minute(till, MEMBERS)
    assert isinstance(join(till.shop.store, Joining("林小红", "13800138821")), str)
    till.scan(WATER).press("member").type("13800138821\n")
    assert till.state.priced.total_fen == 150
    till.wait(MINUTE_MS)
    assert till.state.priced.total_fen == 150
    assert [(line.item.promo_price_fen, line.item.member_price_fen) for line in till.state.basket.lines] == [(None, 150)]


def test_a_price_that_some_units_of_a_line_had_is_not_kept(till: Till):
    ends_in_a_minute(till, MARKED | {"max_units": 1}, EVENING)
    till.scan(WATER, WATER, MILK)
    assert till.state.priced.total_fen == 90 + 200 + 245
    till.wait(MINUTE_MS)
    assert till.state.priced.total_fen == 2 * 200 + 245


def test_a_basket_that_is_recalled_under_the_same_package_is_left_alone(till: Till):
    install(till.shop.store, package("0", MARKED))
    till.wait(2_000).scan(WATER).press("hold").press("hold", "enter")
    assert [line.item.promo_price_fen for line in till.state.basket.lines] == [None]


def test_a_voided_line_that_comes_back_has_the_better_price_too(till: Till):
    in_a_minute(till, prices=[price("WATER", 180)])
    till.scan(WATER, COLA).press("up", "void").wait(MINUTE_MS).press("undo")
    assert [line.item.price_fen for line in till.state.basket.lines] == [180, 300]


def test_a_held_basket_comes_back_with_the_better_price(till: Till):
    till.scan(WATER).press("hold")
    in_a_minute(till, prices=[price("WATER", 180)])
    till.wait(MINUTE_MS).press("hold", "enter")
    assert (till.sold, till.state.priced.total_fen) == ([("WATER", 1)], 180)


@pytest.mark.parametrize("kills", range(6))
def test_a_kill_on_either_side_of_the_minute_changes_no_price(till: Till, kills: int):
    """The process dies after any of the steps; the basket ends at the same lines and the same total."""
    digest = in_a_minute(till, HALF_COLA, prices=[price("WATER", 180), price("COLA", 320, 260)])
    steps: list[Callable[[Till], Any]] = [
        lambda till: till.scan(WATER), lambda till: till.scan(COLA, COLA), lambda till: till.wait(MINUTE_MS),
        lambda till: confirm_tag(till.shop.store, "COLA", "9001"), lambda till: till.scan(COLA), lambda till: None,
    ]  # fmt: skip
    for n, step in enumerate(steps):
        step(till)
        if n == kills:
            till = killed(till)
    assert [(line.item.sku, line.item.promo_price_fen) for line in till.state.basket.lines] == [
        ("WATER", None), ("COLA", 250), ("COLA", 260)
    ]  # fmt: skip
    till.press("pay", "pay")
    assert (last_sale(till).total_fen, last_sale(till).package) == (180 + 250 + 125 + 260, digest)
    till.prove()


def test_a_lane_that_was_off_at_the_minute_begins_with_the_package_and_its_prices(till: Till):
    till.scan(WATER)
    digest = in_a_minute(till, HALF_COLA, prices=[price("WATER", 180)])
    till.clock.now_ms += MINUTE_MS
    again = killed(till)
    assert (again.state.package.digest, again.state.priced.total_fen) == (digest, 180)
    again.prove()


# ------------------------------------------------------------------ not while money changes hands


def test_a_basket_that_is_being_paid_for_keeps_its_price_and_the_next_one_has_the_new(till: Till):
    in_a_minute(till, HALF_COLA)
    till.scan(COLA, COLA).press("pay").wait(MINUTE_MS)
    assert till.state.priced.total_fen == 500
    till.press("pay")
    assert (last_sale(till).total_fen, last_sale(till).package) == (500, "shelf")
    till.sell(COLA, COLA)
    assert last_sale(till).total_fen == 375
    till.prove()


def test_money_taken_outside_before_the_minute_pays_for_the_price_it_was_taken_for(till: Till):
    digest = install(till.shop.store, package("0", HALF_COLA)).package.digest
    in_a_minute(till, offer(percent=100, scope={"skus": ["COLA"]}))
    till.wait(2_000).scan(COLA, COLA).press("pay").type("2.00").press("card").type("12345\n")
    assert till.state.left_fen == 175
    till.clock.now_ms += MINUTE_MS
    again = killed(till)
    assert (again.state.phase, again.state.left_fen, again.state.package.digest) == (PAYMENT, 175, digest)
    again.wait(5_000).press("pay")
    assert (last_sale(again).total_fen, last_sale(again).package) == (375, digest)
    again.sell(COLA, COLA)
    assert last_sale(again).total_fen == 250
    again.prove()


# ------------------------------------------------------------------ two lanes, faults


def test_two_lanes_on_one_file_take_a_package_each_and_its_prices_once(shop_factory: Shops):
    one, two = Till(shop_factory()).open(), Till(shop_factory(SELF_CHECKOUT, "S1"))
    digest = in_a_minute(one, prices=[price("WATER", 180), price("BAG", 10)])
    one.scan(WATER)
    two.scan(WATER, BAG)
    one.wait(MINUTE_MS)
    two.wait(0)
    assert [till.state.package.digest for till in (one, two)] == [digest, digest]
    assert [till.state.priced.total_fen for till in (one, two)] == [180, 190]
    assert [bag.price_fen for bag in two.state.bags] == [10]
    kinds = [entry.header.kind for entry in journal.entries(one.shop.store.connection)]
    assert kinds.count("prices_changed") == 1


def test_a_package_whose_prices_cannot_be_stored_stops_no_sale_and_is_taken_later(till: Till, monkeypatch: pytest.MonkeyPatch):
    digest = in_a_minute(till, HALF_COLA, prices=[price("WATER", 180)])

    def full(*args: Any) -> None:
        raise StoreError("POS-1004", path="")

    with monkeypatch.context() as broken:
        broken.setattr(change_prices.prices, "put_prices", full)
        till.wait(MINUTE_MS).sell(COLA, COLA)
    assert (last_sale(till).total_fen, last_sale(till).package) == (500, "shelf")
    till.wait(follow_package.RETRY_MS)
    assert till.state.package.digest == digest
    till.prove()


def test_a_damaged_package_in_the_store_stops_no_sale(till: Till):
    in_a_minute(till, HALF_COLA)
    till.shop.store.connection.execute("UPDATE packages SET body = x'7b'")
    till.wait(MINUTE_MS).sell(COLA)
    assert last_sale(till).package == "shelf"
    assert killed(till).state.package.digest == "shelf"


def test_a_switch_that_could_not_be_kept_is_told_again(till: Till, monkeypatch: pytest.MonkeyPatch):
    digest = in_a_minute(till, HALF_COLA, prices=[price("WATER", 180)])
    till.scan(WATER)
    with monkeypatch.context() as broken:
        broken.setattr("store_db.drafts.add_ops", lambda *args: (_ for _ in ()).throw(StoreError("POS-1004", path="")))
        till.wait(MINUTE_MS)
    assert (till.says, till.state.package.digest) == ("POS-1004", "shelf")
    till.lane.handle(Tick(till.clock.now_ms))
    assert (till.state.package.digest, till.state.priced.total_fen) == (digest, 180)
    assert killed(till).state.priced.total_fen == 180
