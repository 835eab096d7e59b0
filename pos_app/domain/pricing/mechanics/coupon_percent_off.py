"""coupon_percent_off: so many percent off what is left (8折券), up to a limit."""

from typing import NamedTuple

from pos_app.domain.pricing.mechanics.rounding import off_fen


class CouponPercentOff(NamedTuple):
    """Stage 4. 20 percent off 180.00, at most 30.00: 30.00 off."""

    percent: int
    save_max_fen: int | None = None

    def saving_fen(self, amount_fen: int, rounding: str) -> int:
        saving = off_fen(amount_fen, self.percent, rounding)
        return saving if self.save_max_fen is None else min(saving, self.save_max_fen)
