"""Held baskets go to another till once, with every line, whatever answer gets lost."""

from pathlib import Path

import pytest

from store_db import drafts
from sync import protocol
from tests.shop_kit import MILK, WATER
from tests.sync.hub.kit import HubTill, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def held_at_a(world: World) -> None:
    """Till A holds a basket, and its agent has told the hub."""
    world.a.till.scan(WATER, MILK).press("hold")
    assert world.a.till.says == "banner.held"
    world.sync(world.a)


def fetch(till: HubTill) -> str:
    """F4 on an empty basket, and the first row of the list; what the lane says then."""
    till.till.press("hold")
    if till.till.kind != "held":
        return till.till.says
    till.till.press("enter")
    said = till.till.says
    if till.till.kind:
        till.till.press("back")
    return said


def test_a_basket_is_fetched_at_another_till_and_is_gone_at_the_first(world: World) -> None:
    held_at_a(world)
    assert fetch(world.b) == "POS-3310"
    world.sync()
    assert drafts.held_drafts(world.a.store.connection) == []
    assert fetch(world.b) == "banner.recalled"
    assert world.b.till.sold == [("WATER", 1), ("MILK", 1)]
    world.b.till.press("pay", "pay")
    assert world.b.till.state.sales_today == 1
    world.sync()
    assert fetch(world.a) == fetch(world.b) == "POS-3005"
    world.a.till.prove()
    world.b.till.prove()


def test_a_handed_over_basket_can_come_back_to_the_till_that_held_it(world: World) -> None:
    held_at_a(world)
    fetch(world.b)
    world.sync()
    assert fetch(world.a) == "banner.recalled"
    assert world.a.till.sold == [("WATER", 1), ("MILK", 1)]
    assert fetch(world.b) == "POS-3005"


def test_the_till_that_holds_a_basket_fetches_it_with_the_hub_cut_off(world: World) -> None:
    held_at_a(world)
    world.a.cut()
    assert fetch(world.a) == "banner.recalled"
    assert fetch(world.b) == "POS-3310"
    world.a.cut(False)
    world.sync()
    assert fetch(world.b) == "POS-3005", "the list was told anew"
    assert world.a.till.sold == [("WATER", 1), ("MILK", 1)]


def test_a_lost_answer_neither_loses_nor_doubles_a_basket(world: World) -> None:
    held_at_a(world)
    fetch(world.b)
    world.sync()
    world.b.lane_line.loses = [protocol.HUB_CLAIM]
    assert fetch(world.b) == "POS-3010"
    assert fetch(world.a) == "POS-3005", "the hub holds it for B"
    world.sync(world.b)
    world.clock.now_ms += 6_000
    assert fetch(world.b) == "banner.recalled"
    assert world.b.till.sold == [("WATER", 1), ("MILK", 1)]
    assert fetch(world.a) == "POS-3005"


def test_a_basket_goes_on_to_a_third_holder_under_its_new_uid(world: World) -> None:
    held_at_a(world)
    fetch(world.b)
    world.sync()
    fetch(world.b)
    world.b.till.press("hold")
    world.sync()
    assert fetch(world.a) == "POS-3310"
    world.sync()
    world.restart_hub()
    assert fetch(world.a) == "POS-3010", "the hub has not heard its tills yet"
    world.sync()
    assert fetch(world.a) == "banner.recalled"
    assert world.a.till.sold == [("WATER", 1), ("MILK", 1)]
    assert drafts.held_drafts(world.b.store.connection) == []
    world.a.till.press("pay", "pay")
    world.sync()
    rows = world.b.store.connection.execute("SELECT count(*) FROM hub_claims").fetchone()
    assert rows[0] == 0, "nothing is left to remember of a basket that is sold"


def test_a_basket_with_money_in_it_stays_at_its_till(world: World) -> None:
    world.a.till.scan(WATER, MILK).press("pay").type("1").press("card").type("0042\n").press("back", "hold")
    world.sync()
    assert fetch(world.b) == "POS-3005"
