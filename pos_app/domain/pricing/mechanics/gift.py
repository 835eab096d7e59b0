"""gift: units at 0.00 outside the basket, with a purchase or over a threshold (买牛奶送面包; 满200送杯子)."""

from typing import NamedTuple


class GiftRule(NamedTuple):
    """Stage 8. Given once for every `per_units` of the promotion's scope, or (`per_units` 0) once over `min_spend_fen`.

    `instead_sku` is the stated substitute when the gift is out of stock; `value_fen` is printed and taken off a refund when
    the gift is not returned.
    """

    gift_sku: str
    per_units: int = 0
    quantity: int = 1
    value_fen: int = 0
    instead_sku: str = ""

    def given(self, units_in_scope: int) -> int:
        return units_in_scope // self.per_units * self.quantity if self.per_units else self.quantity
