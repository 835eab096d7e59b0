"""Facts: the one vocabulary of shop, wire and HQ.

One frozen dataclass a kind. Its canonical JSON (`plain.to_json`) is the payload that is hashed, stored and later sent, byte
for byte. A kind is never changed in place: a new field has a default, a new meaning is a new schema number.
No payload holds personal data: a member is an alias, staff are staff numbers.
"""

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from pos_app.domain.goods import Prices
from pos_app.domain.pricing.model import Applied, Customer, Gift, LineShare, Raised, Stamps, TaxShare, Used
from pos_app.domain.tender import Payment, Tender

KINDS: dict[str, type["Event"]] = {}
HASH_DOMAIN = b"lanewise/journal/1"
GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Event:
    """Base of every kind; a subclass registers itself under its `kind`."""

    kind: ClassVar[str] = ""
    schema: ClassVar[int] = 1


def _register(cls: type[Event]) -> type[Event]:
    KINDS[cls.kind] = cls
    return cls


@_register
@dataclass(frozen=True, slots=True)
class EpochOpened(Event):
    """A store file begins a chain of its own: at its first start, after a restore, after a copy was found."""

    kind: ClassVar[str] = "epoch_opened"
    reason: str  # init | restore | copy | fork | heir
    store: str
    parent_epoch: str = ""
    parent_seq: int = 0
    parent_hash: str = ""


@_register
@dataclass(frozen=True, slots=True)
class SeriesOpened(Event):
    """A lane's first number in an epoch: a series is gapless, and no two epochs share one."""

    kind: ClassVar[str] = "series_opened"
    series_no: int
    lane: str
    code: str


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One line of a sale as it stood: `list_fen - discount_fen == net_fen`; `source` names the shelf price that won,

    `shares` what each promotion took off."""

    sku: str
    code: str
    name: str
    quantity: int
    unit_fen: int
    list_fen: int
    net_fen: int
    tax_code: str
    tax_bp: int
    name_en: str = ""
    weight_g: int | None = None
    source: str = "list"
    approved_by: str | None = None
    flagged: bool | None = None
    shares: tuple[LineShare, ...] | None = None
    points_rate: int | None = None  # points earned for 10,000 fen of what this line cost; None where nothing was earned

    @property
    def list_unit_fen(self) -> int:
        """What each unit costs before any saving; of a weighed line the price per kg that won."""
        return self.unit_fen if self.weight_g is not None else self.list_fen // self.quantity


@dataclass(frozen=True, slots=True)
class PointsMove:
    """Points of one member, lot by lot: above zero in, below zero out. `lot` is "sale uid:rule id" of what made the lot."""

    rule: str
    lot: str
    points: int
    expires: str = ""  # the last day the lot counts, YYYY-MM-DD


@dataclass(frozen=True, slots=True)
class IssuedCoupon:
    """A coupon given with the sale: its code, the coupon promotion it opens, the last day it counts, how often (shared: 2)."""

    code: str
    promotion: str
    expires: str
    uses: int = 1


@dataclass(frozen=True, slots=True)
class PricedGood:
    """What the price of a sale's line stood on: prices of a unit or kilogram, label, whether any price below list may apply."""

    price_fen: int
    category: str = ""
    promo_price_fen: int | None = None
    member_price_fen: int | None = None
    label_fen: int | None = None
    ask_price: bool | None = None
    discount_allowed: bool | None = None  # only False is written


@dataclass(frozen=True, slots=True)
class PricedFor:
    """What a sale's price stood on beside lines and package: moment, shopper, codes, what limited promotions had given before.

    Written where the package asks for returns that price again (`returns: reprice`). `goods` line by line.
    """

    at_ms: int
    goods: tuple[PricedGood, ...]
    shopper: Customer | None = None  # without points and stamps; None: a stranger
    codes: tuple[str, ...] | None = None
    used: tuple[tuple[str, Used], ...] | None = None


@dataclass(frozen=True, slots=True)
class VoidedLine:
    sku: str
    code: str
    quantity: int
    staff: str
    weight_g: int | None = None


