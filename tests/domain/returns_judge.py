"""What must be after every return, by plain arithmetic unit by unit; and, priced again, by a price of what is kept."""

from collections import Counter

from pos_app.domain import points
from pos_app.domain.events import Sale, return_is_whole
from pos_app.domain.money import share_fen, tax_included_fen
from pos_app.domain.points import Lot
from pos_app.domain.pricing.model import (
    Priced,
)  # fmt: skip
from pos_app.domain.return_values import ReturnPlan
from tests.domain.returns_world import ITEMS, TODAY, Run


def judge(run: Run, plan: ReturnPlan) -> None:
    """Every sum of the returns so far, by shares of single units."""
    sale, returns = run.sale, run.returns
    units = Counter[int]()
    for back in returns:
        assert return_is_whole(back), back
        assert back.withheld_fen <= back.goods_fen, "no return is owed less than nothing"
        for line in back.lines:
            units[line.line] += line.units
    shares = [share_fen(line.net_fen, [1] * line.quantity) for line in sale.lines]
    goods = [sum(share[len(share) - units[n] :]) for n, share in enumerate(shares)]
    for n, line in enumerate(sale.lines):
        assert units[n] <= line.quantity
        assert sum(one.refund_fen for back in returns for one in back.lines if one.line == n) == goods[n]
    for gift in sale.gifts or ():
        came = sum(one.quantity for back in returns for one in back.gifts or () if one.promotion == gift.promotion)
        assert came <= gift.quantity, "a gift comes back once"
    _judge_worth(run, goods, units, plan)
    _judge_money(run, plan)
    if run.bought is None:
        _judge_taxes(run, goods)
    if sale.customer:
        _judge_points(run, goods, units)
        _judge_stamps(run, units)


def _judge_worth(run: Run, goods: list[int], units: Counter[int], plan: ReturnPlan) -> None:
    """What came back is worth its shares or, priced again, what was paid less the price of what is kept; no less than before."""
    total_fen, before_fen, due_fen = run.sale.total_fen, run.worth_fen, sum(goods)
    is_asked = run.bought is not None and not plan.is_whole
    assert (plan.kept_fen is not None) == (is_asked and run.is_package_here)
    assert plan.by_shares == ("no_package" if is_asked and not run.is_package_here else "")
    alone = run.bought.alone(units) if run.bought and plan.kept_fen is not None else None
    if alone:
        assert plan.kept_fen == max(0, alone.total_fen - _points_kept_fen(run.sale, units))
        due_fen = total_fen - plan.kept_fen
    run.worth_fen = max(before_fen, due_fen)
    assert 0 <= run.worth_fen <= total_fen and (run.worth_fen == total_fen or not plan.is_whole)
    assert plan.repriced_fen == plan.goods_fen - (run.worth_fen - before_fen)
    if run.bought:
        _judge_taxes_kept(run, alone if alone and run.worth_fen == total_fen - alone.total_fen else None)
    else:
        assert plan.repriced_fen == 0


def _points_kept_fen(sale: Sale, units: Counter[int]) -> int:
    """What points paid of the units that are kept, unit by unit."""
    paid = [sum(one.fen for one in line.shares or () if one.promotion == "PAY") for line in sale.lines]
    return sum(
        sum(share_fen(fen, [1] * line.quantity)[: line.quantity - units[n]])
        for n, (fen, line) in enumerate(zip(paid, sale.lines, strict=True))
    )


def _judge_taxes_kept(run: Run, alone: Priced | None) -> None:
    """The VAT left is that of the money left, code by code; where that is the price alone, it is the VAT of the price alone."""
    nets, taxes = Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    for share in run.sale.taxes:
        nets[share[:2]], taxes[share[:2]] = share.net_fen, share.tax_fen
    for share in (share for back in run.returns for share in back.taxes):
        nets[share[:2]] -= share.net_fen
        taxes[share[:2]] -= share.tax_fen
    assert nets.total() == run.sale.total_fen - run.worth_fen
    assert all(fen >= 0 and taxes[code, bp] == tax_included_fen(fen, bp) for (code, bp), fen in nets.items())
    if alone:
        assert +nets == +Counter({share[:2]: share.net_fen for share in alone.taxes})


