"""shelf_amount_off: so much off each unit (立减), never below zero."""

from typing import NamedTuple


class ShelfAmountOff(NamedTuple):
    """Stage 0. 3.00 off 12.80: 9.80."""

    amount_fen: int
    max_units: int | None = None

    def unit_price_fen(self, unit_fen: int, units_in_scope: int, rounding: str) -> int:
        return max(0, unit_fen - self.amount_fen)
