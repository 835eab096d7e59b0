"""coupon_amount_off: so much off (20元无门槛券; 满100用20元券; 前100名立减30元), never below zero."""

from typing import NamedTuple


class CouponAmountOff(NamedTuple):
    """Stage 4. 20.00 off 12.00 is cut to 12.00; nothing is carried over."""

    amount_fen: int

    def saving_fen(self, amount_fen: int, rounding: str) -> int:
        return min(self.amount_fen, amount_fen)
