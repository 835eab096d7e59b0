"""From a paid basket to a sale: decide the event, commit it with its print job, let the draft go. One transaction."""

from pos_app.domain.basket import Basket, DetachReturn
from pos_app.domain.errors import Refusal
from pos_app.domain.events import Return, Sale, SaleLine, VoidedLine, sale_is_whole
from pos_app.domain.lane.intents import OffersChanged, SaleDone
from pos_app.domain.lane.state import LaneState, codes_of
from pos_app.domain.pricing.earning import line_rates
from pos_app.domain.pricing.model import Gift
from pos_app.domain.return_kept import priced_for
from pos_app.domain.returns import EXCHANGE, exchanged
from pos_app.domain.tender import Tender, rounding_fen
from pos_app.services.book_points import NOTHING, Booked, book, rise
from pos_app.services.give_gifts import given
from pos_app.services.offers import what_changed
from pos_app.services.return_goods import exchange_inside
from pos_app.services.shop import Shop
from store_db import print_jobs
from store_db.drafts import Draft, drop


class _Changed(Exception):
    """What changed meanwhile: takes back everything that the transaction did before it was noticed."""

    def __init__(self, changed: OffersChanged) -> None:
        super().__init__()
        self.changed = changed


def sell(shop: Shop, state: LaneState, tenders: tuple[Tender, ...], draft: Draft | None) -> SaleDone | OffersChanged:
    """Commit the sale. When this returns SaleDone, the sale is on disk with its number; when it raises, nothing of it is.

    Nothing is, either, when a coupon, an offer or points changed meanwhile: then what to take out of the basket is returned.
    Goods that are exchanged for the basket are returned in the same transaction, before anything is asked of the member.
    Raises StoreError (nothing was saved) and RuntimeError when the basket's own sums do not hold.
    """
    try:
        with shop.store.transaction():
            return _sell_inside(shop, state, tenders, draft)
    except _Changed as error:
        return error.changed


def _sell_inside(shop: Shop, state: LaneState, tenders: tuple[Tender, ...], draft: Draft | None) -> SaleDone:
    back = _exchanged(shop, state)
    changed = what_changed(shop, state, draft.id if draft else 0)
    if changed is not None:
        raise _Changed(changed)
    if back is not None:
        tenders = (*exchanged(back), *tenders)
    number = number_for(shop, state.basket)
    uid = draft.uid if draft else shop.store.ids.random(16)
    gifts = given(shop.store.connection, state.priced.gifts)
    sale = decide(state, tenders, number, book(shop, state, number, uid), gifts)
    entry = shop.store.append(sale, lane=shop.lane, uid=uid)
    print_jobs.add_job(shop.store.connection, shop.lane, entry.id, print_jobs.RECEIPT)
    if draft is not None:
        drop(shop.store.connection, draft.id)
    reached = rise(shop, state.basket.customer.alias, state.package)
    tier, gift = (reached.tier, reached.gift_sku) if reached else ("", "")
    refunds = tuple(refund for refund in back.refunds if refund.kind != EXCHANGE) if back else ()
    return SaleDone(sale.number, sale.total_fen, sale.tenders, sale.item_count, tier, gift, refunds=refunds)


def _exchanged(shop: Shop, state: LaneState) -> Return | None:
    """The return that pays for the basket, if one does."""
    if state.basket.exchange is None:
        return None
    back = exchange_inside(shop, state, state.basket.exchange)
    if isinstance(back, Refusal):
        raise _Changed(OffersChanged(back, (DetachReturn(),)))
    return back


def decide(
    state: LaneState, tenders: tuple[Tender, ...], number: tuple[int, int, str], booked: Booked = NOTHING,
    gifts: tuple[Gift, ...] = (),
) -> Sale:  # fmt: skip
    """The sale that a basket, its price and its tenders make."""
    priced, basket = state.priced, state.basket
    sale = Sale(
        series_no=number[0],
        counter=number[1],
        number=number[2],
        lane=state.config.lane,
        shift_no=state.shift_no or 0,
        staff=state.staff_number,
        lines=_lines(state),
        list_fen=priced.list_fen,
        discount_fen=priced.discount_fen,
        total_fen=priced.total_fen,
        rounding_fen=rounding_fen(priced.total_fen, tenders),
        item_count=priced.item_count,
        taxes=priced.taxes,
        tenders=tenders,
        package=state.package.digest,
        voided=voided_lines(basket),
        customer=basket.customer.alias or None,
        offers=priced.applied or None,
        gifts=gifts or None,
        raised=priced.raised or None,
        stamps=priced.stamps or None,
        priced_for=priced_for(basket, priced, state.package, state.price_ms, codes_of(state), state.used),
        **booked._asdict(),
    )
    if not sale_is_whole(sale):
        raise RuntimeError(f"sale {sale.number} does not add up")
    return sale


def voided_lines(basket: Basket) -> tuple[VoidedLine, ...]:
    """What was voided on the way, for the record."""
    return tuple(VoidedLine(v.line.item.sku, v.line.code, v.line.quantity, v.staff, v.line.weight_g) for v in basket.voided)


def number_for(shop: Shop, basket: Basket) -> tuple[int, int, str]:
    """The number the basket took before, unless its series belongs to another epoch: then that file may use it too."""
    if basket.number is None or not shop.store.is_own_series(basket.number[0]):
        return shop.store.next_number(shop.lane)
    series_no, counter = basket.number
    return series_no, counter, shop.store.number(series_no, counter)


def _lines(state: LaneState) -> tuple[SaleLine, ...]:
    """What is paid for; scanned units that became gifts are among the gifts."""
    basket, lines = state.basket, []
    for line, money, rate in zip(basket.lines, state.priced.lines, _rates(state), strict=True):
        if not money.paid_units(line.quantity):
            continue
        approval = basket.approval_of(line)
        lines.append(
            SaleLine(
                sku=line.item.sku,
                code=line.code,
                name=line.item.name,
                name_en=line.item.name_en,
                quantity=money.paid_units(line.quantity),
                weight_g=line.weight_g,
                unit_fen=money.unit_fen,
                list_fen=money.list_fen,
                net_fen=money.net_fen,
                source=money.source,
                tax_code=line.item.tax_code,
                tax_bp=line.item.tax_bp,
                approved_by=approval.staff if approval else None,
                flagged=line.flagged or None,
                shares=money.shares or None,
                points_rate=rate or None,
            )
        )
    return tuple(lines)


def _rates(state: LaneState) -> tuple[int, ...]:
    """What each line earned for 10,000 fen; none should they not explain what was earned."""
    basket, priced = state.basket, state.priced
    nothing = (0,) * len(basket.lines)
    if not priced.points_earned:
        return nothing
    rates = line_rates(basket, basket.customer, state.package, state.price_ms, codes_of(state), state.used, priced)
    earned = sum(money.net_fen * rate for money, rate in zip(priced.lines, rates, strict=True)) // 10_000
    return rates if earned == priced.points_earned else nothing
