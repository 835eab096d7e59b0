"""What a lane is told (intents, replies) and what it asks for (effects)."""

from dataclasses import dataclass

from pos_app.domain.basket import Basket, Op
from pos_app.domain.codes import InStoreCode
from pos_app.domain.errors import Refusal
from pos_app.domain.goods import Item
from pos_app.domain.shift import Report
from pos_app.domain.tender import Tender

# ------------------------------------------------------------------ intents: from people and scanners


@dataclass(frozen=True, slots=True)
class Scan:
    """A whole code from a scanner."""

    code: str


@dataclass(frozen=True, slots=True)
class CutScan:
    """A scanner's run that stopped in the middle: a visible rejection, never a guess."""

    text: str


@dataclass(frozen=True, slots=True)
class Char:
    """A character typed by a person; `action` is what the key means where no text is being typed."""

    char: str
    action: str = ""


@dataclass(frozen=True, slots=True)
class Press:
    """A key or a touched button, by the name of its action."""

    action: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by. The only way a lane learns the time."""

    now_ms: int


# ------------------------------------------------------------------ replies: from the runner


@dataclass(frozen=True, slots=True)
class ItemFound:
    code: str
    purpose: str
    item: Item
    in_store: InStoreCode | None = None
    on_hand: int | None = None


@dataclass(frozen=True, slots=True)
class CodeRefused:
    code: str
    purpose: str
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class BadgeSeen:
    staff: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Something the lane asked for was refused; what was committed before is safe."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class NumberReady:
    series_no: int
    counter: int


@dataclass(frozen=True, slots=True)
class SaleDone:
    """The sale is committed. Only after this may anything say "paid"."""

    number: str
    total_fen: int
    tenders: tuple[Tender, ...]
    item_count: int


@dataclass(frozen=True, slots=True)
class CancelDone:
    number: str


@dataclass(frozen=True, slots=True)
class HoldDone:
    label: str


@dataclass(frozen=True, slots=True)
class HeldRow:
    draft_id: int
    uid: bytes
    label: str
    lane: str
    since_ms: int
    lines: int
    total_fen: int


@dataclass(frozen=True, slots=True)
class HeldRows:
    rows: tuple[HeldRow, ...]


@dataclass(frozen=True, slots=True)
class RecallDone:
    basket: Basket


@dataclass(frozen=True, slots=True)
class Found:
    """Search results for a text; late ones (another text by now) are dropped."""

    text: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class PinChecked:
    """None when number or PIN is wrong."""

    purpose: str
    staff: str | None
    name: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class ShiftReady:
    shift_no: int
    float_fen: int


@dataclass(frozen=True, slots=True)
class ReportReady:
    purpose: str  # x | close | closed
    report: Report


@dataclass(frozen=True, slots=True)
class NoSaleDone:
    pass


@dataclass(frozen=True, slots=True)
class CopyQueued:
    number: str


Intent = Scan | CutScan | Char | Press | Tick
Reply = (
    ItemFound | CodeRefused | BadgeSeen | Failed | NumberReady | SaleDone | CancelDone | HoldDone | HeldRows | RecallDone
    | Found | PinChecked | ShiftReady | ReportReady | NoSaleDone | CopyQueued
)  # fmt: skip

# ------------------------------------------------------------------ effects


@dataclass(frozen=True, slots=True)
class LookUp:
    code: str
    purpose: str = "sell"


@dataclass(frozen=True, slots=True)
class LookUpSku:
    """A good picked from a list instead of scanned."""

    sku: str
    purpose: str = "sell"


@dataclass(frozen=True, slots=True)
class SaveOp:
    """Make an operation durable before its result is painted."""

    op: Op


@dataclass(frozen=True, slots=True)
class TakeReceiptNumber:
    pass


@dataclass(frozen=True, slots=True)
class CommitSale:
    tenders: tuple[Tender, ...]


@dataclass(frozen=True, slots=True)
class CancelSale:
    reason: str
    approver: str


@dataclass(frozen=True, slots=True)
class HoldBasket:
    label: str


@dataclass(frozen=True, slots=True)
class ListHeld:
    pass


@dataclass(frozen=True, slots=True)
class RecallBasket:
    """By id and uid: an id may stand for another basket by now."""

    draft_id: int
    uid: bytes


@dataclass(frozen=True, slots=True)
class SearchGoods:
    text: str


@dataclass(frozen=True, slots=True)
class CheckPin:
    purpose: str
    staff: str
    pin: str

    def __repr__(self) -> str:
        return f"CheckPin(purpose={self.purpose!r}, staff={self.staff!r}, pin='…')"


@dataclass(frozen=True, slots=True)
class OpenShift:
    float_fen: int


@dataclass(frozen=True, slots=True)
class MakeReport:
    purpose: str


@dataclass(frozen=True, slots=True)
class CloseShift:
    counts: tuple[tuple[int, int], ...]
    reason: str


@dataclass(frozen=True, slots=True)
class RecordNoSale:
    reason: str
    approver: str


@dataclass(frozen=True, slots=True)
class PrintCopy:
    pass


@dataclass(frozen=True, slots=True)
class PrintReport:
    purpose: str


@dataclass(frozen=True, slots=True)
class PulseDrawer:
    why: str


@dataclass(frozen=True, slots=True)
class PrintWaiting:
    """Send what the spool holds; a failure shows in the status bar and is tried again."""


@dataclass(frozen=True, slots=True)
class Beep:
    """done: one short; refused: three quick; look: two pairs."""

    kind: str


Effect = (
    LookUp | LookUpSku | SaveOp | TakeReceiptNumber | CommitSale | CancelSale | HoldBasket | ListHeld | RecallBasket
    | SearchGoods | CheckPin | OpenShift | MakeReport | CloseShift | RecordNoSale | PrintCopy | PrintReport | PulseDrawer
    | PrintWaiting | Beep
)  # fmt: skip
