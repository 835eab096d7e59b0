"""What HQ reads of payloads: only the fields that its tables need, checked and decoded in one go.

A payload that does not fit is a broken event and goes to the quarantine. Bounds keep a hostile number or text from ever
reaching a sum or an index of the database.
"""

from functools import cache
from typing import Annotated, TypeVar, cast

from msgspec import UNSET, DecodeError, Meta, Struct, UnsetType
from msgspec.json import Decoder

from pos_app.domain.coupons import USES
from pos_app.domain.events import Header

NUMBER_MAX = 1 << 40  # eleven billion yuan: millions of such numbers still add up within 64 bits
POINTS_MAX = 1 << 28  # points are added up across shops: no till's own numbers may bring that sum near 64 bits
Number = Annotated[int, Meta(ge=-NUMBER_MAX, le=NUMBER_MAX)]
Text = Annotated[str, Meta(max_length=200)]
NAME_MAX, DATE_LENGTH = 200, 10
T = TypeVar("T")
Some = Annotated[list[T], Meta(max_length=4_095)]  # as many as the till's own tables take of one event


class BrokenBody(Exception):
    """A payload or header that HQ cannot make rows of."""


class Line(Struct):
    """A line of a sale; goods in units, or in grams where they were weighed."""

    sku: Text
    quantity: Number
    list_fen: Number
    net_fen: Number
    weight_g: Number | UnsetType = UNSET

    @property
    def goods(self) -> int:
        return self.quantity if self.weight_g is UNSET else self.weight_g


class Paid(Struct):
    kind: Text
    amount_fen: Number
    tendered_fen: Number
    change_fen: Number = 0


class Tax(Struct):
    tax_code: Text
    rate_bp: Number
    net_fen: Number
    tax_fen: Number


class Offer(Struct):
    stage: Number
    promotion: Text
    saving_fen: Number
    times: Number = 1


class Given(Struct):
    """A gift, given or brought back."""

    sku: Text
    quantity: Number


class Points(Struct):
    lot: Text
    points: Annotated[int, Meta(ge=-POINTS_MAX, le=POINTS_MAX)]
    rule: Text = ""
    expires: Text = ""


class Issued(Struct):
    code: Text
    promotion: Text
    uses: Annotated[int, Meta(ge=1, le=max(USES.values()))] = 1  # more would hide that another shop's is overused


class Sale(Struct):
    number: Text
    shift_no: Number
    staff: Text
    lines: Some[Line]
    list_fen: Number
    discount_fen: Number
    total_fen: Number
    rounding_fen: Number
    item_count: Number
    taxes: Some[Tax]
    tenders: Some[Paid]
    customer: Text = ""
    offers: Some[Offer] = []
    gifts: Some[Given] = []
    coupons: Some[Text] = []
    issued: Some[Issued] = []
    points: Some[Points] = []
    punches: Some[Points] = []


class ReturnedLine(Struct):
    sku: Text
    units: Number
    refund_fen: Number
    weight_g: Number | UnsetType = UNSET
    to_waste: bool = False

    @property
    def goods(self) -> int:
        return self.units if self.weight_g is UNSET else self.weight_g


class Refund(Struct):
    kind: Text
    amount_fen: Number


class Return(Struct):
    number: Text
    shift_no: Number
    staff: Text
    sale_number: Text
    lines: Some[ReturnedLine]
    goods_fen: Number
    withheld_fen: Number
    rounding_fen: Number
    taxes: Some[Tax]
    refunds: Some[Refund]
    repriced_fen: Number = 0
    customer: Text = ""
    gifts: Some[Given] = []
    coupons: Some[Text] = []
    points: Some[Points] = []
    punches: Some[Points] = []


class Cancelled(Struct):
    number: Text
    shift_no: Number
    staff: Text
    total_fen: Number


class Moved(Struct):
    moves: Some[Given]


class PointsMoved(Struct):
    alias: Text
    moves: Some[Points]


class Claimed(Struct):
    code: Text
    promotion: Text


class Voided(Struct):
    code: Text


class Allowance(Struct):
    promotion: Text
    quantity: Number


class Closed(Struct):
    shift_no: Number
    staff: Text
    sales: Number
    total_fen: Number
    rounding_fen: Number
    counted_fen: Number
    expected_fen: Number
    difference_fen: Number
    returns: Number = 0
    refunded_fen: Number = 0


class Resolved(Struct):
    uid: Text
    how: Text
    staff: Text = ""


B = TypeVar("B", bound=Struct)


def read(cls: type[B], payload: bytes) -> B:
    """A payload's body. BrokenBody says what is wrong and where: "Expected `int`, got `str` - at `$.total_fen`"."""
    if b"\\u0000" in payload:  # no database holds a text with it
        raise BrokenBody("a text holds NUL")
    try:
        return cast(B, _decoder(cls).decode(payload))
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenBody(str(error)[:200]) from error


@cache
def _decoder(cls: type[B]) -> Decoder[B]:
    return Decoder(cls)


def check_header(header: Header) -> None:
    """BrokenBody when lane or business date cannot be a key."""
    if len(header.lane) > NAME_MAX or "\0" in header.lane:
        raise BrokenBody("lane is not a name")
    date = header.business_date
    if date and not (len(date) == DATE_LENGTH and date.replace("-", "0").isascii() and date.replace("-", "0").isdigit()):
        raise BrokenBody("business date is not YYYY-MM-DD")
