"""Which goods are given: the gift, or its stated substitute when the shop has none left."""

from pos_app.domain.pricing.model import Gift
from store_db import stock
from store_db.connection import Connection


def given(connection: Connection, gifts: tuple[Gift, ...]) -> tuple[Gift, ...]:
    """The gifts of a sale by what is in stock; one without a substitute, or that was scanned, is given whatever the books say.

    No jar is left and its substitute is a bottle: the bottle, which the shopper takes home and the stock loses.
    """
    return tuple(_given(connection, gift) for gift in gifts)


def _given(connection: Connection, gift: Gift) -> Gift:
    if not gift.instead_sku or gift.scanned or stock.on_hand(connection, gift.sku) >= gift.quantity:
        return gift
    if stock.on_hand(connection, gift.instead_sku) < gift.quantity:
        return gift
    return gift._replace(sku=gift.instead_sku)
