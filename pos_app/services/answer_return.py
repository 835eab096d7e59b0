"""What a lane asks about returns, and the answers."""

from pos_app.domain.errors import Refusal
from pos_app.domain.lane.intents import Reply
from pos_app.domain.lane.return_intents import (
    CommitReturn,
    FindNoReceipt,
    FindReceipt,
    PlanReturn,
    QueuedFound,
    ReceiptFound,
    ReceiptsFound,
    ReturnPlanned,
    ReturnRefused,
    SettleRefund,
)
from pos_app.domain.lane.state import LaneState
from pos_app.domain.return_values import Queued, Returnable
from pos_app.services.find_receipt import find_receipt, last_receipt
from pos_app.services.return_goods import good_without_receipt, plan_goods, return_goods, settle_refund
from pos_app.services.shop import Shop

ReturnEffect = FindReceipt | FindNoReceipt | PlanReturn | CommitReturn | SettleRefund


def answer(shop: Shop, state: LaneState, effect: ReturnEffect) -> Reply:
    """Look up, plan, commit or settle; what cannot be is an answer too."""
    match effect:
        case FindReceipt():
            return _found(shop, effect)
        case FindNoReceipt(code):
            return good_without_receipt(shop, state, code)
        case PlanReturn(request):
            plan = plan_goods(shop, state, request)
            return ReturnRefused(plan) if isinstance(plan, Refusal) else ReturnPlanned(request, plan)
        case CommitReturn(request, plan):
            return return_goods(shop, state, request, plan)
        case SettleRefund(queued, slip):
            return settle_refund(shop, state, queued, slip)


def _found(shop: Shop, effect: FindReceipt) -> Reply:
    found = last_receipt(shop) if effect.newest else find_receipt(shop, effect.text)
    if isinstance(found, Refusal):
        return ReturnRefused(found)
    if isinstance(found, Returnable):
        return ReceiptFound(found, effect.newest)
    return QueuedFound(found) if isinstance(found, Queued) else ReceiptsFound(found)
