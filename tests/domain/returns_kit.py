"""Random sales, made up or really priced, and random returns of them, judged against plain arithmetic unit by unit."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pos_app.domain import points
from pos_app.domain.basket import AttachMember, Basket, Line
from pos_app.domain.errors import Refusal
from pos_app.domain.events import IssuedCoupon, Return, Sale, SaleLine, sale_is_whole
from pos_app.domain.goods import Item
from pos_app.domain.money import tax_included_fen
from pos_app.domain.plain import from_json, to_json
from pos_app.domain.points import Lot
from pos_app.domain.pricing.earning import line_rates
from pos_app.domain.pricing.engine import NOTHING_USED, price
from pos_app.domain.pricing.mechanics.coupon_reward import CouponReward
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.model import (
    EVENT,
    GIFT,
    POINTS,
    STRANGER,
    Applied,
    Customer,
    Gift,
    LineShare,
    Package,
    Priced,
    Promotion,
    Stamps,
    TaxShare,
    Used,
)  # fmt: skip
from pos_app.domain.return_kept import priced_for
from pos_app.domain.return_points import points_moves, punch_moves
from pos_app.domain.return_terms import terms_of
from pos_app.domain.return_values import CouponNow, Facts, Ledger, ReturnLine, ReturnPlan, Wanted
from pos_app.domain.returns import before_of, gifts_back, plan_return
from pos_app.domain.tender import Payment, Tender, tender_card, tender_cash
from tests.domain.returns_judge import judge
from tests.domain.returns_world import GOODS, ITEMS, LATER, NOW_MS, PACKAGE, REPRICING, SALE_UID, TODAY, Bought, Run

# ------------------------------------------------------------------ sales


def priced_sale(rng: random.Random) -> Run:
    """A basket priced with every mechanic that a return has to undo."""
    chosen = [rng.choice(GOODS) for _ in range(rng.randint(1, 5))]
    lines = tuple(_line(rng, n, item) for n, item in enumerate(chosen, 1))
    lots = tuple(Lot(f"lot{n}", rng.randint(1, 300), LATER) for n in range(rng.randint(0, 3)))
    stamps = (Lot("old:CARD", rng.randint(1, 4), LATER),) if rng.random() < 0.5 else ()
    have = sum(lot.points_left for lot in lots)
    member = Customer("M1", "gold", points=have, stamps=(("CARD", sum(lot.points_left for lot in stamps)),))
    customer = member if rng.random() < 0.7 else STRANGER
    priced = price(Basket(lines=lines), customer, PACKAGE, NOW_MS)
    return run_of(rng, sale_of(lines, customer, priced, lots, stamps, rng), lots, stamps, PACKAGE)


def repricing_sale(rng: random.Random) -> Run:
    """A basket under a package that prices again, with prices of its own for members, labels, codes and limited offers."""
    lines = tuple(_any_line(rng, n, rng.choice(GOODS)) for n in range(1, rng.randint(2, 7)))
    lots = (Lot("lot", rng.randint(1, 900), LATER),) if rng.random() < 0.4 else ()
    customer = Customer("M1", rng.choice(("silver", "gold")), points=sum(lot.points_left for lot in lots))
    customer = customer if rng.random() < 0.7 else STRANGER
    codes = frozenset(code for code in ("CODE", "TEN") if rng.random() < 0.4)
    used = {"FEW": Used(times=rng.randint(1, 3))} if rng.random() < 0.3 else {}
    basket = Basket(lines=lines, member=AttachMember(customer) if customer.alias else None)
    priced = price(basket, customer, REPRICING, NOW_MS, codes, used=used)
    asked = priced_for(basket, priced, REPRICING, NOW_MS, codes, used)
    sale = replace(sale_of(lines, customer, priced, lots, (), rng, REPRICING, codes, used), priced_for=asked)
    run = run_of(rng, from_json(Sale, to_json(sale)), lots, (), REPRICING)  # as it is read from the journal
    paid = ((line, money.paid_units(line.quantity)) for line, money in zip(lines, priced.lines, strict=True))
    run.bought = Bought(
        tuple(replace(line, quantity=units) for line, units in paid if units), customer._replace(points=0), codes, used
    )
    return run


def _any_line(rng: random.Random, n: int, item: Item) -> Line:
    """A line whose good may have prices for members and a label."""
    fen = item.price_fen
    item = item._replace(
        member_price_fen=rng.choice((None, None, fen * 9 // 10)), promo_price_fen=rng.choice((None, None, fen * 95 // 100))
    )
    line = _line(rng, n, item)
    return replace(line, label_fen=fen * 8 // 10) if line.weight_g is None and rng.random() < 0.1 else line


def _line(rng: random.Random, n: int, item: Item) -> Line:
    if item.weighed:
        return Line(n, item, item.sku, weight_g=rng.randint(1, 5000))
    return Line(n, item, item.sku, rng.choice((1, 1, 2, 3, 7)))


def sale_of(
    lines: tuple[Line, ...],
    customer: Customer,
    priced: Priced,
    lots: tuple[Lot, ...],
    stamps: tuple[Lot, ...],
    rng: random.Random,
    package: Package = PACKAGE,
    codes: frozenset[str] = frozenset(),
    used: Mapping[str, Used] = NOTHING_USED,
) -> Sale:
    """The sale of a priced basket, with its points and stamps booked."""
    rates = line_rates(Basket(lines=lines), customer, package, NOW_MS, codes, used, priced)
    assert sum(m.net_fen * rate for m, rate in zip(priced.lines, rates, strict=True)) // 10_000 == priced.points_earned
    sold = tuple(
        SaleLine(
            line.item.sku, line.code, line.item.name, money.paid_units(line.quantity), money.unit_fen, money.list_fen,
            money.net_fen, line.item.tax_code, line.item.tax_bp, weight_g=line.weight_g, source=money.source,
            shares=money.shares or None, points_rate=rate or None,
        )
        for line, money, rate in zip(lines, priced.lines, rates, strict=True)
        if money.paid_units(line.quantity)
    )  # fmt: skip
    moves = (*taken(points.redeem(lots, priced.points_spent, TODAY)), *points.earn(SALE_UID, priced.points_earned, TODAY, 365))
    issued = [IssuedCoupon(f"Q{r.coupon}{n}", r.coupon, LATER) for r in priced.rewards for n in range(r.quantity)]
    return _sale(
        sold, priced.taxes, rng, customer=customer.alias or None, offers=priced.applied or None, gifts=priced.gifts or None,
        stamps=priced.stamps or None, issued=tuple(issued) or None, points=moves if customer.alias else None,
        punches=_punches(priced.stamps, stamps) or None,
    )  # fmt: skip


def _punches(given: tuple[Stamps, ...], stamps: tuple[Lot, ...]) -> points.Moves:
    moves: points.Moves = ()
    for one in given:
        got = points.earn(SALE_UID, one.stamps, TODAY, 365, one.card)
        moves += (*got, *taken(points.redeem(points.after(stamps, got), one.full * 5, TODAY, one.card)))
    return moves


def taken(moves: points.Moves | Refusal) -> points.Moves:
    assert not isinstance(moves, Refusal)
    return moves


def made_up_sale(rng: random.Random) -> Run:
    """Lines with any amounts and shares, down to lines that cost nothing and units that share a single fen."""
    lots = tuple(Lot(f"lot{n}", rng.randint(1, 300), LATER) for n in range(rng.randint(1, 3)))
    spent = rng.choice((0, 0, rng.randint(0, sum(lot.points_left for lot in lots))))
    sold = tuple(_sold(rng, bool(spent)) for _ in range(rng.randint(1, 6)))
    earned = sum(line.net_fen * (line.points_rate or 0) for line in sold) // 10_000
    moves = (*taken(points.redeem(lots, spent, TODAY)), *points.earn(SALE_UID, earned, TODAY, 365))
    value_fen, spend_fen = rng.randint(0, 3000), rng.randint(0, sum(line.net_fen for line in sold))
    package = Package(promotions=(
        Promotion("CUP", "赠", GiftRule("200001", value_fen=value_fen), min_spend_fen=spend_fen),
        Promotion("NEXT", "券", CouponReward("NEXT20"), min_spend_fen=rng.randint(0, max(1, spend_fen))),
    ))  # fmt: skip
    sale = _sale(
        sold, _taxes(sold), rng, customer="M1", points=moves or None, gifts=(Gift("CUP", "200001", 1, value_fen),),
        offers=(Applied(POINTS, "PAY", 0), Applied(GIFT, "CUP", 0), Applied(EVENT, "NEXT", 0)),
        issued=(IssuedCoupon("Q1", "NEXT20", LATER),),
    )  # fmt: skip
    return run_of(rng, sale, lots, (), package)


def _sold(rng: random.Random, with_points: bool) -> SaleLine:
    quantity = rng.choice((1, 1, 2, 3, 5, 12))
    list_fen = rng.choice((rng.randint(0, 20), rng.randint(1, 9_999), rng.randint(1, 99_999)))
    net_fen = rng.choice((list_fen, rng.randint(0, list_fen)))
    by_points = rng.randint(0, list_fen - net_fen) if with_points else 0
    code, bp = rng.choice((("S13", 1300), ("S09", 900), ("Z00", 0)))
    return SaleLine(
        "100001", "100001", "商品", quantity, list_fen, list_fen, net_fen, code, bp,
        shares=(LineShare("PAY", by_points),) if by_points else None, points_rate=rng.choice((None, 100, 200)),
    )  # fmt: skip


def _taxes(sold: tuple[SaleLine, ...]) -> tuple[TaxShare, ...]:
    nets: Counter[tuple[str, int]] = Counter()
    for line in sold:
        nets[line.tax_code, line.tax_bp] += line.net_fen
    return tuple(TaxShare(*key, fen, tax_included_fen(fen, key[1])) for key, fen in sorted(nets.items()))


def _sale(sold: tuple[SaleLine, ...], taxes: tuple[TaxShare, ...], rng: random.Random, **more: Any) -> Sale:
    total_fen, list_fen = sum(line.net_fen for line in sold), sum(line.list_fen for line in sold)
    tenders = _tenders(total_fen, rng)
    sale = Sale(
        1, 1, "S001-01-AAAA-000001", "01", 1, "1001", sold, list_fen, list_fen - total_fen, total_fen,
        sum(tender.amount_fen for tender in tenders) - total_fen, sum(line.quantity for line in sold), taxes, tenders, "returns",
        **more,
    )  # fmt: skip
    assert sale_is_whole(sale)
    return sale


def _tenders(total_fen: int, rng: random.Random) -> tuple[Tender, ...]:
    """Cards for a part or all of it, cash for the rest."""
    tenders: list[Tender] = []
    for n in range(rng.choice((0, 0, 1, 2))):
        left_fen = total_fen - sum(tender.amount_fen for tender in tenders)
        card = tender_card(left_fen, rng.choice((left_fen, rng.randint(0, left_fen))), f"SLIP{n}")
        if not isinstance(card, Refusal):
            tenders.append(card)
    left_fen = total_fen - sum(tender.amount_fen for tender in tenders)
    if left_fen or not tenders:
        cash = tender_cash(left_fen, left_fen, 10)
        assert not isinstance(cash, Refusal)
        tenders.append(cash)
    return tuple(_by_exchange(tender, n) if rng.random() < 0.2 else tender for n, tender in enumerate(tenders))


def _by_exchange(tender: Tender, n: int) -> Tender:
    """The same payment, made for other goods that were exchanged for these."""
    behind = Payment(tender.kind, tender.reference) if tender.reference else None
    return Tender("exchange", tender.amount_fen, tender.amount_fen, 0, f"S001-01-AAAA-00009{n}", behind)


def run_of(rng: random.Random, sale: Sale, lots: tuple[Lot, ...], stamps: tuple[Lot, ...], package: Package) -> Run:
    return Run(
        rng, sale, points.after(lots, sale.points or ()), points.after(stamps, sale.punches or ()),
        {issued.code: CouponNow(issued.code) for issued in sale.issued or ()}, lots_before=lots, stamps_before=stamps,
        terms=terms_of(sale, package, ITEMS),
    )  # fmt: skip


# ------------------------------------------------------------------ returns


def return_some(run: Run, rng: random.Random, *, everything: bool = False) -> None:
    """One return of random units that are left, judged at once; life goes on between returns."""
    _live(run, rng)
    left = [line.quantity - before_of(run.returns).units.get(n, 0) for n, line in enumerate(run.sale.lines)]
    wanted = [ReturnLine(n, have if everything else rng.randint(0, have), "damaged") for n, have in enumerate(left)]
    lines = tuple(line for line in wanted if line.units)
    if not lines:
        return
    gifts = () if rng.random() < 0.2 and not everything else tuple((gift.promotion, 99) for gift in run.sale.gifts or ())
    exchange_fen = rng.choice((0, 0, 0, rng.randint(0, 20_000)))
    make(run, Wanted(lines, gifts, exchange_fen, "R1", rng.choice(((), ("card_terminal",)))))


def _live(run: Run, rng: random.Random) -> None:
    """What may happen between two returns: a coupon is spent, points are spent."""
    for code, now in run.coupons.items():
        if not now.is_void and not now.is_spent and rng.random() < 0.1:
            run.coupons[code] = now._replace(is_spent=True, is_used_up=True, saved_fen=rng.randint(0, 2000))
    have = points.balance(run.lots, TODAY)
    if have > 0 and rng.random() < 0.2:
        run.spent_since += (some := rng.randint(1, have))
        run.lots = points.after(run.lots, taken(points.redeem(run.lots, some, TODAY)))


def make(run: Run, wanted: Wanted) -> ReturnPlan:
    """Plan a return, book it, and hold all of it against what must be."""
    before = before_of(run.returns)
    stamps = {one.card: points.balance(run.stamps, TODAY) for one in run.sale.stamps or ()}
    run.is_package_here = run.bought is None or run.rng.random() < 0.9
    package = REPRICING if run.bought and run.is_package_here else None
    facts = Facts(run.terms, tuple(run.coupons.values()), stamps, package=package)
    plan = plan_return(run.sale, before, wanted, facts)
    assert not isinstance(plan, Refusal), plan
    ledger = Ledger(SALE_UID, f"{len(run.returns):032x}", run.lots, TODAY)
    moves = points_moves(run.sale, before, plan, ledger) if run.sale.customer else ()
    run.lots = points.after(run.lots, moves)
    punches: points.Moves = ()
    for card in plan.cards:
        punches += punch_moves(run.sale, before, card, ledger._replace(lots=run.stamps))
    run.stamps = points.after(run.stamps, punches)
    for code in plan.coupons:
        run.coupons[code] = made_void(run.coupons[code])
    run.returns.append(event(run.sale, plan, len(run.returns), points=moves or None, punches=punches or None))
    judge(run, plan)
    return plan


def made_void(now: CouponNow) -> CouponNow:
    assert not now.is_void, "a coupon is made void once"
    return now._replace(is_void=True)


def event(sale: Sale, plan: ReturnPlan, n: int = 0, **more: Any) -> Return:
    return Return(
        1, 2 + n, f"S001-01-AAAA-{2 + n:06d}", "01", 1, "1001", "2001", "damaged", SALE_UID, sale.number, 1, 1, plan.lines,
        plan.goods_fen, plan.withheld_fen, plan.rounding_fen, plan.taxes, plan.refunds, gifts=gifts_back(plan) or None,
        coupons=plan.coupons or None, kept_fen=plan.kept_fen, repriced_fen=plan.repriced_fen or None,
        by_shares=plan.by_shares or None, **more,
    )  # fmt: skip


def run_once(seed: int, *, reprices: bool = False) -> Run:
    """A sale and its returns in some order, to the last unit or not; `reprices`: under a package that prices again."""
    rng = random.Random(seed)
    run = repricing_sale(rng) if reprices else priced_sale(rng) if seed % 5 == 0 else made_up_sale(rng)
    for _ in range(rng.randint(1, 4)):
        if any(line.quantity > before_of(run.returns).units.get(n, 0) for n, line in enumerate(run.sale.lines)):
            return_some(run, rng)
    if rng.random() < 0.7:
        return_some(run, rng, everything=True)
    return run
