"""Check digits, and the shop's own codes with a weight or an amount inside.

Sources: GS1 General Specifications 7.9 (check digit); 4, "restricted circulation numbers" (prefixes 02, 04, 20-29).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.money import weighed_amount_fen

GTIN_LENGTHS = frozenset({8, 12, 13, 14})
IN_STORE_PREFIXES = ("02", "04", *(str(n) for n in range(20, 30)))


def check_digit(body: str) -> int:
    """GS1 check digit of the digits before it: weights 3, 1, 3 … from the right. `check_digit("690123456789") == 2`."""
    total = sum(int(digit) * (3 if i % 2 == 0 else 1) for i, digit in enumerate(reversed(body)))
    return -total % 10


def looks_like_gtin(code: str) -> bool:
    """Whether a code has the length and alphabet of a GTIN-8, -12, -13 or -14."""
    return len(code) in GTIN_LENGTHS and code.isascii() and code.isdigit()


def has_right_check_digit(code: str) -> bool:
    """Whether a GTIN's last digit is right. False for anything that is no GTIN."""
    return looks_like_gtin(code) and check_digit(code[:-1]) == int(code[-1])


def is_payment_code(code: str) -> bool:
    """Whether a code has the shape of a wallet's payment code: WeChat 18 digits 10-15, Alipay 16-24 digits 25-30."""
    if not (code.isascii() and code.isdigit()):
        return False
    prefix = int(code[:2] or 0)
    return (len(code) == 18 and 10 <= prefix <= 15) or (16 <= len(code) <= 24 and 25 <= prefix <= 30)


@dataclass(frozen=True, slots=True)
class InStoreRule:
    """One row of the shop's table of in-store codes.

    `pattern` has one letter a digit: literal digits must match; I item, W weight in g, A amount in fen, C check digit over
    all digits before it, X ignored. `"22IIIIIWWWWWC"`: 22, five item digits, grams, check digit.
    """

    pattern: str
    name: str = ""

    def fits(self, code: str) -> bool:
        if len(code) != len(self.pattern):
            return False
        literal = all(p == c for p, c in zip(self.pattern, code, strict=True) if p.isdigit())
        return literal and (not self.pattern.endswith("C") or check_digit(code[:-1]) == int(code[-1]))

    def digits(self, code: str, letter: str) -> str:
        return "".join(c for p, c in zip(self.pattern, code, strict=True) if p == letter)


@dataclass(frozen=True, slots=True)
class InStoreCode:
    """What an in-store code says: the item's own code, and the label's weight and amount where it carries them."""

    item_code: str
    weight_g: int | None
    amount_fen: int | None


def read_in_store_code(code: str, rules: Sequence[InStoreRule]) -> InStoreCode | Refusal | None:
    """The meaning of a code under the shop's table; None when no row fits, POS-2106 when two do (never a guess)."""
    if not (code.isascii() and code.isdigit() and code.startswith(IN_STORE_PREFIXES)):
        return None
    found = [rule for rule in rules if rule.fits(code)]
    if not found:
        return None
    if len(found) > 1:
        return refuse("POS-2106", code=code)
    weight, amount = (found[0].digits(code, letter) for letter in "WA")
    return InStoreCode(found[0].digits(code, "I"), int(weight) if weight else None, int(amount) if amount else None)


def label_agrees(price_fen_per_kg: int, weight_g: int, amount_fen: int) -> bool:
    """Whether a label's amount is its weight times today's price, within 2 fen or 1 %: scales truncate in many ways."""
    expected_fen = weighed_amount_fen(price_fen_per_kg, weight_g)
    return abs(expected_fen - amount_fen) <= max(2, expected_fen // 100)
