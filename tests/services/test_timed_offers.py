"""An offer ends, or begins, at its minute while somebody pays: what was asked for is what is taken, on both lanes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pos_app.domain.lane.intents import Tick
from pos_app.domain.lane.machine import step
from pos_app.domain.lane.state import CASHIER, PAYMENT, SELF_CHECKOUT, SELLING
from pos_app.services.shop import Shop
from tests.package_kit import install, offer, package
from tests.services.test_package_switch import killed, last_sale
from tests.shop_kit import COLA, SUPERVISOR_PIN, Till

MINUTE_MS, SOON_MS = 60_000, 20_000
FULL_FEN, HALF_FEN = 500, 375  # two of 2.50; the second one at half price
ENDS, BEGINS = "ends", "begins"


@pytest.fixture(params=[ENDS, BEGINS])
def edge(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[CASHIER, SELF_CHECKOUT])
def till(request: pytest.FixtureRequest, shop_factory: Callable[..., Shop]) -> Till:
    till = Till(shop_factory(request.param))
    return till.open() if request.param == CASHIER else till


def at_the_edge(till: Till, edge: str) -> tuple[int, int]:
    """Two colas in the basket, the offer's last or first minute some seconds away; the total before and after it."""
    till.wait(2 * MINUTE_MS - till.clock.now_ms % MINUTE_MS - SOON_MS)
    local = datetime.fromtimestamp((till.clock.now_ms + SOON_MS) / 1000, UTC)
    minute = f"{local + timedelta(minutes=till.shop.store.device.utc_offset_min):%H:%M}"
    hours = [["00:00", minute]] if edge == ENDS else [[minute, "24:00"]]
    install(till.shop.store, package("1", offer(scope={"skus": ["COLA"]}, when={"hours": hours})))
    before, after = (HALF_FEN, FULL_FEN) if edge == ENDS else (FULL_FEN, HALF_FEN)
    till.wait(0).scan(COLA, COLA)
    assert till.state.priced.total_fen == before
    return before, after


def over_it(till: Till) -> Till:
    """The clock, past the edge; the lane at rest as well, as it is when nobody types."""
    till.wait(2 * SOON_MS).lane.handle(Tick(till.clock.now_ms, at_rest=True))
    return till


def to_payment(till: Till) -> Till:
    """To the payment screen, past the bags and the choice of a way."""
    till.press("pay")
    if till.state.is_self_checkout:
        till.press("back", "pay", "enter") if till.kind == "bags" else till.press("enter")
    assert till.state.phase == PAYMENT
    return till


def to_card(till: Till) -> Till:
    """The terminal is being asked: by the cashier, or by staff who come to a shopper's lane."""
    if till.state.is_self_checkout:
        till.press("visit").type(SUPERVISOR_PIN).press("take_card")
    else:
        to_payment(till).press("card")
    assert till.kind == "card"
    return till


def test_a_card_is_charged_once_for_what_the_terminal_was_asked(till: Till, edge: str) -> None:
    before, _ = at_the_edge(till, edge)
    over_it(to_card(till))
    assert till.state.dialog is not None
    asked = till.state.dialog.data
    till.type("4711\n")
    sale = last_sale(till)
    assert (asked, sale.total_fen, [tender.amount_fen for tender in sale.tenders]) == (before, before, [before])
    till.prove()


def test_the_payment_screen_keeps_what_it_asks_for(till: Till, edge: str) -> None:
    before, _ = at_the_edge(till, edge)
    over_it(to_payment(till))
    to_card(till) if till.state.is_self_checkout else till.press("card")
    till.type("4711\n")
    assert last_sale(till).total_fen == before


def test_staff_ask_the_terminal_for_the_price_of_that_moment_not_of_the_last_scan(till: Till, edge: str) -> None:
    """The basket was priced with its last good; nothing was pressed since, and the offer has ended or begun."""
    _, after = at_the_edge(till, edge)
    to_card(over_it(till))
    assert till.state.dialog is not None
    assert (till.state.dialog.data, till.state.left_fen) == (after, after)
    till.type("4711\n")
    assert last_sale(till).tenders[0].amount_fen == after


def test_back_in_the_basket_the_price_is_of_now_again(till: Till, edge: str) -> None:
    _, after = at_the_edge(till, edge)
    over_it(to_payment(till)).press("back")
    assert till.state.phase == SELLING
    to_payment(till)
    assert till.state.left_fen == after


def test_what_is_asked_for_is_not_priced_again_with_less_effort_when_the_lane_is_at_rest(till: Till) -> None:
    to_payment(till.scan(COLA, COLA))
    unproved = replace(till.state, priced=till.state.priced._replace(proved=False))
    after, _ = step(unproved, Tick(till.clock.now_ms + MINUTE_MS, at_rest=True))
    assert after.priced is unproved.priced


def test_cash_is_what_was_asked_for(edge: str, shop_factory: Callable[..., Shop]) -> None:
    till = Till(shop_factory()).open()
    before, _ = at_the_edge(till, edge)
    over_it(to_payment(till)).press("pay")
    assert last_sale(till).tenders[0].amount_fen == before - before % 10  # in coins that there are


def test_the_second_card_pays_the_rest_of_the_first_ones_price(edge: str, shop_factory: Callable[..., Shop]) -> None:
    till = Till(shop_factory()).open()
    before, _ = at_the_edge(till, edge)
    to_payment(till).type("1").press("card")
    over_it(till).type("4711\n")
    assert till.says == "banner.card_part"
    till = over_it(killed(till)).press("card").type("4712\n")
    assert [tender.amount_fen for tender in last_sale(till).tenders] == [100, before - 100]


def test_a_card_given_back_leaves_the_price_that_is_asked_for(edge: str, shop_factory: Callable[..., Shop]) -> None:
    till = Till(shop_factory()).open()
    before, _ = at_the_edge(till, edge)
    to_payment(till).type("1").press("card")
    over_it(till).type("4711\n").press("void").type(SUPERVISOR_PIN)
    assert (till.state.basket.tenders, till.state.left_fen) == ((), before)
