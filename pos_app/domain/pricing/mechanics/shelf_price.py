"""shelf_price: these goods at this price (促销价), a sample for 0.10; `max_units` of them in a basket."""

from typing import NamedTuple


class ShelfPrice(NamedTuple):
    """Stage 0. List 200.00, `price_fen` 15000: 150.00."""

    price_fen: int
    max_units: int | None = None

    def unit_price_fen(self, unit_fen: int, units_in_scope: int, rounding: str) -> int:
        return self.price_fen
