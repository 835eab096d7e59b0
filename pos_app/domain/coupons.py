"""Coupon codes: made from the receipt number of the sale that gives them, signed, read and judged without a network.

    Q 01 7K2Q AAAD3 AA AHG N5RQXA 8     prefix, lane, series, counter, which and how often, last day, signature, check

Lane, series and counter are those of the receipt: no two lanes, and no two copies of a store file, ever share one, so two
lanes that are cut off never issue the same code. The signature says that the code is the chain's, and which coupon
promotion it opens; the check character (ISO 7064 mod 37, 36) catches a mistyped one before anything is looked up.
"""

import datetime
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import NamedTuple

from pos_app.domain.errors import Refusal, refuse

PREFIX = "Q"
HQ_LANE = "HQ"  # codes that HQ sends out itself: posters, letters
CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SHAPE = re.compile(r"Q(?P<lane>[0-9A-Z]{1,6})(?P<series>[A-Z2-7]{4})(?P<counter>[A-Z2-7]{5})(?P<nth>[A-Z2-7]{2})"
                   r"(?P<day>[A-Z2-7]{3})(?P<signature>[A-Z2-7]{6})(?P<check>[0-9A-Z])", re.ASCII)  # fmt: skip
LANE = re.compile(r"[0-9A-Z]{1,6}", re.ASCII)
DAY_ONE = datetime.date(2024, 1, 1).toordinal()
SIGNATURE_BITS, COUNTER_MAX, PER_SALE_MAX = 30, 32**5 - 1, 256
SIGN_DOMAIN = b"lanewise/coupon/1"
SINGLE, SHARED, POSTER = 0, 1, 2  # one use; two, by two people; each member one, after claiming it
USES = {SINGLE: 1, SHARED: 2, POSTER: 0}
ISSUED_ONLY = "#"  # a promotion whose code begins so is opened by issued codes alone, never by typing it


class CouponCode(NamedTuple):
    """What stands in a code. `body` is what is signed."""

    body: str
    lane: str
    kind: int
    expires: str
    signature: str

    @property
    def is_poster(self) -> bool:
        return self.kind == POSTER


class Issue(NamedTuple):
    """What a code is made of: the receipt's lane, series code and counter, which coupon of that sale, its kind and last day."""

    lane: str
    series: str
    counter: int
    nth: int
    expires: str
    kind: int = SINGLE


def make_code(key: bytes, shop: str, promotion: str, issue: Issue) -> str:
    """The code of one coupon, upper case, 24 characters at a lane of two."""
    if not 0 <= issue.nth < PER_SALE_MAX or not 0 < issue.counter <= COUNTER_MAX:
        raise ValueError(f"no code for coupon {issue.nth} of receipt {issue.counter}")
    day = datetime.date.fromisoformat(issue.expires).toordinal() - DAY_ONE
    nth = issue.kind * PER_SALE_MAX + issue.nth
    body = f"{PREFIX}{lane_text(issue.lane)}{issue.series}{_number(issue.counter, 5)}{_number(nth, 2)}{_number(day, 3)}"
    signed = body + sign(key, shop, promotion, body)
    return signed + check_character(signed)


def lane_text(lane: str) -> str:
    """A lane's part of a code: its name, or a hash of a name that does not fit ("front desk")."""
    if LANE.fullmatch(lane):
        return lane
    digest = hashlib.blake2b(lane.encode(), digest_size=4).digest()
    return "X" + _number(int.from_bytes(digest, "big") >> 7, 5)


def sign(key: bytes, shop: str, promotion: str, body: str) -> str:
    """Six characters of HMAC-SHA256 over shop, promotion and body: 30 bits, one guess in a thousand million is right."""
    parts = (SIGN_DOMAIN, shop.encode(), promotion.encode(), body.encode())
    message = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    digest = hmac.digest(key, message, "sha256")
    return _number(int.from_bytes(digest[:4], "big") >> (32 - SIGNATURE_BITS), 6)


