"""A gift leaves the stock with its sale; its substitute does when none is left; a scanned unit of it is the gift."""

from collections.abc import Callable

import pytest

from pos_app.domain.events import Sale, StockMove, StockMoved
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.mechanics.points_earn import PointsEarn
from pos_app.domain.pricing.model import Package, Promotion
from pos_app.domain.return_values import Returnable, ReturnLine, ReturnPlan, ReturnRequest, Wanted
from pos_app.services.find_receipt import find_receipt
from pos_app.services.return_goods import plan_goods
from pos_app.services.shop import Shop
from store_db import journal, stock
from store_db.verify import verify
from tests.shop_kit import MILK, WATER, Till

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


CUP = Promotion("cup", "满6送牛奶", GiftRule("MILK", quantity=2, value_fen=350, instead_sku="COLA"), min_spend_fen=600)
EARN = Promotion("earn", "1元1分", PointsEarn())


def test_a_scanned_unit_is_the_gift_and_is_neither_paid_for_nor_handed_out_again(shop_factory: Callable[..., Shop]) -> None:
    """Three waters at 2.00 bring two milks; one milk was scanned, the other is handed out, and no substitute is thought of."""
    shop = shop_factory(package=Package(digest="s" * 64, promotions=(CUP, EARN)))
    connection, till = shop.store.connection, Till(shop).open()
    shop.store.record(StockMoved("opening", (StockMove("COLA", 5),)))
    before = {sku: stock.on_hand(connection, sku) for sku in ("WATER", "MILK", "COLA")}
    till.sell(WATER, WATER, WATER, MILK)
    sale = next(e.event() for e in journal.entries(connection) if e.header.kind == "sale")
    assert isinstance(sale, Sale) and sale.gifts is not None
    assert [(line.sku, line.quantity, line.net_fen) for line in sale.lines] == [("WATER", 3, 600)]
    assert (sale.total_fen, sale.item_count, [(one.sku, one.quantity, one.scanned) for one in sale.gifts]) == (
        600, 3, [("MILK", 2, 1)],
    )  # fmt: skip
    assert {sku: n - stock.on_hand(connection, sku) for sku, n in before.items()} == {"WATER": 3, "MILK": 2, "COLA": 0}
    paper = till.paper.jobs[-1][1]
    assert [row.split() for row in paper.splitlines() if "x2" in row] == [["赠品", "鲜牛奶", "x2", "7.00"]]
    assert verify(connection).is_ok


def test_of_a_line_with_a_gift_in_it_the_rest_comes_back_for_what_it_cost(shop_factory: Callable[..., Shop]) -> None:
    """Two waters and two milks are 7.50 without the milk that is free: the other one was paid in full and is paid back so."""
    cup = CUP._replace(rule=GiftRule("MILK", value_fen=350), min_spend_fen=400)
    shop = shop_factory(package=Package(digest="s" * 64, promotions=(cup, EARN)))
    till = Till(shop).open()
    number = till.sell(MILK, MILK, WATER, WATER)
    found = find_receipt(shop, number)
    assert isinstance(found, Returnable)
    assert [(line.sku, line.quantity, line.net_fen, line.points_rate) for line in found.sale.lines] == [
        ("MILK", 1, 350, 100), ("WATER", 2, 400, 100),
    ]  # fmt: skip
    milk = ReturnRequest(number, Wanted((ReturnLine(0, 1, "not_wanted"),)), "not_wanted", "1002")
    plan = plan_goods(shop, till.state, milk)
    assert isinstance(plan, ReturnPlan) and (plan.refund_fen, plan.gifts) == (350, ())
    water = ReturnRequest(number, Wanted((ReturnLine(1, 2, "not_wanted"),), (("cup", 9),)), "not_wanted", "1002")
    plan = plan_goods(shop, till.state, water)
    assert (
        isinstance(plan, ReturnPlan) and plan.refund_fen == 400 and [(one.sku, one.back) for one in plan.gifts] == [("MILK", 1)]
    )
