"""Which column of a goods file is which of ours: headers as shops and tills write them, and the map a person gives."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from pos_app.domain.errors import BadInput
from pos_app.domain.goods_rows import COLUMNS

# The first that is found wins, in this order of columns: 货号 is the code where there is no 条码, else the shop's own number.
ALIASES: dict[str, tuple[str, ...]] = {
    "codes": (
        "codes", "barcodes", "barcode", "bar_code", "条码", "条形码", "商品条码", "国际条码", "ean", "ean13", "gtin", "upc",
        "code", "货号", "商品货号", "商品编码", "商品编号", "sku",
    ),
    "sku": ("sku", "商品编码", "商品编号", "编码", "货号", "商品货号"),
    "name_zh": ("name_zh", "name", "品名", "名称", "商品名称", "商品名", "product_name"),
    "name_en": ("name_en", "英文名", "英文名称"),
    "pinyin": ("pinyin", "pinyin_initials", "助记码", "拼音码", "拼音"),
    "category": ("category", "类别", "分类", "品类", "商品类别", "商品分类", "类别名称", "category_path_ru", "category_name"),
    "unit": ("unit", "单位", "计量单位", "销售单位"),
    "price_yuan": (
        "price_yuan", "price", "retail_price", "retail_price_cny", "price_cny", "price_cny_synthetic", "零售价", "售价",
        "销售价", "标价", "单价",
    ),
    "member_price_yuan": ("member_price_yuan", "member_price", "member_price_cny", "会员价"),
    "promo_price_yuan": ("promo_price_yuan", "promo_price", "promo_price_cny", "促销价", "特价"),
    "cost_yuan": ("cost_yuan", "cost", "cost_price", "cost_price_cny", "进货价", "进价", "成本价", "成本"),
    "tax_code": ("tax_code", "税码"),
    "weighed": ("weighed", "is_weighed", "计价方式", "是否称重", "称重"),
    "ask_price": ("ask_price", "是否问价"),
    "restricted": ("restricted", "限制类别", "限售类别"),
    "earns_points": ("earns_points", "是否积分"),
    "discount_allowed": ("discount_allowed", "允许折扣", "是否允许折扣"),
    "price_override_allowed": ("price_override_allowed", "前台议价", "是否前台议价"),
    "stop_sale": ("stop_sale", "停售", "是否停售"),
    "stock": ("stock", "库存", "库存数量", "现有库存"),
}  # fmt: skip
MANDATORY = (("codes",), ("name_zh", "name_en"))
FOUND_LENGTH_MAX = 300


def check_map(column_map: Mapping[str, str]) -> None:
    """Raises BadInput POS-5005 when a map names a column that is not one of ours."""
    unknown = sorted(set(column_map) - set(COLUMNS))
    if unknown:
        raise BadInput("POS-5005", detail=f"--map {', '.join(unknown)}? ({', '.join(COLUMNS)})")


def place_columns(header: Sequence[str], column_map: Mapping[str, str]) -> dict[str, int]:
    """Our column -> its place in the header; the map first, then the aliases, no place twice.

    Raises BadInput POS-5003 when a mapped column, the code or the name is not there.
    """
    names = [plain_header(text) for text in header]
    places = {ours: names.index(plain_header(theirs)) for ours, theirs in _present(column_map, names, header)}
    for ours, aliases in ALIASES.items():
        if ours not in places:
            found = next((names.index(alias) for alias in aliases if alias in names), None)
            if found is not None and found not in places.values():
                places[ours] = found
    missing = [either[0] for either in MANDATORY if places.keys().isdisjoint(either)]
    if missing:
        raise _missing(missing, header)
    return places


def plain_header(text: str) -> str:
    """A header as it is compared: half-width, lower case, without a unit in brackets. `零售价（元）` is `零售价`."""
    text = re.sub(r"\(.*?\)$", "", unicodedata.normalize("NFKC", text).strip().casefold())
    return re.sub(r"[\s_-]+", "_", text.strip())


def _present(column_map: Mapping[str, str], names: Sequence[str], header: Sequence[str]) -> list[tuple[str, str]]:
    missing = [theirs for theirs in column_map.values() if plain_header(theirs) not in names]
    if missing:
        raise _missing(missing, header)
    return list(column_map.items())


def _missing(missing: Sequence[str], header: Sequence[str]) -> BadInput:
    return BadInput("POS-5003", missing=", ".join(missing), found=", ".join(header)[:FOUND_LENGTH_MAX])
