"""Goods back: plan against the store as it is now, commit the return with its print job. One transaction."""

from pos_app.domain import points
from pos_app.domain.basket import AttachReturn, Basket, Line
from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.events import PointsMove, RefundSettled, Return, return_is_whole
from pos_app.domain.goods import Item
from pos_app.domain.lane.intents import BadgeSeen, CodeRefused
from pos_app.domain.lane.return_intents import NoReceiptFound, RefundDone, ReturnDone, ReturnRefused
from pos_app.domain.lane.state import LaneState
from pos_app.domain.no_receipt import good_of, plan_no_receipt
from pos_app.domain.pricing.engine import price
from pos_app.domain.pricing.model import EVENT, GIFT, STRANGER, Package
from pos_app.domain.return_points import points_moves, punch_moves
from pos_app.domain.return_terms import terms_of
from pos_app.domain.return_values import Facts, Ledger, Queued, Returnable, ReturnPlan, ReturnRequest
from pos_app.domain.returns import EXCHANGE, gifts_back, payment_of, plan_return
from pos_app.services.coupons import void_coupon
from pos_app.services.find_receipt import NOT_OURS, by_number
from pos_app.services.packages import package_by_digest
from pos_app.services.resolve_code import resolve_code
from pos_app.services.return_coupons import coupons_now
from pos_app.services.shop import Shop
from store_db import catalogue, hand_over, print_jobs, returns
from store_db import points as ledger


def plan_goods(shop: Shop, state: LaneState, request: ReturnRequest) -> ReturnPlan | Refusal:
    """What a return would do as things are now; nothing is changed. A sale that the hub decides on is claimed."""
    found = _sale_of(shop, request, claims=True)
    return found if isinstance(found, Refusal) else _plan(shop, state, request, found)


def return_goods(shop: Shop, state: LaneState, request: ReturnRequest, seen: ReturnPlan) -> ReturnDone | ReturnRefused:
    """Commit the return that was seen. When this returns ReturnDone it is on disk; when it raises, nothing of it is.

    Everything is read again inside the transaction: where another lane returned units, or spent a coupon, meanwhile, the
    plan is another one and nothing happens (POS-3306). So a unit comes back once, whoever is first.
    """
    if state.shift_no is None:
        return ReturnRefused(refuse("POS-4003"))
    with shop.store.transaction():
        return return_inside(shop, state, request, seen)


def return_inside(shop: Shop, state: LaneState, request: ReturnRequest, seen: ReturnPlan) -> ReturnDone | ReturnRefused:
    """The return, inside the open transaction."""
    found = _sale_of(shop, request)
    if isinstance(found, Refusal):
        return ReturnRefused(found)
    plan = _plan(shop, state, request, found)
    if isinstance(plan, Refusal):
        return ReturnRefused(plan)
    if plan != seen:
        return ReturnRefused(refuse("POS-3306"))
    back = _record(shop, state, request, plan, found)
    return ReturnDone(back.number, back.refunds)


def exchange_inside(shop: Shop, state: LaneState, exchange: AttachReturn) -> Return | Refusal:
    """The return that pays for a basket, inside the transaction of its sale: both are there, or neither is.

    What the basket does not use goes back as always; what would have to be reversed outside is queued.
    """
    found = _sale_of(shop, exchange.request)
    if found is None or isinstance(found, Refusal):
        return found or refuse("POS-3301", number=exchange.request.number)
    everything = _plan(shop, state, exchange.request, found)
    if isinstance(everything, Refusal) or everything.by_kind(EXCHANGE) != exchange.refund_fen:
        return refuse("POS-3306")
    kinds = tuple(sorted({payment.kind for tender in found.sale.tenders if (payment := payment_of(tender))}))
    wanted = exchange.request.wanted._replace(exchange_fen=state.exchange_fen, cut_off=kinds)
    request = exchange.request._replace(wanted=wanted)
    plan = _plan(shop, state, request, found)
    return plan if isinstance(plan, Refusal) else _record(shop, state, request, plan, found)


def _record(shop: Shop, state: LaneState, request: ReturnRequest, plan: ReturnPlan, found: Returnable | None) -> Return:
    """The event, what it makes void, and its print job. A claim at the hub is used up by it."""
    uid = (found.claim if found else b"") or shop.store.ids.random(16)
    back = decide(shop, state, request, plan, found, uid)
    entry = shop.store.append(back, lane=shop.lane, uid=uid)
    for code in plan.coupons:
        void_coupon(shop.store, code, back.number, shop.lane)
    hand_over.forget(shop.store.connection, uid)
    print_jobs.add_job(shop.store.connection, shop.lane, entry.id, print_jobs.RECEIPT)
    return back


def decide(
    shop: Shop, state: LaneState, request: ReturnRequest, plan: ReturnPlan, found: Returnable | None, uid: bytes
) -> Return:
    """The event of a planned return. Raises RuntimeError when its sums do not hold."""
    sale = found.sale if found else None
    here = sale if found and not found.is_elsewhere else None
    moves, punches = _moves(shop, plan, found, uid.hex()) if found else ((), ())
    number = shop.store.next_number(shop.lane)
    back = Return(
        series_no=number[0],
        counter=number[1],
        number=number[2],
        lane=shop.lane,
        shift_no=state.shift_no or 0,
        staff=state.staff_number,
        approver=request.approver or state.staff_number,
        reason=request.reason,
        sale=found.uid if found else "",
        sale_number=sale.number if sale else "",
        sale_series_no=here.series_no if here else 0,
        sale_counter=here.counter if here else 0,
        lines=plan.lines,
        goods_fen=plan.goods_fen,
        withheld_fen=plan.withheld_fen,
        rounding_fen=plan.rounding_fen,
        taxes=plan.taxes,
        refunds=plan.refunds,
        is_void=request.is_void or None,
        flagged=sale is None or None,
        customer=sale.customer if sale else None,
        gifts=gifts_back(plan) or None,
        coupons=plan.coupons or None,
        points=moves or None,
        punches=punches or None,
        tier_recheck=plan.tier_recheck or None,
        kept_fen=plan.kept_fen,
        repriced_fen=plan.repriced_fen or None,
        by_shares=plan.by_shares or None,
    )
    if not return_is_whole(back):
        raise RuntimeError(f"return {back.number} does not add up")
    return back


