"""What each topic's rows say: one Struct a topic, the key beside it. HQ checks what it publishes with these, a till reads them.

A body is canonical JSON of the Struct without its key. Fields are only ever added, with a default; unknown ones are ignored.
A row that is taken away is a tombstone (no body). Topics without a Struct are kept as they came.
"""

from typing import Annotated, NamedTuple

from msgspec import Meta, Struct, field

from pos_app.domain.coupons import USES
from store_db.hq_rows import COUPON_TOKENS, POINTS_ALLOWANCES, STOP_SALES

Text = Annotated[str, Meta(max_length=200)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Fen = Annotated[int, Meta(ge=0, le=1 << 40)]
Count = Annotated[int, Meta(ge=-(1 << 40), le=1 << 40)]
Date = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Hex = Annotated[str, Meta(pattern=r"^([0-9a-f]{2})*$", max_length=128)]


class Good(Struct, frozen=True):
    """A good; prices per unit, or per kg where weighed. `codes` are all of its barcodes."""

    codes: list[Name]
    name: Name
    price_fen: Fen
    name_en: Text = ""
    pinyin: Text = ""
    unit: Text = ""
    category: Text = ""
    member_price_fen: Fen | None = None
    promo_price_fen: Fen | None = None
    cost_fen: Fen | None = None
    tax_code: Name = "S13"
    weighed: bool = False
    ask_price: bool = False
    restricted: Text = ""
    earns_points: bool = True
    discount_allowed: bool = True
    price_override_allowed: bool = True
    stop_sale: bool = False


class StopSale(Struct, frozen=True):
    """The good may not be sold, whatever else holds, as long as the row is there."""

    reason: Text = ""


class StaffMember(Struct, frozen=True):
    """One of the staff; `pin_hash` is argon2's text. Not active: revoked, from this moment on."""

    name: Name
    role: Name
    pin_hash: Name
    badge: Text = ""
    active: bool = True


class Member(Struct, frozen=True):
    """A member without personal data: `initial` is the family name's first character, `phone_hash` is under the chain's key."""

    initial: Annotated[str, Meta(max_length=1)]
    phone_hash: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
    phone_masked: Annotated[str, Meta(pattern=r"^1\d{2}\*{4}\d{4}$")]
    card: Name
    groups: list[Name] = field(default_factory=list)
    tier: Text = ""
    birth_month: Annotated[int, Meta(ge=1, le=12)] | None = None
    birth_day: Annotated[int, Meta(ge=1, le=31)] | None = None
    shows_usual: bool = False


class LaneAllowance(Struct, frozen=True):
    """So many of a first-N offer are a lane's to give; below zero: taken back. Each token counts once, for ever."""

    promotion: Name
    lane: Name
    quantity: Count


class CouponToken(Struct, frozen=True):
    """A coupon that one device may redeem alone while cut off; `holder` is the member it is for, or empty."""

    promotion: Name
    expires: Date
    device: Hex
    uses: Annotated[int, Meta(ge=1, le=max(USES.values()))] = 1
    holder: Text = ""


class PointsAllowance(Struct, frozen=True):
    """What a member may spend at single devices while they are cut off. `points`: device in hex -> points in all, ever, since

    each device has begun: a number that only grows, so that neither a lost nor a doubled row changes what is left.
    """

    points: dict[Hex, Fen]
    expires: Date


class Setting(Struct, frozen=True):
    """A setting of a shop. `phone_key`: the key (hex) under which HQ hashes the phones of members."""

    value: Annotated[str, Meta(max_length=10_000)]


class Topic(NamedTuple):
    """A topic: what its key is, and the Struct of its rows; None where they are kept as they came."""

    name: str
    key: str
    row: type[Struct] | None = None


CATALOGUE, PACKAGES, STAFF, MEMBERS = "catalogue", "packages", "staff", "members"
ALLOWANCES, SETTINGS, EXCEPTIONS, ORDERS, REVOKED = "allowances", "settings", "exceptions", "orders", "revoked"

TOPICS = {
    topic.name: topic
    for topic in (
        Topic(CATALOGUE, "sku", Good),
        Topic(PACKAGES, "version"),  # the signed file
        Topic(STOP_SALES, "sku", StopSale),
        Topic(STAFF, "staff", StaffMember),
        Topic(MEMBERS, "alias", Member),
        Topic(ALLOWANCES, "token", LaneAllowance),
        Topic(COUPON_TOKENS, "code", CouponToken),
        Topic(POINTS_ALLOWANCES, "alias", PointsAllowance),
        Topic(SETTINGS, "name", Setting),
        Topic(EXCEPTIONS, "entry"),
        Topic(ORDERS, "order"),
        Topic(REVOKED, "device"),  # for the hub of its shop: who gets nothing any more
    )
}
