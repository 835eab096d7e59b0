"""What returns are told and ask for: the intents and effects of `returning`, on both sides of the store."""

from typing import NamedTuple

from pos_app.domain.errors import Refusal
from pos_app.domain.events import Refund
from pos_app.domain.return_values import NoReceiptGood, Queued, ReceiptRow, Returnable, ReturnPlan, ReturnRequest

# ------------------------------------------------------------------ replies


class ReceiptFound(NamedTuple):
    """The sale of a receipt, with what can still be returned."""

    found: Returnable
    is_void: bool = False


class ReceiptsFound(NamedTuple):
    """Sales to choose from."""

    rows: tuple[ReceiptRow, ...]


class QueuedFound(NamedTuple):
    """A return whose refund waits."""

    queued: Queued


class RefundDone(NamedTuple):
    """A refund that waited is on record as made."""

    number: str


class ReturnRefused(NamedTuple):
    """A return that cannot be so; nothing was given back."""

    refusal: Refusal


class NoReceiptFound(NamedTuple):
    """A good that may come back without a receipt, at its lowest price now."""

    good: NoReceiptGood


class ReturnPlanned(NamedTuple):
    """What a return would do; `request` is what it was worked out for."""

    request: ReturnRequest
    plan: ReturnPlan


class ReturnDone(NamedTuple):
    """The return is committed. Only after this may money be given back."""

    number: str
    refunds: tuple[Refund, ...]


# ------------------------------------------------------------------ effects


class FindReceipt(NamedTuple):
    """A receipt by its number, a lane's counter or an amount; the latest sales for an empty text.

    `newest`: this lane's last sale, to make it void.
    """

    text: str
    newest: bool = False


class FindNoReceipt(NamedTuple):
    """A good by its code, that comes back without a receipt."""

    code: str


class PlanReturn(NamedTuple):
    request: ReturnRequest


class SettleRefund(NamedTuple):
    """The refund that waited was made outside."""

    queued: Queued
    slip: str


class CommitReturn(NamedTuple):
    """Do what was planned and seen; when the plan is another by now, nothing."""

    request: ReturnRequest
    plan: ReturnPlan
