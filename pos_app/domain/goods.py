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


class Prices(NamedTuple):
    """The three prices of a good, per unit or per kg."""

    price_fen: int
    promo_price_fen: int | None = None
    member_price_fen: int | None = None

    def lower(self, other: "Prices") -> "Prices":
        """Price by price the lower one: (3.50, -, 3.20) and (3.80, 3.00, -) give (3.50, 3.00, 3.20)."""
        pairs = zip(self, other, strict=True)
        price_fen, promo_fen, member_fen = (min((fen for fen in pair if fen is not None), default=None) for pair in pairs)
        return Prices(price_fen or 0, promo_fen, member_fen)

    @property
    def public_fen(self) -> int:
        """What anybody pays."""
        return self.price_fen if self.promo_price_fen is None else min(self.price_fen, self.promo_price_fen)


def prices_of(item: Item) -> Prices:
    return Prices(item.price_fen, item.promo_price_fen, item.member_price_fen)


ADULT_ONLY = frozenset({Restricted.ALCOHOL, Restricted.TOBACCO})
NEVER_AT_SELF_CHECKOUT = frozenset({Restricted.TOBACCO})
NEVER_DISCOUNTED = frozenset({Restricted.TOBACCO, Restricted.BAG})


def may_be_discounted(item: Item) -> bool:
    """Whether any price below list may apply: the flag of the good and the rule of its class."""
    return item.discount_allowed and (not item.restricted or item.restricted not in NEVER_DISCOUNTED)