@_register
@dataclass(frozen=True, slots=True)
class Sale(Event):
    """A finished sale. `total_fen` = sum of net = sum of tenders - `rounding_fen` (rounding is zero or below)."""

    kind: ClassVar[str] = "sale"
    series_no: int
    counter: int
    number: str
    lane: str
    shift_no: int
    staff: str
    lines: tuple[SaleLine, ...]
    list_fen: int
    discount_fen: int
    total_fen: int
    rounding_fen: int
    item_count: int
    taxes: tuple[TaxShare, ...]
    tenders: tuple[Tender, ...]
    package: str
    voided: tuple[VoidedLine, ...] = ()
    customer: str | None = None
    offers: tuple[Applied, ...] | None = None  # what applied, with its numbers: the trace
    gifts: tuple[Gift, ...] | None = None
    raised: tuple[Raised, ...] | None = None
    stamps: tuple[Stamps, ...] | None = None
    coupons: tuple[str, ...] | None = None  # codes used up
    issued: tuple[IssuedCoupon, ...] | None = None
    points: tuple[PointsMove, ...] | None = None
    punches: tuple[PointsMove, ...] | None = None  # stamps in and out, lot by lot; `rule` is the card
    priced_for: PricedFor | None = None


@dataclass(frozen=True, slots=True)
class ReturnedLine:
    """Units of one line of a sale that came back, the last ones first; `line` counts from 0, -1 without a receipt."""

    line: int
    sku: str
    name: str
    units: int
    refund_fen: int
    reason: str
    name_en: str = ""
    weight_g: int | None = None
    to_waste: bool | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that went back. `reference` is that of the payment it reverses, `slip` that of the reversal.

    `state` is done, or queued while the tender is cut off. `behind`: an exchange passed this payment on to the new sale.
    """

    kind: str
    amount_fen: int
    state: str = "done"
    reference: str = ""
    slip: str = ""
    behind: Payment | None = None

    @property
    def payment(self) -> Payment:
        """Where the money went, or which payment it stands for from now on."""
        return self.behind or Payment(self.kind, self.reference)


@dataclass(frozen=True, slots=True)
class GiftBack:
    """A gift that was brought back with its goods."""

    promotion: str
    sku: str
    quantity: int


@_register
@dataclass(frozen=True, slots=True)
class Return(Event):
    """Goods that came back. The refunds sum to `goods_fen - withheld_fen + rounding_fen`.

    `sale` is the uid of the sale in hex, empty without a receipt. `withheld_fen` is the value of gifts and spent coupons
    that the goods kept no longer carry; below zero when they come later. The number is of the series of the lane's sales.

    Where the sale's package prices again: `kept_fen` is what the goods kept cost alone, `repriced_fen` the part of
    `withheld_fen` that follows from it, `by_shares` why shares were refunded all the same (`domain/return_kept.py`).
    """

    kind: ClassVar[str] = "return"
    series_no: int
    counter: int
    number: str
    lane: str
    shift_no: int
    staff: str
    approver: str
    reason: str
    sale: str
    sale_number: str
    sale_series_no: int
    sale_counter: int
    lines: tuple[ReturnedLine, ...]
    goods_fen: int
    withheld_fen: int
    rounding_fen: int
    taxes: tuple[TaxShare, ...]
    refunds: tuple[Refund, ...]
    is_void: bool | None = None
    flagged: bool | None = None
    customer: str | None = None
    gifts: tuple[GiftBack, ...] | None = None
    coupons: tuple[str, ...] | None = None  # codes made void
    points: tuple[PointsMove, ...] | None = None
    punches: tuple[PointsMove, ...] | None = None
    tier_recheck: bool | None = None
    kept_fen: int | None = None
    repriced_fen: int | None = None
    by_shares: str | None = None


@_register
@dataclass(frozen=True, slots=True)
class RefundSettled(Event):
    """The queued refunds of a return were made; `slip` is the reversal's reference."""

    kind: ClassVar[str] = "refund_settled"
    series_no: int
    counter: int
    number: str
    slip: str
    staff: str


@_register
@dataclass(frozen=True, slots=True)
class NumberTaken(Event):
    """A number taken at the first attempt to pay by something that can fail; the sale or the cancel that follows keeps it."""

    kind: ClassVar[str] = "number_taken"
    series_no: int
    counter: int
    number: str
    lane: str


@_register
@dataclass(frozen=True, slots=True)
class SaleCancelled(Event):
    """A basket that was given up, under its own number, with what was in it."""

    kind: ClassVar[str] = "sale_cancelled"
    series_no: int
    counter: int
    number: str
    lane: str
    shift_no: int
    staff: str
    approver: str
    reason: str
    total_fen: int
    lines: tuple[VoidedLine, ...] = ()
    voided: tuple[VoidedLine, ...] = ()


@_register
@dataclass(frozen=True, slots=True)
class ShiftOpened(Event):
    kind: ClassVar[str] = "shift_opened"
    shift_no: int
    lane: str
    staff: str
    float_fen: int


