"""The open basket: lines, and the operations that change it.

A basket is the fold of its operations. Each operation is stored before its effect is painted, so replaying them after a
power cut gives the same basket, line for line.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, get_args

from pos_app.domain.goods import Item
from pos_app.domain.pricing.model import STRANGER, Customer
from pos_app.domain.return_values import ReturnRequest
from pos_app.domain.tender import Tender

QUANTITY_MAX = 9_999
QUANTITY_ASKS_ABOVE = 99
WEIGHT_MAX_G = 99_999
LINES_MAX = 2_000
LABEL = "label"  # the approval class of a line whose label names another amount than its weight


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `quantity` counts units (1 for a weighed line); `label_fen` is what a printed label or a typed price says."""

    line_id: int
    item: Item
    code: str
    quantity: int = 1
    weight_g: int | None = None
    label_fen: int | None = None
    flagged: bool = False  # the label's amount and weight disagree

    @property
    def approval_class(self) -> str:
        """What somebody has to see of it, if anything: proof of age, or the label."""
        return self.item.restricted or (LABEL if self.flagged else "")


class AddLine(NamedTuple):
    line: Line


class SetQuantity(NamedTuple):
    line_id: int
    quantity: int


class VoidLine(NamedTuple):
    line_id: int
    staff: str = ""


class RestoreLine(NamedTuple):
    line_id: int


class Approve(NamedTuple):
    """A member of staff looked: proof of age for every restricted class named, or labels, on the lines there are now."""

    staff: str
    classes: tuple[str, ...]


class TakeNumber(NamedTuple):
    """The receipt number, taken at the first attempt to pay by something that can fail."""

    series_no: int
    counter: int


class AddTender(NamedTuple):
    """Money that was taken outside (a card terminal): it has to survive a power cut before the sale is whole."""

    tender: Tender


class PricedUnder(NamedTuple):
    """Money was taken outside for the price of this moment, under this package: the price stays while that money counts."""

    package: str
    at_ms: int


class DropTender(NamedTuple):
    """The newest tender was given back outside."""

    staff: str


class AttachMember(NamedTuple):
    """A member, as known at this moment; `label` is masked (林* 8821). `may_spend` is False when attached by phone alone."""

    customer: Customer
    label: str = ""
    may_spend: bool = False


class DetachMember(NamedTuple):
    """The shopper goes on as a stranger."""


class AddCode(NamedTuple):
    """A coupon's code: `promotion` is the coupon promotion it opens, `code` the single code that is used up."""

    code: str
    promotion: str


class DropCode(NamedTuple):
    code: str


class SpendPoints(NamedTuple):
    """So many points may be spent on this basket; 0 for none."""

    points: int


class AttachReturn(NamedTuple):
    """Goods that come back are exchanged for this basket: so much of it is paid by them. Both are committed as one."""

    request: ReturnRequest
    refund_fen: int


class DetachReturn(NamedTuple):
    """No exchange after all; nothing was given back yet."""


class RepriceLine(NamedTuple):
    """The good of a line with other prices, when the shop's prices changed while the basket was open."""

    line_id: int
    item: Item


class Undo(NamedTuple):
    """Take the latest line action back."""


Op = (
    AddLine | SetQuantity | VoidLine | RestoreLine | Approve | TakeNumber | AddTender | DropTender | AttachMember | DetachMember
    | AddCode | DropCode | SpendPoints | AttachReturn | DetachReturn | RepriceLine | PricedUnder | Undo
)  # fmt: skip
OPS: dict[str, type] = {cls.__name__: cls for cls in get_args(Op)}


@dataclass(frozen=True, slots=True)
class Approval:
    staff: str
    classes: tuple[str, ...]
    line_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Voided:
    line: Line
    staff: str
    position: int


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines in scan order, the voided ones, and what was approved. `uid` becomes the sale's."""

    lines: tuple[Line, ...] = ()
    voided: tuple[Voided, ...] = ()
    approvals: tuple[Approval, ...] = ()
    next_line_id: int = 1
    number: tuple[int, int] | None = None
    tenders: tuple[Tender, ...] = ()
    priced_under: PricedUnder | None = None  # counts while there are tenders
    member: AttachMember | None = None
    codes: tuple[AddCode, ...] = ()
    points: int = 0  # may be spent
    exchange: AttachReturn | None = None
    undo: tuple[Op, ...] = ()  # what takes the latest line actions back, newest last

    def line(self, line_id: int) -> Line | None:
        return next((line for line in reversed(self.lines) if line.line_id == line_id), None)

    def approval_of(self, line: Line) -> Approval | None:
        """Who saw proof of age, or the label, for this line's class, after the line was added."""
        seen = (a for a in self.approvals if line.approval_class in a.classes and line.line_id in a.line_ids)
        return next(seen, None)

    @property
    def customer(self) -> Customer:
        """Whom this basket is priced for: only points that were asked for may be spent."""
        return self.member.customer._replace(points=self.points) if self.member else STRANGER

    def is_approved(self, line: Line) -> bool:
        return self.approval_of(line) is not None