def looks_like_code(text: str) -> bool:
    """Whether a scanned text is a coupon's by its shape; no barcode of goods, badge or payment code is."""
    return SHAPE.fullmatch(text.strip().upper()) is not None


def read_code(text: str) -> CouponCode | Refusal:
    """What stands in a code; a character that was mistyped is noticed here."""
    text = text.strip().upper()
    found = SHAPE.fullmatch(text)
    if found is None or check_character(text[:-1]) != text[-1]:
        return refuse("POS-2301", code=text)
    kind = _value(found["nth"]) // PER_SALE_MAX
    if kind not in USES:
        return refuse("POS-2301", code=text)
    expires = datetime.date.fromordinal(DAY_ONE + _value(found["day"])).isoformat()
    return CouponCode(text[: found.start("signature")], found["lane"], kind, expires, found["signature"])


def uses_of(text: str) -> int:
    """How often a code may be used by what stands in it; 0 for what is no code."""
    read = read_code(text)
    return 0 if isinstance(read, Refusal) else USES[read.kind]


def promotion_of(key: bytes, shop: str, code: CouponCode, promotions: Iterable[str]) -> str | None:
    """The coupon promotion that a code was signed for, of those there are; None when it is not the chain's."""
    return next((p for p in promotions if hmac.compare_digest(sign(key, shop, p, code.body), code.signature)), None)


def check_character(text: str) -> str:
    """ISO 7064 mod 37, 36: finds every single wrong character and every swap of neighbours."""
    value = 36
    for char in text:
        value = (value + CHARACTERS.index(char)) % 36 or 36
        value = value * 2 % 37
    return CHARACTERS[(1 - value) % 36]


def _number(value: int, length: int) -> str:
    text = ""
    for _ in range(length):
        value, digit = divmod(value, 32)
        text = DIGITS[digit] + text
    if value:
        raise ValueError("does not fit its place in a code")
    return text


def _value(text: str) -> int:
    value = 0
    for char in text:
        value = value * 32 + DIGITS.index(char)
    return value


# ------------------------------------------------------------------ the life of a coupon

ISSUED, CLAIMED, RESERVED, USED, VOID = "issued", "claimed", "reserved", "used", "void"


class Coupon(NamedTuple):
    """What a store knows of a code: `used_by` has one alias a use ("" for a stranger), `reserved` are uses other baskets hold.

    `holder` is the member who claimed it, or "" for whoever has it.
    """

    code: str
    promotion: str
    expires: str
    uses_max: int = 1
    holder: str = ""
    used_by: tuple[str, ...] = ()
    reserved: int = 0
    is_void: bool = False

    @property
    def state(self) -> str:
        """issued, claimed -> reserved -> used; void for ever. A released reservation is none: what it was before."""
        if self.is_void:
            return VOID
        if len(self.used_by) >= self.uses_max:
            return USED
        if len(self.used_by) + self.reserved >= self.uses_max:
            return RESERVED
        return CLAIMED if self.holder else ISSUED


def why_not_use(coupon: Coupon, alias: str, on: str) -> Refusal | None:
    """Why this shopper cannot use a coupon on a day; None when it counts. A shared one counts once for each of two people."""
    code = coupon.code
    if coupon.state == VOID:
        return refuse("POS-2305", code=code)
    if on > coupon.expires:
        return refuse("POS-2304", code=code, expires=coupon.expires)
    if coupon.state == USED or (alias and alias in coupon.used_by):
        return refuse("POS-2303", code=code)
    if coupon.state == RESERVED:
        return refuse("POS-2306", code=code)
    return refuse("POS-2309", code=code) if coupon.holder and coupon.holder != alias else None


def claimed_code(poster: str, alias: str) -> str:
    """What a member holds after claiming a poster: the poster's code under the member's alias."""
    return f"{poster}/{alias}"