@_register
@dataclass(frozen=True, slots=True)
class ShiftClosed(Event):
    """Close and Z. `counts` is (denomination in fen, pieces); the count was made before the expected figure was shown."""

    kind: ClassVar[str] = "shift_closed"
    shift_no: int
    lane: str
    staff: str
    counts: tuple[tuple[int, int], ...]
    counted_fen: int
    expected_fen: int
    difference_fen: int
    sales: int
    cancelled: int
    total_fen: int
    rounding_fen: int
    tenders: tuple[tuple[str, int, int], ...]
    taxes: tuple[TaxShare, ...]
    reason: str = ""
    returns: int | None = None
    refunded_fen: int | None = None
    refunds: tuple[tuple[str, int, int], ...] | None = None
    taxes_back: tuple[TaxShare, ...] | None = None


@_register
@dataclass(frozen=True, slots=True)
class DrawerOpened(Event):
    """The drawer was opened without a sale."""

    kind: ClassVar[str] = "drawer_opened"
    lane: str
    staff: str
    approver: str
    reason: str


@_register
@dataclass(frozen=True, slots=True)
class CopyPrinted(Event):
    """A receipt was printed again, marked COPY."""

    kind: ClassVar[str] = "copy_printed"
    lane: str
    staff: str
    number: str


@dataclass(frozen=True, slots=True)
class StockMove:
    """Goods in (+) or out (-): units, or grams for a weighed good."""

    sku: str
    quantity: int


@_register
@dataclass(frozen=True, slots=True)
class StockMoved(Event):
    """Stock that moved for a reason other than a sale: opening stock, delivery, waste."""

    kind: ClassVar[str] = "stock_moved"
    reason: str
    moves: tuple[StockMove, ...]


@_register
@dataclass(frozen=True, slots=True)
class GoodsImported(Event):
    """A goods file was applied to the catalogue; the catalogue itself is reference data, its files are named here."""

    kind: ClassVar[str] = "goods_imported"
    file: str
    digest: str
    rows: int
    added: int
    changed: int
    unchanged: int
    doubtful: int


@_register
@dataclass(frozen=True, slots=True)
class MemberJoined(Event):
    """A member, by alias alone: name, phone and birthday stand in a table of their own and in no event."""

    kind: ClassVar[str] = "member_joined"
    alias: str
    tier: str


@_register
@dataclass(frozen=True, slots=True)
class PointsMoved(Event):
    """Points that moved without a sale. `reason` is donate, sign_up or correction; `about` names the cause or the event."""

    kind: ClassVar[str] = "points_moved"
    alias: str
    reason: str
    moves: tuple[PointsMove, ...]
    about: str = ""
    staff: str = ""


@_register
@dataclass(frozen=True, slots=True)
class TierChanged(Event):
    """A member rose to a tier; `gift_sku` waits to be collected. The figures are those of the window."""

    kind: ClassVar[str] = "tier_changed"
    alias: str
    before: str
    tier: str
    amount_fen: int
    orders: int
    interactions: int
    gift_sku: str = ""


@_register
@dataclass(frozen=True, slots=True)
class GiftCollected(Event):
    """A gift that waited for a member was handed over."""

    kind: ClassVar[str] = "gift_collected"
    alias: str
    sku: str
    staff: str


@_register
@dataclass(frozen=True, slots=True)
class CouponClaimed(Event):
    """A member took a coupon from a poster: `code` is the poster's under the member's alias."""

    kind: ClassVar[str] = "coupon_claimed"
    alias: str
    code: str
    promotion: str
    expires: str


@_register
@dataclass(frozen=True, slots=True)
class CouponVoided(Event):
    """A coupon that no longer counts: its sale came back."""

    kind: ClassVar[str] = "coupon_voided"
    code: str
    reason: str


@_register
@dataclass(frozen=True, slots=True)
class AllowanceGiven(Event):
    """So many of a first-N offer are this lane's to give; below zero they went back to HQ."""

    kind: ClassVar[str] = "allowance_given"
    promotion: str
    lane: str
    quantity: int
    token: str | None = None  # HQ's name for it, under which it counts once


@_register
@dataclass(frozen=True, slots=True)
class PackageInstalled(Event):
    """A price package was stored; it holds from its own minute on. `key` is who signed it, empty for an unsigned one."""

    kind: ClassVar[str] = "package_installed"
    digest: str
    version: str
    valid_from_ms: int
    valid_to_ms: int | None = None
    key: str = ""
    staff: str = ""


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A good's shelf prices before and after. `waits` is True when a rise is left until its shelf tag is confirmed."""

    sku: str
    was: Prices
    now: Prices
    waits: bool | None = None


