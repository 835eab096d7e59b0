"""What a lane is told (intents, replies) and what it asks for (effects).

Named tuples: there are forty of them, and a dataclass takes seven times as long to make at every start of a lane.
"""

from typing import NamedTuple

from pos_app.domain.basket import AddCode, AttachMember, Basket, Op
from pos_app.domain.codes import InStoreCode
from pos_app.domain.errors import Refusal
from pos_app.domain.events import Refund
from pos_app.domain.goods import Item
from pos_app.domain.lane.return_intents import (
    CommitReturn,
    FindNoReceipt,
    FindReceipt,
    NoReceiptFound,
    PlanReturn,
    QueuedFound,
    ReceiptFound,
    ReceiptsFound,
    RefundDone,
    ReturnDone,
    ReturnPlanned,
    ReturnRefused,
    SettleRefund,
)
from pos_app.domain.pricing.model import Package
from pos_app.domain.shift import Report
from pos_app.domain.tender import Tender

# ------------------------------------------------------------------ intents: from people and scanners


class Scan(NamedTuple):
    """A whole code from a scanner."""

    code: str


class CutScan(NamedTuple):
    """A scanner's run that stopped in the middle: a visible rejection, never a guess."""

    text: str


class Char(NamedTuple):
    """A character typed by a person; `action` is what the key means where no text is being typed."""

    char: str
    action: str = ""


class Press(NamedTuple):
    """A key or a touched button, by the name of its action."""

    action: str


class Tick(NamedTuple):
    """Time went by. The only way a lane learns the time. `at_rest`: nothing else waits, so this is the moment for slower work."""

    now_ms: int
    at_rest: bool = False


# ------------------------------------------------------------------ replies: from the runner


class ItemFound(NamedTuple):
    code: str
    purpose: str
    item: Item
    in_store: InStoreCode | None = None
    on_hand: int | None = None


class CodeRefused(NamedTuple):
    code: str
    purpose: str
    refusal: Refusal


class BadgeSeen(NamedTuple):
    staff: str


class Failed(NamedTuple):
    """Something the lane asked for was refused; what was committed before is safe."""

    refusal: Refusal


class NumberReady(NamedTuple):
    series_no: int
    counter: int


class SaleDone(NamedTuple):
    """The sale is committed. Only after this may anything say "paid". `tier` was reached with it, its gift waits."""

    number: str
    total_fen: int
    tenders: tuple[Tender, ...]
    item_count: int
    tier: str = ""
    gift_sku: str = ""
    gift: Item | None = None
    refunds: tuple[Refund, ...] = ()  # of goods that were exchanged for this basket: what went beyond its total


class CancelDone(NamedTuple):
    number: str


class HoldDone(NamedTuple):
    label: str


class HeldRow(NamedTuple):
    draft_id: int
    uid: bytes
    label: str
    lane: str
    since_ms: int
    lines: int
    total_fen: int


class HeldRows(NamedTuple):
    rows: tuple[HeldRow, ...]


class RecallDone(NamedTuple):
    basket: Basket


class Found(NamedTuple):
    """Search results for a text; late ones (another text by now) are dropped."""

    text: str
    items: tuple[Item, ...]


class PinChecked(NamedTuple):
    """None when number or PIN is wrong."""

    purpose: str
    staff: str | None
    name: str = ""
    role: str = ""


class ShiftReady(NamedTuple):
    shift_no: int
    float_fen: int


class ReportReady(NamedTuple):
    purpose: str  # x | close | closed
    report: Report


class PackageChanged(NamedTuple):
    """Another price package holds from now on; `items` are the goods in the basket and the bags as the catalogue has them."""

    package: Package
    items: tuple[Item, ...] = ()


class NoSaleDone(NamedTuple):
    pass


class CopyQueued(NamedTuple):
    number: str


class Usual(NamedTuple):
    """A good that a member often buys: what is there, what one costs today, and an offer that is open for it."""

    item: Item
    on_hand: int
    price_fen: int
    promotion: str = ""


