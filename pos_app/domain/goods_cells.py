"""What single cells of a goods file mean: prices, quantities, flags, numbers that look like barcodes. No guesses."""

import re
import unicodedata

from pos_app.domain.codes import has_right_check_digit
from pos_app.domain.money import BadAmount, divide_half_up

YES = frozenset({"1", "true", "yes", "y", "t", "是", "√", "计重", "称重", "散称"})
NO = frozenset({"0", "false", "no", "n", "f", "否", "×", "普通", "计件", "计数"})
CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), " ")
AMOUNT = re.compile(r"[¥￥]?\s*([0-9]{1,9}|[0-9]{1,3}(?:,[0-9]{3}){1,2})?(?:\.([0-9]{0,20}))?\s*元?")
QUANTITY = re.compile(r"(-?)([0-9]{1,9}|[0-9]{1,3}(?:,[0-9]{3}){1,2})(?:\.([0-9]{0,9}))?")
SPOILT_BY_A_SHEET = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]+|[0-9]{7,}\.[0-9]*")


def plain_text(text: str) -> str:
    """A text without outer blanks; control characters (a name may reach a printer) become blanks."""
    return text.translate(CONTROLS).strip()


def half_width(text: str) -> str:
    """A code in the characters that scanners send: `half_width("６９０") == "690"`."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def read_flag(text: str) -> bool | None:
    """Yes or no, in the words of tills; None for any other word. `read_flag("计重")` is True."""
    word = half_width(text).casefold()
    return word in YES if word in YES or word in NO else None


def has_wrong_number(code: str) -> bool:
    """Whether a code looks like a barcode but cannot be a right one.

    12 digits or more must be a GTIN with its check digit. Fewer are the shop's own, but for 8 digits that begin with 3-9: those
    beginning with 0, 1 or 2 are in-store numbers or a UPC-E, whose check digit is made another way (GS1 General Specifications,
    RCN-8 and UPC-E). `6.90123E+12` is what a spreadsheet makes of a barcode.
    """
    if not (code.isascii() and code.isdigit()):
        return bool(SPOILT_BY_A_SHEET.fullmatch(code))
    has_its_length = len(code) >= 12 or (len(code) == 8 and code[0] > "2")
    return has_its_length and not has_right_check_digit(code)


def read_price(text: str) -> tuple[int | None, bool]:
    """(fen, whether exact) of a price in yuan, rounded half up; (None, True) of an empty text.

    `read_price("12.5") == (1250, True)`, `read_price("3.335") == (334, False)`. Raises BadAmount for anything else: signs,
    exponents, a comma that marks no thousands (`12,50` might be either).
    """
    if not text:
        return None, True
    match = AMOUNT.fullmatch(half_width(text))
    if match is None or (match[1] is None and not match[2]):
        raise BadAmount("not_a_number", text)
    whole, decimals = (match[1] or "0").replace(",", ""), (match[2] or "").rstrip("0")
    return divide_half_up(int(whole + decimals) * 100, 10 ** len(decimals)), len(decimals) <= 2


def read_stock(text: str, is_weighed: bool) -> int | None:
    """Units, or grams of a weighed good whose stock is given in kg; None where the text is no such quantity."""
    match = QUANTITY.fullmatch(half_width(text))
    if match is None:
        return None
    sign, whole, decimals = -1 if match[1] else 1, match[2].replace(",", ""), (match[3] or "").rstrip("0")
    if is_weighed:
        return sign * divide_half_up(int(whole + decimals) * 1000, 10 ** len(decimals))
    return None if decimals else sign * int(whole)
