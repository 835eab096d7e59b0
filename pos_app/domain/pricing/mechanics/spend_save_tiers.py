"""spend_save_tiers: so much off when so much is spent (满100减20, 满200减50), once or for every full amount (每满100减20)."""

from typing import NamedTuple

from pos_app.domain.pricing.mechanics.rounding import off_fen


class SpendTier(NamedTuple):
    """From `spend_fen` on: `save_fen` off, or `save_percent` of the amount."""

    spend_fen: int
    save_fen: int = 0
    save_percent: int = 0


class SpendSaving(NamedTuple):
    """What a reached tier gives: its number from 1 (0: none), how often, and how much (not yet cut to the amount)."""

    tier: int
    times: int
    saving_fen: int


class SpendSaveTiers(NamedTuple):
    """Stage 3. Only the highest reached tier counts, once, unless `repeat`. 230.00 with (100, 20), (200, 50): 50.00 off."""

    tiers: tuple[SpendTier, ...]
    repeat: bool = False

    def saving(self, measured_fen: int, amount_fen: int, rounding: str) -> SpendSaving:
        """`measured_fen` is held against the tiers; percentages are of `amount_fen`."""
        best = SpendSaving(0, 0, 0)
        for number, tier in enumerate(self.tiers, 1):
            if measured_fen >= tier.spend_fen:
                times = measured_fen // tier.spend_fen if self.repeat else 1
                percent_fen = off_fen(amount_fen, tier.save_percent, rounding) if tier.save_percent else 0
                best = SpendSaving(number, times, times * tier.save_fen + percent_fen)
        return best

    def next_spend_fen(self, measured_fen: int) -> int | None:
        """The next amount at which the saving grows: 99.00 with 满100减20 gives 100.00."""
        above = [tier.spend_fen for tier in self.tiers if tier.spend_fen > measured_fen]
        if self.repeat:
            above += [(measured_fen // tier.spend_fen + 1) * tier.spend_fen for tier in self.tiers]
        return min(above) if above else None
