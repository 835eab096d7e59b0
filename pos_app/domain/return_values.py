"""The values of a return: what is asked for, what was before, what is true now, and the plan that follows."""

from collections.abc import Mapping
from typing import NamedTuple

from pos_app.domain.events import Refund, ReturnedLine, Sale
from pos_app.domain.points import Lot
from pos_app.domain.pricing.model import Package, TaxShare

Units = Mapping[int, int]  # line of the sale -> units of it that came back, the last ones first


class Term(NamedTuple):
    """What a gift, reward or punch card of a sale was given for: the lines it looks at, and what they must hold.

    `per_units` and `quantity` are the gift's, `coupon` what a reward or a full card opens, `card_stamps` a full card.
    """

    lines: tuple[int, ...]
    need_fen: int = 0
    on_list: bool = False
    per_units: int = 0
    quantity: int = 1
    coupon: str = ""
    card_stamps: int = 0


class ReturnLine(NamedTuple):
    """Units of a sale's line that a shopper brings back."""

    line: int
    units: int
    reason: str
    to_waste: bool = False


class Wanted(NamedTuple):
    """What is asked for: goods, gifts brought back (by promotion), so much to count towards a new sale, the reversal's slip.

    `cut_off` are the kinds of tender that cannot be reversed now.
    """

    lines: tuple[ReturnLine, ...]
    gifts: tuple[tuple[str, int], ...] = ()
    exchange_fen: int = 0
    slip: str = ""
    cut_off: tuple[str, ...] = ()


class Before(NamedTuple):
    """What the earlier returns of a sale did, added up. `worth_fen` is what is owed before gifts and coupons are taken off;

    `taxes` are (net, VAT) taken back by (code, rate)."""

    units: Units = {}
    owed_fen: int = 0
    refunds: tuple[Refund, ...] = ()
    gifts: Mapping[str, int] = {}
    card_stamps: Mapping[str, int] = {}  # stamps of full cards that were made undone
    worth_fen: int = 0
    taxes: Mapping[tuple[str, int], tuple[int, int]] = {}

    @property
    def refunded_fen(self) -> int:
        return sum(refund.amount_fen for refund in self.refunds)


class CouponNow(NamedTuple):
    """A coupon that the sale gave, as it is now: `is_spent` when it was used at all; `saved_fen` is what its uses saved."""

    code: str
    is_void: bool = False
    is_spent: bool = False
    is_used_up: bool = False
    saved_fen: int = 0


class Facts(NamedTuple):
    """What is not in the sale: the terms of what it gave, its coupons and the shopper's stamps now, the cash step.

    `package` is the one it was priced with, None where it is not here; asked for where that one prices again.
    """

    terms: Mapping[str, Term] = {}
    coupons: tuple[CouponNow, ...] = ()
    stamps: Mapping[str, int] = {}
    cash_step_fen: int = 10
    package: Package | None = None


class GiftDue(NamedTuple):
    """A gift that the goods kept no longer carry: how many come back now, how many are missing, what these are worth."""

    promotion: str
    sku: str
    back: int
    missing: int
    withheld_fen: int


class CardBack(NamedTuple):
    """Stamps taken back from a punch card; `undone` full cards of the sale count as stamps again."""

    card: str
    stamps: int
    undone: int = 0
    card_stamps: int = 0


class ReturnPlan(NamedTuple):
    """Everything a return will do, before it is done. The refunds sum to `goods_fen - withheld_fen + rounding_fen`.

    `kept_fen`, `repriced_fen`, `by_shares`: as in the event `Return`.
    """

    lines: tuple[ReturnedLine, ...]
    goods_fen: int
    withheld_fen: int
    rounding_fen: int
    taxes: tuple[TaxShare, ...]
    refunds: tuple[Refund, ...]
    gifts: tuple[GiftDue, ...] = ()
    coupons: tuple[str, ...] = ()  # made void
    coupons_withheld_fen: int = 0
    points_taken: int = 0
    points_given: int = 0
    cards: tuple[CardBack, ...] = ()
    tier_recheck: bool = False
    is_whole: bool = False  # nothing of the sale is kept
    units_before: int = 0  # that came back earlier: a plan is good for one return only
    kept_fen: int | None = None
    repriced_fen: int = 0
    by_shares: str = ""

    @property
    def refund_fen(self) -> int:
        return sum(refund.amount_fen for refund in self.refunds)

    def by_kind(self, kind: str) -> int:
        return sum(refund.amount_fen for refund in self.refunds if refund.kind == kind)


class Ledger(NamedTuple):
    """Where a return's points go: the sale's and the return's uids in hex, the member's lots, the day."""

    sale_uid: str
    uid: str
    lots: tuple[Lot, ...]
    on: str


NO_FACTS = Facts()


class Returnable(NamedTuple):
    """A sale that was found, with what came back of it so far. `uid` is the sale's in hex.

    `claim` is the uid for its return that the store hub let this till have; `is_elsewhere`: no sale of this store file.
    """

    uid: str
    at_ms: int
    sale: Sale
    before: Before
    claim: bytes = b""
    is_elsewhere: bool = False


class Queued(NamedTuple):
    """A return whose refund still waits for its tender."""

    series_no: int
    counter: int
    number: str
    fen: int


class ReceiptRow(NamedTuple):
    """A sale in a list to choose from."""

    number: str
    at_ms: int
    total_fen: int
    item_count: int


class NoReceiptGood(NamedTuple):
    """A good that comes back without a receipt, at the lowest price it has now: `fen` for all of it."""

    sku: str
    name: str
    name_en: str
    units: int
    fen: int
    tax_code: str
    tax_bp: int
    weight_g: int | None = None


class ReturnRequest(NamedTuple):
    """A return as it is asked for: of one receipt, or (`goods`) without any."""

    number: str
    wanted: Wanted
    reason: str
    approver: str = ""
    is_void: bool = False
    goods: tuple[NoReceiptGood, ...] = ()
    to_waste: bool = False