UNDO_MAX = 50


def apply(basket: Basket, op: Op) -> Basket:
    """The basket after one operation. Operations on a line that is not there leave the basket as it is."""
    match op:
        case AddLine(line):
            basket = replace(basket, lines=(*basket.lines, line), next_line_id=line.line_id + 1)
            return _remember(basket, VoidLine(line.line_id))
        case SetQuantity(line_id, quantity):
            before = basket.line(line_id)
            if before is None:
                return basket
            lines = _swap(basket.lines, before, replace(before, quantity=quantity))
            return _remember(replace(basket, lines=lines), SetQuantity(line_id, before.quantity))
        case VoidLine(line_id, staff):
            gone = basket.line(line_id)
            if gone is None:
                return basket
            position = basket.lines.index(gone)
            lines = (*basket.lines[:position], *basket.lines[position + 1 :])
            voided = (*basket.voided, Voided(gone, staff, position))
            return _remember(replace(basket, lines=lines, voided=voided), RestoreLine(line_id))
        case RestoreLine(line_id):
            return _restore(basket, line_id)
        case Approve(staff, classes):
            seen = tuple(line.line_id for line in basket.lines if line.approval_class in classes)
            approval = Approval(staff, classes, seen)
            return replace(basket, approvals=(*basket.approvals, approval))
        case TakeNumber(series_no, counter):
            return replace(basket, number=(series_no, counter))
        case AddTender(tender):
            return replace(basket, tenders=(*basket.tenders, tender))
        case PricedUnder():
            return replace(basket, priced_under=op)
        case DropTender():
            return replace(basket, tenders=basket.tenders[:-1])
        case AttachMember():
            return replace(basket, member=op, points=0)
        case DetachMember():
            return replace(basket, member=None, points=0)
        case AddCode(code):
            return replace(basket, codes=(*(c for c in basket.codes if c.code != code), op))
        case DropCode(code):
            return replace(basket, codes=tuple(c for c in basket.codes if c.code != code))
        case SpendPoints(points):
            return replace(basket, points=points)
        case AttachReturn():
            return replace(basket, exchange=op)
        case DetachReturn():
            return replace(basket, exchange=None)
        case RepriceLine(line_id, item):
            return _reprice(basket, line_id, item)
        case Undo():
            return _undo(basket)


def fold(ops: list[Op]) -> Basket:
    """The basket that a list of operations makes."""
    basket = Basket()
    for op in ops:
        basket = apply(basket, op)
    return basket


def _undo(basket: Basket) -> Basket:
    """The latest line action taken back; an undo is not itself undone."""
    if not basket.undo:
        return basket
    return replace(apply(basket, basket.undo[-1]), undo=basket.undo[:-1])


def _remember(basket: Basket, inverse: Op) -> Basket:
    return replace(basket, undo=(*basket.undo, inverse)[-UNDO_MAX:])


def _reprice(basket: Basket, line_id: int, item: Item) -> Basket:
    """A line that was voided gets its prices too: it may come back."""
    voided = tuple(replace(v, line=replace(v.line, item=item)) if v.line.line_id == line_id else v for v in basket.voided)
    before = basket.line(line_id)
    lines = _swap(basket.lines, before, replace(before, item=item)) if before else basket.lines
    return replace(basket, lines=lines, voided=voided)


def _swap(lines: tuple[Line, ...], before: Line, after: Line) -> tuple[Line, ...]:
    position = len(lines) - 1
    while lines[position].line_id != before.line_id:
        position -= 1
    return (*lines[:position], after, *lines[position + 1 :])


def _restore(basket: Basket, line_id: int) -> Basket:
    found = next((v for v in reversed(basket.voided) if v.line.line_id == line_id), None)
    if found is None:
        return basket
    position = min(found.position, len(basket.lines))
    lines = (*basket.lines[:position], found.line, *basket.lines[position:])
    voided = tuple(v for v in basket.voided if v is not found)
    return _remember(replace(basket, lines=lines, voided=voided), VoidLine(line_id))
