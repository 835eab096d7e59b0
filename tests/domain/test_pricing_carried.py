"""Sums carried over from the last basket are the sums of adding everything up again, whatever came before."""

import random

from pos_app.domain.basket import AddLine, Basket, Line, SetQuantity, Undo, VoidLine, apply
from pos_app.domain.goods import Item
from pos_app.domain.pricing import shelf_only
from pos_app.domain.pricing.engine import price
from pos_app.domain.pricing.model import STRANGER, Customer, Package

MEMBER = Customer(alias="m")

CODES = (("S13", 1300), ("R9", 900), ("E0", 0))


def a_line(rng: random.Random, line_id: int) -> Line:
    code, rate_bp = rng.choice(CODES)
    fen = rng.choice((0, 1, 199, 2_000))
    member = rng.choice((None, fen // 2))
    item = Item(f"s{rng.randrange(5)}", "n", fen, tax_code=code, tax_bp=rate_bp, member_price_fen=member)
    return Line(line_id, item, "c", rng.randint(1, 3))


def afresh(basket: Basket, customer: Customer):  # type: ignore[no-untyped-def]
    shelf_only._last = shelf_only._Last()
    return price(basket, customer, Package(), 0)


def test_a_walk_of_operations_and_customers_prices_as_if_nothing_had_been_remembered():
    rng = random.Random(4)
    basket, other = Basket(), Basket()
    for _ in range(6_000):
        draw = rng.random()
        if draw < 0.5 or not basket.lines:
            basket = apply(basket, AddLine(a_line(rng, basket.next_line_id)))
        elif draw < 0.65:
            basket = apply(basket, SetQuantity(basket.lines[-1].line_id, rng.randint(1, 9)))
        elif draw < 0.8:
            basket = apply(basket, VoidLine(rng.choice(basket.lines).line_id))
        elif draw < 0.9:
            basket = apply(basket, Undo())
        elif draw < 0.95:
            basket, other = other, basket
        else:
            basket = Basket()
        customer = rng.choice((STRANGER, STRANGER, MEMBER))
        carried = price(basket, customer, Package(), 0)
        kept = shelf_only._last
        assert carried == afresh(basket, customer)
        shelf_only._last = kept
