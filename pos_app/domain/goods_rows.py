"""One row of a goods file, judged: the good it describes, and everything about it that a person should look at.

A doubt never stops a row, unless its reason is one of `REFUSING`: real shops sell goods with wrong check digits, without a
price and under cost. Reasons are stable keys; they are counted in reports and written to files.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pos_app.domain.goods import Restricted
from pos_app.domain.goods_cells import half_width, has_wrong_number, plain_text, read_flag, read_price, read_stock
from pos_app.domain.money import BadAmount, format_yuan

COLUMNS = (
    "sku", "codes", "name_zh", "name_en", "pinyin", "category", "unit", "price_yuan", "member_price_yuan",
    "promo_price_yuan", "cost_yuan", "tax_code", "weighed", "ask_price", "restricted", "earns_points", "discount_allowed",
    "price_override_allowed", "stop_sale", "stock",
)  # fmt: skip

NO_NAME, NO_CODE, BAD_PRICE, WRONG_COLUMNS = "no_name", "no_code", "bad_price", "wrong_columns"
DUPLICATE_CODE, CODE_MOVED, WRONG_CHECK_DIGIT = "duplicate_code", "code_moved", "wrong_check_digit"
NO_PRICE, PRICE_UNDER_COST, TOO_MANY_DECIMALS = "no_price", "price_under_cost", "too_many_decimals"
MEMBER_PRICE_ABOVE_SHELF, BAD_STOCK, BAD_FLAG = "member_price_above_shelf", "bad_stock", "bad_flag"
REFUSING = frozenset({NO_NAME, NO_CODE, BAD_PRICE, WRONG_COLUMNS, DUPLICATE_CODE})

CLASSES = {"烟": Restricted.TOBACCO, "烟草": Restricted.TOBACCO, "酒": Restricted.ALCOHOL, "购物袋": Restricted.BAG} | {
    str(restricted): restricted for restricted in Restricted
}


@dataclass(frozen=True, slots=True)
class GoodsRow:
    """A good as a file gives it. `stock`: units, or grams where weighed; None where the file says nothing."""

    sku: str
    codes: tuple[str, ...]
    name: str
    price_fen: int
    name_en: str = ""
    pinyin: str = ""
    unit: str = ""
    category: str = ""
    member_price_fen: int | None = None
    promo_price_fen: int | None = None
    cost_fen: int | None = None
    tax_code: str = "S13"
    weighed: bool = False
    ask_price: bool = False
    restricted: str = ""
    earns_points: bool = True
    discount_allowed: bool = True
    price_override_allowed: bool = True
    stop_sale: bool = False
    stock: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """The good (None where the row is refused), the code to find the row by, and reason -> what was seen."""

    row: GoodsRow | None
    code: str
    doubts: dict[str, str]


def judge_row(cells: Mapping[str, str]) -> Judged:
    """What a row means. `cells`: texts by our column names (`COLUMNS`); a column that is missing counts as empty."""
    reading = _Reading(cells)
    sku, codes = _codes(reading)
    name = reading.text("name_zh") or reading.text("name_en")
    if not codes:
        reading.doubts[NO_CODE] = name
    if not name:
        reading.doubts[NO_NAME] = codes[0] if codes else ""
    row = _goods_row(reading, sku, codes, name)
    refused = not REFUSING.isdisjoint(reading.doubts)
    return Judged(None if refused else row, codes[0] if codes else "", reading.doubts)


class _Reading:
    """The cells of one row, read one by one; collects the doubts on the way."""

    __slots__ = ("cells", "doubts")

    def __init__(self, cells: Mapping[str, str]) -> None:
        self.cells = cells
        self.doubts: dict[str, str] = {}

    def text(self, column: str) -> str:
        text = self.cells.get(column)
        return plain_text(text) if text else ""

    def price(self, column: str) -> int | None:
        text = self.text(column)
        try:
            price_fen, is_exact = read_price(text)
        except BadAmount:
            self._add(BAD_PRICE, f"{column} {text}")
            return None
        if not is_exact and price_fen is not None:
            self._add(TOO_MANY_DECIMALS, f"{column} {text} = {format_yuan(price_fen)}")
        return price_fen

    def flag(self, column: str, default: bool) -> bool:
        text = self.text(column)
        if not text:
            return default
        flag = read_flag(text)
        if flag is None:
            self._add(BAD_FLAG, f"{column} {text}")
            return default
        return flag

    def restricted(self) -> str:
        text = self.text("restricted").casefold()
        if text not in CLASSES:
            self._add(BAD_FLAG, f"restricted {text}")
        return CLASSES.get(text, Restricted.NONE).value

    def stock(self, is_weighed: bool) -> int | None:
        text = self.text("stock")
        stock = read_stock(text, is_weighed) if text else None
        if text and stock is None:
            self._add(BAD_STOCK, text)
        return stock

    def _add(self, reason: str, seen: str) -> None:
        self.doubts[reason] = f"{self.doubts[reason]}; {seen}" if reason in self.doubts else seen


def _codes(reading: _Reading) -> tuple[str, tuple[str, ...]]:
    """(sku, codes) in half-width characters; the sku is the main code where the file has none, and the other way round."""
    codes, sku = (half_width(reading.text(column)) for column in ("codes", "sku"))
    found = tuple(dict.fromkeys((codes or sku).split()))
    wrong = [code for code in found if has_wrong_number(code)]
    if wrong:
        reading.doubts[WRONG_CHECK_DIGIT] = " ".join(wrong)
    return sku or (found[0] if found else ""), found


def _goods_row(reading: _Reading, sku: str, codes: tuple[str, ...], name: str) -> GoodsRow:
    weighed = reading.flag("weighed", False)
    price_fen, member_fen, ask_price = _prices(reading)
    return GoodsRow(
        sku=sku,
        codes=codes,
        name=name,
        price_fen=price_fen,
        name_en=reading.text("name_en"),
        pinyin=reading.text("pinyin"),
        unit=reading.text("unit"),
        category=reading.text("category"),
        member_price_fen=member_fen,
        promo_price_fen=reading.price("promo_price_yuan") or None,
        cost_fen=_cost(reading, price_fen),
        tax_code=reading.text("tax_code") or "S13",
        weighed=weighed,
        ask_price=ask_price,
        restricted=reading.restricted(),
        earns_points=reading.flag("earns_points", True),
        discount_allowed=reading.flag("discount_allowed", True),
        price_override_allowed=reading.flag("price_override_allowed", True),
        stop_sale=reading.flag("stop_sale", False),
        stock=reading.stock(weighed),
    )


def _prices(reading: _Reading) -> tuple[int, int | None, bool]:
    """(shelf price, member price, whether the till asks). Without a price the till asks; a member price of 0 is none."""
    price_fen, member_fen = reading.price("price_yuan") or 0, reading.price("member_price_yuan") or None
    ask_price = reading.flag("ask_price", False)
    if price_fen == 0 and not ask_price and BAD_PRICE not in reading.doubts:
        reading.doubts[NO_PRICE] = reading.text("price_yuan")
        ask_price = True
    if member_fen is not None and member_fen > price_fen and _has_shelf_price(reading):
        reading.doubts[MEMBER_PRICE_ABOVE_SHELF] = f"{format_yuan(member_fen)} > {format_yuan(price_fen)}"
        member_fen = None
    return price_fen, member_fen, ask_price


def _cost(reading: _Reading, price_fen: int) -> int | None:
    """A cost of 0 is kept: goods that were given are bought for nothing."""
    cost_fen = reading.price("cost_yuan")
    if cost_fen is not None and price_fen < cost_fen and _has_shelf_price(reading):
        reading.doubts[PRICE_UNDER_COST] = f"{format_yuan(price_fen)} < {format_yuan(cost_fen)}"
    return cost_fen


def _has_shelf_price(reading: _Reading) -> bool:
    return "price_yuan" in reading.cells and BAD_PRICE not in reading.doubts
