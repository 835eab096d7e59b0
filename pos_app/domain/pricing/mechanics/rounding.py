"""Percent off: the *price that remains* is rounded, by the package's rounding mode (rule 9)."""

from functools import lru_cache

from pos_app.domain.money import divide_half_up
from pos_app.domain.pricing.model import NET_DOWN, NET_HALF_UP


def remains_fen(amount_fen: int, percent_off: int, rounding: str = NET_HALF_UP) -> int:
    """What is left of an amount. 10 % off 8.85 leaves 7.97 (half up), 7.96 (down), 7.97 (up)."""
    product = amount_fen * (100 - percent_off)
    if rounding == NET_HALF_UP:
        return divide_half_up(product, 100)
    return product // 100 if rounding == NET_DOWN else -(-product // 100)


@lru_cache(maxsize=4_096)  # a member's basket asks the same of every line, for every choice that is tried, scan after scan
def off_fen(amount_fen: int, percent_off: int, rounding: str = NET_HALF_UP) -> int:
    """What a percentage takes off an amount. Half of 59.00: 29.50."""
    return amount_fen - remains_fen(amount_fen, percent_off, rounding)
