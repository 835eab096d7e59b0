"""Returns: what goes back for goods that come back. Worked out from the sale alone, unless its package prices again.

Everything is a function of all units that came back so far; a return settles the difference to the one before. So the
order of partial returns makes no difference, no sum exceeds what was paid, and all of it is back when all goods are.
150.00 and 80.00 with 50.00 off (117.39 and 62.61): the second back is 62.61, and 63 of the 180 points earned.

With `returns: reprice` what is kept is priced alone (`return_kept`): 150.00 alone cost 130.00 (20.00 off), so the second back is
50.00. What was given back is never asked for again, so there the order may matter until everything is back.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.events import GiftBack, Refund, Return, ReturnedLine, Sale
from pos_app.domain.money import cash_rounding_fen, share_fen, tax_included_fen
from pos_app.domain.pricing.model import TaxShare
from pos_app.domain.return_given import cards_back, coupons_back, gifts_due
from pos_app.domain.return_kept import Kept, TaxCode, kept_of
from pos_app.domain.return_points import points_over, spent_back
from pos_app.domain.return_terms import is_all_back, part_fen
from pos_app.domain.return_values import NO_FACTS, Before, Facts, ReturnLine, ReturnPlan, Wanted
from pos_app.domain.tender import CASH, Payment, Tender

DONE, QUEUED = "done", "queued"
EXCHANGE = "exchange"
OPEN_AT_HAND = frozenset({CASH, EXCHANGE})  # nothing outside has to agree to it


def before_of(returns: Iterable[Return]) -> Before:
    """The earlier returns of one sale, added up."""
    units: Counter[int] = Counter()
    gifts: Counter[str] = Counter()
    stamps: Counter[str] = Counter()
    taxes: dict[TaxCode, tuple[int, int]] = {}
    owed_fen, worth_fen, refunds = 0, 0, list[Refund]()
    for back in returns:
        for line in back.lines:
            units[line.line] += line.units
        gifts.update({gift.promotion: gift.quantity for gift in back.gifts or ()})
        for move in back.punches or ():
            stamps[move.rule] += max(0, move.points)
        for tax in back.taxes:
            net_fen, tax_fen = taxes.get((tax.tax_code, tax.rate_bp), (0, 0))
            taxes[tax.tax_code, tax.rate_bp] = net_fen + tax.net_fen, tax_fen + tax.tax_fen
        owed_fen += back.goods_fen - back.withheld_fen
        worth_fen += back.goods_fen - (back.repriced_fen or 0)
        refunds += back.refunds
    return Before(units, owed_fen, tuple(refunds), gifts, stamps, worth_fen, taxes)


def left_units(sale: Sale, before: Before) -> list[int]:
    """Units of each line that can still come back."""
    return [line.quantity - before.units.get(n, 0) for n, line in enumerate(sale.lines)]


# ------------------------------------------------------------------ the plan


def plan_return(sale: Sale, before: Before, wanted: Wanted, facts: Facts = NO_FACTS) -> ReturnPlan | Refusal:
    """What a return does, or why it cannot be; nothing is changed."""
    refusal = _why_not(sale, before, wanted)
    if refusal is not None:
        return refusal
    units = Counter(before.units)
    lines = tuple(_returned(sale, units, line) for line in wanted.lines)
    goods_fen = sum(line.refund_fen for line in lines)
    gifts = gifts_due(sale, before, dict(wanted.gifts), facts, units)
    cards = cards_back(sale, before, facts, units)
    void, coupons_fen = coupons_back(sale, before, facts, units, cards)
    kept_back_fen = coupons_fen + sum(gift.withheld_fen for gift in gifts)
    kept = kept_of(sale, facts.package, units)
    worth_fen = max(before.worth_fen, sale.total_fen - kept.fen)
    owed_fen = max(before.owed_fen, worth_fen - kept_back_fen, 0)
    refunds = _refunds(sale, before, owed_fen, wanted, facts)
    new_fen = owed_fen - before.owed_fen
    return ReturnPlan(
        lines=lines,
        goods_fen=goods_fen,
        withheld_fen=goods_fen - new_fen,
        rounding_fen=sum(refund.amount_fen for refund in refunds) - new_fen,
        taxes=_taxes(sale, before.taxes, kept, sale.total_fen - worth_fen),
        refunds=refunds,
        gifts=gifts,
        coupons=void,
        coupons_withheld_fen=coupons_fen,
        points_taken=points_over(sale, units) - points_over(sale, before.units),
        points_given=spent_back(sale, units) - spent_back(sale, before.units),
        cards=cards,
        tier_recheck=sale.customer is not None and goods_fen > 0,
        is_whole=is_all_back(sale, units),
        units_before=sum(before.units.values()),
        kept_fen=kept.fen if kept.is_repriced else None,
        repriced_fen=goods_fen - (worth_fen - before.worth_fen),
        by_shares=kept.by_shares,
    )


def _why_not(sale: Sale, before: Before, wanted: Wanted) -> Refusal | None:
    left = left_units(sale, before)
    if not any(left):
        return refuse("POS-3305", number=sale.number)
    if not wanted.lines:
        return refuse("POS-3303")
    for asked in wanted.lines:
        known = 0 <= asked.line < len(left)
        if not known or not 0 < asked.units <= left[asked.line]:
            name = sale.lines[asked.line].name if known else str(asked.line)
            return refuse("POS-3302", name=name, left=left[asked.line] if known else 0, units=asked.units)
        left[asked.line] -= asked.units
    return None


def _returned(sale: Sale, units: Counter[int], asked: ReturnLine) -> ReturnedLine:
    """One line of the return; `units` counts on."""
    line, had = sale.lines[asked.line], units[asked.line]
    units[asked.line] = had + asked.units
    refund_fen = part_fen(line.net_fen, line.quantity, had + asked.units) - part_fen(line.net_fen, line.quantity, had)
    return ReturnedLine(
        asked.line, line.sku, line.name, asked.units, refund_fen, asked.reason, line.name_en, line.weight_g,
        asked.to_waste or None,
    )  # fmt: skip


def _taxes(sale: Sale, before: Mapping[TaxCode, tuple[int, int]], kept: Kept, left_fen: int) -> tuple[TaxShare, ...]:
    """VAT taken back a code: that of the sale less that computed anew on what is kept, less what was taken back before.

    `left_fen` of the sale's money stay with what is kept, shared over its codes. All sums are exact. Priced again, what is kept
    of a code may be more than the sale had of it: then something is added to it, below zero.
    """
    parts = dict(zip(kept.nets, share_fen(left_fen, list(kept.nets.values())), strict=True)) if kept.nets else {}
    shares = []
    for code, bp, net_fen, tax_fen in sale.taxes:
        part_fen, (net_before, tax_before) = parts.get((code, bp), 0), before.get((code, bp), (0, 0))
        tax_back_fen = tax_fen - tax_included_fen(part_fen, bp)
        shares.append(TaxShare(code, bp, net_fen - part_fen - net_before, tax_back_fen - tax_before))
    return tuple(share for share in sorted(shares) if share.net_fen or share.tax_fen)


def with_slip(plan: ReturnPlan, slip: str) -> ReturnPlan:
    """The plan with what the terminal said: its slip, or (nothing) the reversal queued until it can do it."""
    state = DONE if slip else QUEUED
    refunds = (replace(refund, state=state, slip=slip) if refund.reference else refund for refund in plan.refunds)
    return plan._replace(refunds=tuple(refunds))


# ------------------------------------------------------------------ money


def _refunds(sale: Sale, before: Before, owed_fen: int, wanted: Wanted, facts: Facts) -> tuple[Refund, ...]:
    """How the money goes back: to a new sale, to the payments outside by their references, the rest in cash.

    What goes to a new sale stands for the payments outside as far as they are not reversed now: money that came by card never
    leaves as cash, by however many exchanges. Cash is rounded towards the shopper, and all refunds together stay within what
    was paid: 62.61 is 62.70 in cash, and of 70.83 paid as 70.80 the rest is then 8.10.
    """
    paid_fen = sale.total_fen + sale.rounding_fen
    left_fen = max(0, min(owed_fen, paid_fen) - before.refunded_fen)
    exchange_fen = min(left_fen, wanted.exchange_fen)
    left_fen -= exchange_fen
    most_fen = paid_fen - before.refunded_fen - exchange_fen
    passed_on, refunds = list[Refund](), list[Refund]()
    for payment, open_fen in _outside(sale, before):
        part = min(left_fen, open_fen)
        state = QUEUED if payment.kind in wanted.cut_off else DONE
        refunds.append(Refund(payment.kind, part, state, payment.reference, wanted.slip if state == DONE else ""))
        left_fen, most_fen = left_fen - part, most_fen - part
        passed_on.append(Refund(EXCHANGE, min(exchange_fen, open_fen - part), behind=payment))
        exchange_fen -= passed_on[-1].amount_fen
    passed_on.append(Refund(EXCHANGE, exchange_fen))
    refunds.append(Refund(CASH, min(most_fen, left_fen - cash_rounding_fen(-left_fen, facts.cash_step_fen))))
    return tuple(refund for refund in (*passed_on, *refunds) if refund.amount_fen > 0)


def payment_of(tender: Tender) -> Payment | None:
    """The payment outside that a refund of a tender goes back to; None for cash."""
    return tender.behind if tender.kind in OPEN_AT_HAND else Payment(tender.kind, tender.reference)


def _outside(sale: Sale, before: Before) -> list[tuple[Payment, int]]:
    """The payments outside, each with what of it was neither given back nor passed on yet."""
    gone: Counter[Payment] = Counter()
    for refund in before.refunds:
        gone[refund.payment] += refund.amount_fen
    found = []
    for tender in sale.tenders:
        payment = payment_of(tender)
        if payment is not None:
            used = min(gone[payment], tender.amount_fen)
            gone[payment] -= used
            found.append((payment, tender.amount_fen - used))
    return found


def exchanged(back: Return) -> tuple[Tender, ...]:
    """What goods that came back pay of a new sale, each part with the payment behind it."""
    parts = (refund for refund in back.refunds if refund.kind == EXCHANGE)
    return tuple(Tender(EXCHANGE, part.amount_fen, part.amount_fen, 0, back.number, part.behind) for part in parts)


def gifts_back(plan: ReturnPlan) -> tuple[GiftBack, ...]:
    """The gifts that came back, for the record."""
    return tuple(GiftBack(gift.promotion, gift.sku, gift.back) for gift in plan.gifts if gift.back)