def settle_refund(shop: Shop, state: LaneState, queued: Queued, slip: str) -> RefundDone | ReturnRefused:
    """Record that a refund which waited was made; once, whoever is first."""
    with shop.store.transaction() as connection:
        if not returns.queued_fen(connection, queued.series_no, queued.counter):
            return ReturnRefused(refuse("POS-3309", number=queued.number))
        event = RefundSettled(queued.series_no, queued.counter, queued.number, slip, state.staff_number)
        shop.store.append(event, lane=shop.lane)
    return RefundDone(queued.number)


# ------------------------------------------------------------------ what the store knows


def _sale_of(shop: Shop, request: ReturnRequest, *, claims: bool = False) -> Returnable | Refusal | None:
    """The sale as it is now: of this file, or as it was claimed at the hub, which nobody is asked inside a transaction."""
    if not request.number:
        return None
    found = by_number(shop.store, request.number)
    if not isinstance(found, Refusal) or found.code != NOT_OURS or shop.hub is None:
        return found
    if request.wanted.exchange_fen:
        return refuse("POS-3313", number=request.number)
    return shop.hub.claim_sale(request.number) if claims else shop.hub.claimed_sale(request.number) or found


def _plan(shop: Shop, state: LaneState, request: ReturnRequest, found: Returnable | None) -> ReturnPlan | Refusal:
    if found is None:
        today_fen = returns.without_receipt_fen(shop.store.connection, shop.store.business_date())
        return plan_no_receipt(request, state.package.cash_step_fen, today_fen, shop.config.no_receipt_day_max_fen)
    return plan_return(found.sale, found.before, request.wanted, facts_of(shop, state, found))


def facts_of(shop: Shop, state: LaneState, found: Returnable) -> Facts:
    """What is true of a sale now and does not stand in it."""
    sale, connection = found.sale, shop.store.connection
    on = shop.store.business_date()
    gave = any(offer.stage in (GIFT, EVENT) for offer in sale.offers or ())
    package = _package(shop, state, sale.package) if gave or sale.priced_for else None
    items = {line.sku: item for line in sale.lines if (item := _item(shop, line.sku)) is not None} if gave else {}
    cards = {one.card for one in sale.stamps or ()} if sale.customer else set()
    return Facts(
        terms=terms_of(sale, package, items) if gave else {},
        coupons=coupons_now(connection, sale),
        stamps={card: points.balance(ledger.lots(connection, sale.customer or "", card), on) for card in sorted(cards)},
        cash_step_fen=state.package.cash_step_fen,
        package=package,
    )


def _item(shop: Shop, sku: str) -> Item | None:
    return catalogue.find_by_sku(shop.store.connection, sku, shop.now_ms())


def _package(shop: Shop, state: LaneState, digest: str) -> Package | None:
    """The package a sale was priced under."""
    known = (state.package, shop.config.package)
    return next((package for package in known if package.digest == digest), None) or package_by_digest(shop.store, digest)


def _moves(shop: Shop, plan: ReturnPlan, found: Returnable, uid: str) -> tuple[tuple[PointsMove, ...], tuple[PointsMove, ...]]:
    """(points, stamps) that a member's return moves."""
    sale, connection = found.sale, shop.store.connection
    if not sale.customer:
        return (), ()
    book = Ledger(found.uid, uid, ledger.lots(connection, sale.customer), shop.store.business_date())
    moves = points_moves(sale, found.before, plan, book)
    punches: tuple[PointsMove, ...] = ()
    for card in plan.cards:
        lots = ledger.lots(connection, sale.customer, card.card)
        punches += punch_moves(sale, found.before, card, book._replace(lots=lots))
    return moves, punches


# ------------------------------------------------------------------ without a receipt


def good_without_receipt(shop: Shop, state: LaneState, code: str) -> NoReceiptFound | ReturnRefused:
    """A scanned good at the lowest price it has now; a weighed one by its label."""
    answer = resolve_code(shop, code, "return")
    if isinstance(answer, CodeRefused):
        return ReturnRefused(answer.refusal)
    if isinstance(answer, BadgeSeen):
        return ReturnRefused(refuse("POS-2115"))
    item, label = answer.item, answer.in_store
    weight_g = label.weight_g if label else None
    label_fen = label.amount_fen if label else None
    if (item.weighed and weight_g is None) or (item.ask_price and label_fen is None):
        return ReturnRefused(refuse("POS-2113", name=item.name, name_en=item.name_en))
    line = Line(1, item, answer.code, 1, weight_g, label_fen)
    shelf_fen = price(Basket(lines=(line,)), STRANGER, state.package, shop.now_ms()).total_fen
    return NoReceiptFound(good_of(item, 1, weight_g, shelf_fen))
