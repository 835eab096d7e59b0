"""Stock is the sum of its moves; folding them changes no figure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain.events import StockMove, StockMoved
from store_db import stock
from store_db.verify import verify
from tests.shop_kit import APPLES, MILK, WATER, Till, label


def test_a_sale_takes_units_or_grams_out(till: Till) -> None:
    till.shop.store.record(StockMoved("opening", (StockMove("WATER", 100), StockMove("APPLES", 5_000))))
    till.type("3").press("multiply").sell(WATER, label("22", APPLES, weight_g=846))
    connection = till.shop.store.connection
    assert (stock.on_hand(connection, "WATER"), stock.on_hand(connection, "APPLES")) == (97, 4_154)


def test_stock_below_zero_never_stops_a_sale(till: Till) -> None:
    till.sell(MILK)
    assert stock.on_hand(till.shop.store.connection, "MILK") == -1


@given(sizes=st.lists(st.integers(0, 5), max_size=8), sold=st.integers(0, 3))
def test_folding_in_any_steps_changes_no_stock_figure(walk_till: Till, sizes: list[int], sold: int) -> None:
    connection = walk_till.shop.store.connection
    for _ in range(sold):
        walk_till.sell(WATER, MILK)
    before = [stock.on_hand(connection, sku) for sku in ("WATER", "MILK", "GHOST")]
    for events_max in sizes:
        with walk_till.shop.store.transaction():
            stock.fold(connection, events_max)
    assert [stock.on_hand(connection, sku) for sku in ("WATER", "MILK", "GHOST")] == before
    assert verify(connection).is_ok


@pytest.mark.parametrize("events_max", [1, 2, 3, 200])
def test_folding_goes_on_until_nothing_is_left(till: Till, events_max: int) -> None:
    """The answer is how many events are left: 0 means that the base is the stock."""
    for _ in range(5):
        till.sell(WATER)
    with till.shop.store.transaction() as connection:
        while stock.fold(connection, events_max):
            pass
        base = connection.execute("SELECT quantity FROM stock_base WHERE sku = 'WATER'").fetchone()
    assert base[0] == -5
    till.prove()


def test_a_price_check_tells_what_is_on_hand(till: Till) -> None:
    till.shop.store.record(StockMoved("opening", (StockMove("WATER", 7),)))
    till.press("price_check").scan(WATER)
    assert till.state.dialog is not None
    assert till.state.dialog.data.on_hand == 7
