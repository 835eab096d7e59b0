"""quantity_percent_tiers: the more units of the scope, the larger the percentage off each of them (买3件9折, 买5件8折)."""

from typing import NamedTuple

from pos_app.domain.pricing.mechanics.rounding import remains_fen


class QuantityTier(NamedTuple):
    units: int
    percent: int


class QuantityPercentTiers(NamedTuple):
    """Stage 0: a price by quantity. Tiers (3, 10), (5, 20): four units of 10.00 cost 9.00 each, five 8.00 each."""

    tiers: tuple[QuantityTier, ...]
    max_units: int | None = None

    def unit_price_fen(self, unit_fen: int, units_in_scope: int, rounding: str) -> int:
        reached = [tier.percent for tier in self.tiers if units_in_scope >= tier.units]
        return remains_fen(unit_fen, max(reached), rounding) if reached else unit_fen