class MemberFound(NamedTuple):
    """A member by phone or card; `usual` only for those who agreed to be shown it."""

    attach: AttachMember
    usual: tuple[Usual, ...] = ()


class CouponFound(NamedTuple):
    """A coupon that counts now."""

    op: AddCode


class OfferRefused(NamedTuple):
    """A member or coupon that was asked for and cannot be had; the basket is as it was."""

    refusal: Refusal


class OffersChanged(NamedTuple):
    """A sale was not made because a coupon was spent or points moved meanwhile: `ops` take them out, and the sale goes on."""

    refusal: Refusal
    ops: tuple[Op, ...]


Intent = Scan | CutScan | Char | Press | Tick
Reply = (
    ItemFound | CodeRefused | BadgeSeen | Failed | NumberReady | SaleDone | CancelDone | HoldDone | HeldRows | RecallDone
    | Found | PinChecked | ShiftReady | ReportReady | NoSaleDone | CopyQueued | MemberFound | CouponFound | OfferRefused
    | OffersChanged | PackageChanged | ReceiptFound | ReceiptsFound | ReturnRefused | NoReceiptFound | ReturnPlanned | ReturnDone
    | QueuedFound | RefundDone
)  # fmt: skip

# ------------------------------------------------------------------ effects


class LookUp(NamedTuple):
    code: str
    purpose: str = "sell"


class LookUpSku(NamedTuple):
    """A good picked from a list instead of scanned."""

    sku: str
    purpose: str = "sell"


class SaveOp(NamedTuple):
    """Make an operation durable before its result is painted."""

    op: Op


class TakeReceiptNumber(NamedTuple):
    pass


class CommitSale(NamedTuple):
    tenders: tuple[Tender, ...]


class CancelSale(NamedTuple):
    reason: str
    approver: str


class HoldBasket(NamedTuple):
    label: str


class ListHeld(NamedTuple):
    pass


class RecallBasket(NamedTuple):
    """By id and uid: an id may stand for another basket by now."""

    draft_id: int
    uid: bytes


class SearchGoods(NamedTuple):
    text: str


class FindMember(NamedTuple):
    """A member by phone number: attached so, a member earns and does not spend."""

    phone: str

    def __repr__(self) -> str:
        return f"FindMember(phone='…{self.phone[-4:]}')"


class CheckCoupon(NamedTuple):
    """A coupon's code that was typed."""

    code: str


class CheckPin(NamedTuple):
    purpose: str
    staff: str
    pin: str

    def __repr__(self) -> str:
        return f"CheckPin(purpose={self.purpose!r}, staff={self.staff!r}, pin='…')"


class OpenShift(NamedTuple):
    float_fen: int


class MakeReport(NamedTuple):
    purpose: str


class CloseShift(NamedTuple):
    counts: tuple[tuple[int, int], ...]
    reason: str


class RecordNoSale(NamedTuple):
    reason: str
    approver: str


class PrintCopy(NamedTuple):
    pass


class PrintReport(NamedTuple):
    purpose: str


class PulseDrawer(NamedTuple):
    why: str


class PrintWaiting(NamedTuple):
    """Send what the spool holds; a failure shows in the status bar and is tried again."""


class Beep(NamedTuple):
    """done: one short; refused: three quick; look: two pairs."""

    kind: str


Effect = (
    LookUp | LookUpSku | SaveOp | TakeReceiptNumber | CommitSale | CancelSale | HoldBasket | ListHeld | RecallBasket
    | SearchGoods | CheckPin | OpenShift | MakeReport | CloseShift | RecordNoSale | PrintCopy | PrintReport | PulseDrawer
    | PrintWaiting | Beep | FindMember | CheckCoupon
    | FindReceipt | FindNoReceipt | PlanReturn | CommitReturn | SettleRefund
)  # fmt: skip
