"""A return without a receipt: at the lowest price of the good now, in cash, up to a sum a day, under permission and flagged."""

from collections import Counter

from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.events import Refund, ReturnedLine
from pos_app.domain.goods import Item, may_be_discounted
from pos_app.domain.money import cash_rounding_fen, format_yuan, tax_included_fen, weighed_amount_fen
from pos_app.domain.pricing.model import TaxShare
from pos_app.domain.return_values import NoReceiptGood, ReturnPlan, ReturnRequest
from pos_app.domain.tender import CASH


def good_of(item: Item, units: int, weight_g: int | None, shelf_fen: int) -> NoReceiptGood:
    """A good at the lowest of `shelf_fen` (what anybody pays today) and its member price. 3.50, members 3.20: 3.20."""
    fen = shelf_fen
    if item.member_price_fen is not None and may_be_discounted(item):
        member_fen = item.member_price_fen
        fen = min(fen, weighed_amount_fen(member_fen, weight_g) if weight_g is not None else member_fen * units)
    return NoReceiptGood(item.sku, item.name, item.name_en, units, fen, item.tax_code, item.tax_bp, weight_g)


def plan_no_receipt(request: ReturnRequest, cash_step_fen: int, today_fen: int, day_max_fen: int) -> ReturnPlan | Refusal:
    """What such a return does. `today_fen` was given back so today, all lanes of this file together."""
    if not request.goods:
        return refuse("POS-3303")
    goods_fen = sum(good.fen for good in request.goods)
    if today_fen + goods_fen > day_max_fen:
        return refuse("POS-3307", limit=format_yuan(day_max_fen), amount=format_yuan(goods_fen))
    nets: Counter[tuple[str, int]] = Counter()
    for good in request.goods:
        nets[good.tax_code, good.tax_bp] += good.fen
    rounding_fen = -cash_rounding_fen(-goods_fen, cash_step_fen)
    cash_fen = goods_fen + rounding_fen
    return ReturnPlan(
        lines=tuple(_line(request, good) for good in request.goods),
        goods_fen=goods_fen,
        withheld_fen=0,
        rounding_fen=rounding_fen,
        taxes=tuple(TaxShare(*key, fen, tax_included_fen(fen, key[1])) for key, fen in sorted(nets.items())),
        refunds=(Refund(CASH, cash_fen),) if cash_fen else (),
    )


def _line(request: ReturnRequest, good: NoReceiptGood) -> ReturnedLine:
    return ReturnedLine(
        -1, good.sku, good.name, good.units, good.fen, request.reason, good.name_en, good.weight_g, request.to_waste or None
    )
