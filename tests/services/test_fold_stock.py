"""Where no agent folds stock, a lane at rest does."""

import asyncio

import pytest

from pos_app.services import fold_stock
from pos_app.services.fold_stock import fold_when_many
from pos_app.tui.app import LaneApp
from pos_app.tui.keys import key_map
from store_db import stock
from store_db.verify import verify
from tests.shop_kit import MILK, WATER, Till

MANY = 6


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_stock, "MANY_EVENTS", MANY)


def test_moves_are_folded_when_there_are_many_and_no_figure_changes(till: Till) -> None:
    store = till.shop.store
    while stock.unfolded_events(store.connection) < MANY:
        assert not fold_when_many(store)
        till.sell(WATER, MILK)
    before = [stock.on_hand(store.connection, sku) for sku in ("WATER", "MILK")]
    assert fold_when_many(store) and stock.unfolded_events(store.connection) == 0
    assert [stock.on_hand(store.connection, sku) for sku in ("WATER", "MILK")] == before
    assert verify(store.connection).is_ok and not fold_when_many(store)


def test_a_fold_that_fails_is_undone_and_made_later(till: Till) -> None:
    store = till.shop.store
    while stock.unfolded_events(store.connection) < MANY:
        till.sell(WATER)
    before = stock.on_hand(store.connection, "WATER")
    store.connection.execute("CREATE TEMP TRIGGER broken BEFORE UPDATE ON stock_fold BEGIN SELECT RAISE(ABORT, 'disk'); END")
    assert not fold_when_many(store)
    assert stock.on_hand(store.connection, "WATER") == before and verify(store.connection).is_ok
    store.connection.execute("DROP TRIGGER broken")
    assert fold_when_many(store) and stock.on_hand(store.connection, "WATER") == before


def test_a_lane_at_rest_folds(till: Till) -> None:
    store = till.shop.store
    while stock.unfolded_events(store.connection) < MANY:
        till.sell(WATER)

    async def run() -> None:
        app = LaneApp(lambda app: [till.lane], keys=key_map("chinese-till", {}))
        async with app.run_test(size=(80, 24)):
            app._tick()

    asyncio.run(run())
    assert stock.unfolded_events(store.connection) == 0
