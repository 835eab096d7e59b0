"""A good as the catalogue knows it, and what may be done with it: flags are data."""

from enum import StrEnum
from typing import NamedTuple


class Restricted(StrEnum):
    """Classes of goods with rules of their own. NONE is the empty text, so that it stores as nothing."""

    NONE = ""
    TOBACCO = "tobacco"  # never at self-checkout, online, in promotions or for points
    ALCOHOL = "alcohol"  # proof of age
    BAG = "bag"  # carrier bag: a line of its own, never discounted or given


class Item(NamedTuple):
    """One row of the catalogue, as it stood when it was scanned. Prices include VAT; per kg where `weighed`."""

    sku: str
    name: str
    price_fen: int
    name_en: str = ""
    unit: str = ""
    category: str = ""
    member_price_fen: int | None = None
    promo_price_fen: int | None = None
    tax_code: str = "S13"
    tax_bp: int = 1300
    weighed: bool = False
    ask_price: bool = False
    restricted: str = Restricted.NONE
    earns_points: bool = True
    discount_allowed: bool = True
    price_override_allowed: bool = True
    stop_sale: bool = False


ADULT_ONLY = frozenset({Restricted.ALCOHOL, Restricted.TOBACCO})
NEVER_AT_SELF_CHECKOUT = frozenset({Restricted.TOBACCO})
NEVER_DISCOUNTED = frozenset({Restricted.TOBACCO, Restricted.BAG})


def may_be_discounted(item: Item) -> bool:
    """Whether any price below list may apply: the flag of the good and the rule of its class."""
    return item.discount_allowed and item.restricted not in NEVER_DISCOUNTED
