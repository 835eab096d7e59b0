"""A burst of codes shares one price, and what is shown afterwards is the price of all of them."""

from collections.abc import Callable

import pytest

from pos_app.domain.lane import state as lane_state
from pos_app.domain.lane.intents import Press, Scan
from pos_app.domain.lane.state import PAYMENT
from pos_app.domain.pricing.engine import price, price_again
from pos_app.domain.pricing.mechanics.nth_unit_percent_off import NthUnitPercentOff
from pos_app.domain.pricing.model import Package, Promotion
from pos_app.services.shop import Shop
from tests.shop_kit import COLA, MILK, WATER, Till

PACKAGE = Package(digest="b" * 64, promotions=(Promotion("half", "第二件半价", NthUnitPercentOff(2, 50)),))


@pytest.fixture
def till(shop_factory: Callable[..., Shop]) -> Till:
    return Till(shop_factory(package=PACKAGE)).open()


def afresh(till: Till) -> object:
    state = till.state
    return price(state.basket, state.basket.customer, state.package, state.price_ms)


def test_a_burst_is_priced_once_and_rightly(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(lane_state, "price_again", lambda *args: asked.append(1) or price_again(*args))
    till.lane.handle(*(Scan(code) for code in (WATER, MILK, COLA, WATER, MILK)))
    assert len(asked) == 1 and len(till.state.basket.lines) == 5
    assert till.state.priced == afresh(till) and not till.state.is_stale


def test_a_burst_that_ends_in_the_payment_screen_is_paid_at_its_own_price(till: Till) -> None:
    till.lane.handle(Scan(WATER), Scan(MILK), Press("pay"))
    assert till.state.phase == PAYMENT and till.state.priced == afresh(till)
    till.lane.handle(Press("pay"))
    assert till.state.last_sale is not None and till.state.last_sale.item_count == 2


def test_a_burst_whose_last_intent_changes_nothing_is_priced_all_the_same(till: Till) -> None:
    till.lane.handle(Scan(WATER), Scan(WATER), Press("language"))
    assert till.state.priced == afresh(till) and till.state.priced.discount_fen > 0