@_register
@dataclass(frozen=True, slots=True)
class PricesChanged(Event):
    """The catalogue took the prices of a package: lower ones at once."""

    kind: ClassVar[str] = "prices_changed"
    package: str
    changes: tuple[PriceChange, ...]


@_register
@dataclass(frozen=True, slots=True)
class PriceTagConfirmed(Event):
    """A shelf tag was changed, and with it the price that waited for it."""

    kind: ClassVar[str] = "price_tag_confirmed"
    package: str
    staff: str
    change: PriceChange


@_register
@dataclass(frozen=True, slots=True)
class ExceptionResolved(Event):
    """An exception that HQ showed was dealt with: `uid` is that of its event in hex, or the name of a computed one.

    `how` is corrected (a new event set it right), accepted (it stands as it is) or written_off.
    """

    kind: ClassVar[str] = "exception_resolved"
    uid: str
    how: str
    staff: str


@_register
@dataclass(frozen=True, slots=True)
class HandedOver(Event):
    """From here on the store hub alone decides on something that this file made, and this file asks it like any other.

    `what` is sale (name: its number), coupon (its code) or basket (its uid in hex; it leaves the file, `body` is all of it).
    In the chain before it stands everything that this file did to it.
    """

    kind: ClassVar[str] = "handed_over"
    what: str
    name: str
    body: str = ""


@_register
@dataclass(frozen=True, slots=True)
class BasketFetched(Event):
    """A held basket that was handed over came into this file, to be paid here; `name` is the uid it had, in hex."""

    kind: ClassVar[str] = "basket_fetched"
    name: str


@dataclass(frozen=True, slots=True)
class Header:
    """Everything an event is stored under. Clocks are carried, never used to put anything in order."""

    device: bytes
    epoch: bytes
    seq: int
    uid: bytes
    kind: str
    schema: int
    lane: str
    business_date: str
    wall_ms: int
    mono_ms: int
    boot_id: bytes
    hq_offset_ms: int


def chain_hash(previous: bytes, header: Header, payload: bytes) -> bytes:
    """blake2b-256 over domain tag, previous hash, every header field and the payload, each length-prefixed.

    The head of a chain therefore proves every byte before it.
    """
    fields = (
        previous, header.device, header.epoch, b"%d" % header.seq, header.uid, header.kind.encode(),
        b"%d" % header.schema, header.lane.encode(), header.business_date.encode(), b"%d" % header.wall_ms,
        b"%d" % header.mono_ms, header.boot_id, b"%d" % header.hq_offset_ms, payload,
    )  # fmt: skip
    prefixed = [piece for part in fields for piece in (len(part).to_bytes(4, "big"), part)]
    return hashlib.blake2b(b"".join((HASH_DOMAIN, *prefixed)), digest_size=32).digest()


def number_text(store: str, lane: str, series_code: str, counter: int) -> str:
    """The number on paper: `S001-03-7K2Q-000123`."""
    return f"{store}-{lane}-{series_code}-{counter:06d}"


def sale_is_whole(sale: Sale) -> bool:
    """Whether a sale's own sums hold: lines = total, tenders = total + rounding, each tender = given - change."""
    return (
        sum(line.net_fen for line in sale.lines) == sale.total_fen
        and sale.list_fen - sale.discount_fen == sale.total_fen
        and sum(tender.amount_fen for tender in sale.tenders) == sale.total_fen + sale.rounding_fen
        and all(tender.tendered_fen - tender.change_fen == tender.amount_fen for tender in sale.tenders)
        and all(tender.amount_fen >= 0 and tender.change_fen >= 0 for tender in sale.tenders)
        and all(0 <= line.net_fen <= line.list_fen for line in sale.lines)
        and sale.rounding_fen <= 0
        and sum(share.net_fen for share in sale.taxes) == sale.total_fen
        and sum(line.quantity for line in sale.lines) == sale.item_count
    )


def return_is_whole(back: Return) -> bool:
    """Whether a return's own sums hold: lines = goods, net of taxes = goods less what was priced again,

    refunds = goods - withheld + rounding, no refund or line negative.
    """
    refunded_fen = sum(refund.amount_fen for refund in back.refunds)
    return (
        sum(line.refund_fen for line in back.lines) == back.goods_fen
        and sum(share.net_fen for share in back.taxes) == back.goods_fen - (back.repriced_fen or 0)
        and refunded_fen == back.goods_fen - back.withheld_fen + back.rounding_fen
        and all(refund.amount_fen > 0 for refund in back.refunds)
        and all(line.refund_fen >= 0 and line.units > 0 for line in back.lines)
    )
