"""shelf_percent_off: these goods at so many percent less (8折)."""

from typing import NamedTuple

from pos_app.domain.pricing.mechanics.rounding import remains_fen


class ShelfPercentOff(NamedTuple):
    """Stage 0. 20 percent off 4.55: 3.64."""

    percent: int
    max_units: int | None = None

    def unit_price_fen(self, unit_fen: int, units_in_scope: int, rounding: str) -> int:
        return remains_fen(unit_fen, self.percent, rounding)
