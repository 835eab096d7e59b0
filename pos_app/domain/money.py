"""Money in whole fen (1/100 yuan): rounding by name, tax, sharing, parsing, printing.

No float ever enters or leaves. Every division says how it rounds.
"""

import re
from collections.abc import Sequence

AMOUNT = re.compile(r"(-?)(\d{1,3}(?:,\d{3})+|\d*)(?:\.(\d*))?", re.ASCII)
YUAN_DIGITS_MAX = 12


def is_digits(text: str) -> bool:
    """Whether a text is digits 0-9 and nothing else; `str.isdigit` would take superscripts for digits."""
    return text.isascii() and text.isdigit()


class BadAmount(ValueError):
    """A text that is not an amount of yuan; `reason` is `empty`, `not_a_number` or `decimals`."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(f"{reason}: {text!r}")
        self.reason = reason


def divide_half_up(numerator: int, denominator: int) -> int:
    """Quotient rounded to the nearest whole, halves away from zero. `divide_half_up(5, 2) == 3`."""
    if denominator <= 0:
        raise ValueError("denominator must be positive")
    quotient, remainder = divmod(abs(numerator), denominator)
    quotient += 2 * remainder >= denominator
    return quotient if numerator >= 0 else -quotient


def weighed_amount_fen(price_fen_per_kg: int, weight_g: int) -> int:
    """Price of a weighed good, half up. 9.90 a kg, 846 g: `weighed_amount_fen(990, 846) == 838`."""
    return divide_half_up(price_fen_per_kg * weight_g, 1000)


def tax_included_fen(gross_fen: int, rate_bp: int) -> int:
    """The VAT inside a VAT-included amount, half up. 113.00 at 13 %: `tax_included_fen(11300, 1300) == 1300`."""
    return divide_half_up(gross_fen * rate_bp, 10_000 + rate_bp)


def cash_rounding_fen(due_fen: int, step_fen: int) -> int:
    """What cash rounding adds to the amount due: zero or negative, never in the shop's favour.

    China profile, step 10: 70.83 is paid as 70.80, so `cash_rounding_fen(7083, 10) == -3`.
    A refund rounds towards the shopper too: `cash_rounding_fen(-7083, 10) == -7`.
    """
    if step_fen < 1:
        raise ValueError("step_fen must be at least 1")
    return -(due_fen % step_fen)


def share_fen(amount_fen: int, weights: Sequence[int]) -> list[int]:
    """Shares of an amount by largest remainder; they always sum to it. Equal fractions: the earlier first.

    `share_fen(100, [1, 1, 1]) == [34, 33, 33]`. With no weight at all the first share takes everything.
    """
    if not weights:
        raise ValueError("nothing to share over")
    total = sum(weights)
    if total <= 0:
        return [amount_fen, *[0] * (len(weights) - 1)]
    sign, rest = (1, amount_fen) if amount_fen >= 0 else (-1, -amount_fen)
    shares = [rest * weight // total for weight in weights]
    if left := rest - sum(shares):
        fractions = [rest * weight % total for weight in weights]
        for i in sorted(range(len(weights)), key=fractions.__getitem__, reverse=True)[:left]:
            shares[i] += 1
    return shares if sign == 1 else [-share for share in shares]


def parse_yuan(text: str) -> int:
    """Fen from a text in yuan: `parse_yuan("12.5") == 1250`. More than two decimals are refused, not rounded;

    commas only where they mark thousands, so that `12,50` is no amount.
    """
    cleaned = text.strip().lstrip("¥￥").strip()
    if not cleaned:
        raise BadAmount("empty", text)
    found = AMOUNT.fullmatch(cleaned)
    if found is None or not (found[2] or found[3]):
        raise BadAmount("not_a_number", text)
    whole, decimals = found[2].replace(",", ""), (found[3] or "").rstrip("0")
    if len(whole) > YUAN_DIGITS_MAX:
        raise BadAmount("not_a_number", text)
    if len(decimals) > 2:
        raise BadAmount("decimals", text)
    fen = int(whole or "0") * 100 + int(decimals.ljust(2, "0"))
    return -fen if found[1] else fen


def format_yuan(amount_fen: int) -> str:
    """Yuan with two decimals and thousands marks: `format_yuan(-123456) == "-1,234.56"`."""
    sign = "-" if amount_fen < 0 else ""
    whole, fen = divmod(abs(amount_fen), 100)
    return f"{sign}{whole:,}.{fen:02d}"


def format_weight(weight_g: int) -> str:
    """Kilograms with three decimals: `format_weight(846) == "0.846"`."""
    return f"{weight_g // 1000}.{weight_g % 1000:03d}"
