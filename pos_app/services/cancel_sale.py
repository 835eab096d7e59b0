"""A basket given up: it takes a number, and what was in it stays on record."""

from pos_app.domain.events import NumberTaken, SaleCancelled, VoidedLine
from pos_app.domain.lane.intents import CancelDone, NumberReady
from pos_app.domain.lane.state import LaneState
from pos_app.services.sell import number_for, voided_lines
from pos_app.services.shop import Shop
from store_db.drafts import Draft, drop


def cancel_sale(shop: Shop, state: LaneState, reason: str, approver: str, draft: Draft | None) -> CancelDone:
    """Commit the cancel under the basket's number, or the next one."""
    with shop.store.transaction():
        return cancel_inside(shop, state, reason, approver, draft)


def cancel_inside(shop: Shop, state: LaneState, reason: str, approver: str, draft: Draft | None) -> CancelDone:
    """The cancel, inside the open transaction."""
    lines = tuple(VoidedLine(line.item.sku, line.code, line.quantity, "", line.weight_g) for line in state.basket.lines)
    series_no, counter, number = number_for(shop, state.basket)
    event = SaleCancelled(
        series_no=series_no,
        counter=counter,
        number=number,
        lane=shop.lane,
        shift_no=state.shift_no or 0,
        staff=state.staff_number,
        approver=approver,
        reason=reason,
        total_fen=state.priced.total_fen,
        lines=lines,
        voided=voided_lines(state.basket),
    )
    shop.store.append(event, lane=shop.lane, uid=draft.uid if draft else None)
    if draft is not None:
        drop(shop.store.connection, draft.id)
    return CancelDone(number)


def take_number(shop: Shop) -> NumberReady:
    """The next number, taken inside the open transaction because the tender that follows can fail."""
    series_no, counter, number = shop.store.next_number(shop.lane)
    shop.store.append(NumberTaken(series_no, counter, number, shop.lane), lane=shop.lane)
    return NumberReady(series_no, counter)
