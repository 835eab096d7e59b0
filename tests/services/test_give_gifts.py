"""A gift leaves the stock with its sale; its substitute does when none is left."""

from collections.abc import Callable

import pytest

from pos_app.domain.events import StockMove, StockMoved
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.model import Package, Promotion
from pos_app.services.shop import Shop
from store_db import journal, stock
from store_db.verify import verify
from tests.shop_kit import WATER, Till

PACKAGE = Package(digest="g" * 64, promotions=(Promotion("bell", "送铃铛", GiftRule("TINY", instead_sku="COLA")),))


@pytest.mark.parametrize(
    ("in_stock", "given"),
    [({"TINY": 1, "COLA": 5}, "TINY"), ({"COLA": 5}, "COLA"), ({}, "TINY")],
    ids=["the gift is there", "only the substitute is", "neither is: the shelf knows better than the books"],
)
def test_what_is_given_leaves_the_stock(shop_factory: Callable[..., Shop], in_stock: dict[str, int], given: str) -> None:
    shop = shop_factory(package=PACKAGE)
    connection = shop.store.connection
    for sku, quantity in in_stock.items():
        shop.store.record(StockMoved("opening", (StockMove(sku, quantity),)))
    before = {sku: stock.on_hand(connection, sku) for sku in ("TINY", "COLA")}
    Till(shop).open().sell(WATER)
    after = {sku: stock.on_hand(connection, sku) for sku in before}
    assert {sku: before[sku] - after[sku] for sku in before if before[sku] != after[sku]} == {given: 1}
    sale = next(e.event() for e in journal.entries(connection) if e.header.kind == "sale")
    assert [(gift.promotion, gift.sku) for gift in sale.gifts] == [("bell", given)]  # type: ignore[union-attr]
    assert verify(connection).is_ok