def _judge_money(run: Run, plan: ReturnPlan) -> None:
    sale, returns = run.sale, run.returns
    paid_fen = sale.total_fen + sale.rounding_fen
    refunded_fen = sum(refund.amount_fen for back in returns for refund in back.refunds)
    withheld_fen = sum(gift.withheld_fen for gift in plan.gifts) + plan.coupons_withheld_fen
    assert refunded_fen <= paid_fen
    assert refunded_fen >= min(paid_fen, run.worth_fen - withheld_fen), "what is owed is paid"
    if plan.is_whole and not withheld_fen:
        assert refunded_fen == paid_fen
    paid, gone = Counter[str](), Counter[str]()  # by the slip of the card payment; "" for cash
    for tender in sale.tenders:
        paid[tender.behind.reference if tender.behind else tender.reference * (tender.kind == "card_terminal")] += (
            tender.amount_fen
        )
    for refund in (refund for back in returns for refund in back.refunds):
        gone[refund.behind.reference if refund.behind else refund.reference] += refund.amount_fen
    assert all(fen <= paid[slip] for slip, fen in gone.items()), "money goes back, or on to other goods, the way it came"


def _judge_taxes(run: Run, goods: list[int]) -> None:
    back = Counter[tuple[str, int]]()
    for one in run.returns:
        for share in one.taxes:
            back[share.tax_code, share.rate_bp] += share.tax_fen
    for share in run.sale.taxes:
        kept_fen = share.net_fen - sum(
            fen for fen, line in zip(goods, run.sale.lines, strict=True) if (line.tax_code, line.tax_bp) == share[:2]
        )
        assert share.tax_fen - back[share.tax_code, share.rate_bp] == tax_included_fen(kept_fen, share.rate_bp)


def _judge_points(run: Run, goods: list[int], units: Counter[int]) -> None:
    """The balance is what it would be had the returned part never been bought."""
    sale = run.sale
    kept = [line.net_fen - fen for line, fen in zip(sale.lines, goods, strict=True)]
    due = sum(fen * (line.points_rate or 0) for fen, line in zip(kept, sale.lines, strict=True)) // 10_000
    spent = -sum(move.points for move in sale.points or () if move.rule == points.REDEEM)
    had = points.balance(run.lots_before, TODAY)
    left = had + due - run.spent_since - points.balance(run.lots, TODAY)
    if all(units[n] == line.quantity for n, line in enumerate(sale.lines)):
        assert left == 0
    else:
        assert 0 <= left <= spent
    given = sum(move.points for back in run.returns for move in back.points or () if move.rule == points.UNDO)
    assert spent - given == left
    came = Counter[str]()
    for move in (move for back in run.returns for move in back.points or () if move.rule == points.UNDO):
        came[move.lot] += move.points
    for move in (move for move in sale.points or () if move.rule == points.REDEEM):
        assert came[move.lot] <= -move.points, "a lot gets back what was taken of it"
    assert min(lot.points_left for lot in (*run.lots, Lot("", 0))) == 0 or points.balance(run.lots, TODAY) <= 0, "debts are paid"


def _judge_stamps(run: Run, units: Counter[int]) -> None:
    """A card holds what it would hold without the returned units; full cards that were undone count as stamps again."""
    for one in run.sale.stamps or ():
        coffee = [n for n, line in enumerate(run.sale.lines) if ITEMS[line.sku].category == "coffee"]
        kept = sum(run.sale.lines[n].quantity - units[n] for n in coffee)
        undone = sum(now.is_void for code, now in run.coupons.items() if code.startswith("QCUP"))
        had = points.balance(run.stamps_before, TODAY)
        assert points.balance(run.stamps, TODAY) == had + kept - 5 * (one.full - undone)
