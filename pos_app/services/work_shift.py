"""Shifts at a lane: open with a float, X, close with a blind count and Z."""

from pos_app.domain.errors import refuse
from pos_app.domain.events import DrawerOpened, ShiftClosed, ShiftOpened
from pos_app.domain.lane.intents import Failed, NoSaleDone, RecordNoSale, ReportReady, ShiftReady
from pos_app.domain.lane.state import LaneState
from pos_app.domain.permissions import ACCEPT_CLOCK, may
from pos_app.domain.shift import Report, counted_fen, report
from pos_app.services.shop import Shop
from store_db import print_jobs, returns, sales, shifts

CLOCK_DRIFT_MAX_MS = 2 * 3_600_000
CLOCK_EVENTS = 5_000


def clock_stands_back(shop: Shop) -> bool:
    """Whether the PC's clock stands well before the latest of the newest events: a dead battery, or somebody's doing."""
    latest_ms = shop.store.latest_wall_ms(CLOCK_EVENTS)
    return shop.now_ms() < latest_ms - CLOCK_DRIFT_MAX_MS


def open_shift(shop: Shop, state: LaneState, float_fen: int) -> ShiftReady | Failed:
    """Open the lane's shift. With a clock set back only who may accept that opens it."""
    role = state.person.role if state.person else ""
    if clock_stands_back(shop) and not state.is_self_checkout and not may(role, ACCEPT_CLOCK):
        return Failed(refuse("POS-4007"))
    with shop.store.transaction() as connection:
        if shifts.open_shift(connection, shop.lane) is not None:
            return Failed(refuse("POS-4004"))
        shift_no = shifts.next_shift_no(connection)
        shop.store.append(ShiftOpened(shift_no, shop.lane, state.staff_number, float_fen), lane=shop.lane)
    return ShiftReady(shift_no, float_fen)


def make_report(shop: Shop, state: LaneState) -> Report:
    """The figures of the open shift, from its receipts."""
    connection, shift_no = shop.store.connection, state.shift_no or 0
    return report(state.float_fen, sales.shift_figures(connection, shift_no), returns.shift_figures(connection, shift_no))


def close_shift(shop: Shop, state: LaneState, counts: tuple[tuple[int, int], ...], reason: str) -> ReportReady | Failed:
    """Close and Z, in one transaction. Any difference is accepted; nothing outside this file can stop it."""
    if state.shift_no is None:
        return Failed(refuse("POS-4003"))
    with shop.store.transaction() as connection:
        figures = make_report(shop, state)
        counted = counted_fen(counts)
        event = ShiftClosed(
            shift_no=state.shift_no,
            lane=shop.lane,
            staff=state.staff_number,
            counts=counts,
            counted_fen=counted,
            expected_fen=figures.expected_cash_fen,
            difference_fen=counted - figures.expected_cash_fen,
            sales=figures.sales,
            cancelled=figures.cancelled,
            total_fen=figures.total_fen,
            rounding_fen=figures.rounding_fen,
            tenders=tuple((t.kind, t.count, t.amount_fen) for t in figures.tenders),
            taxes=figures.taxes,
            reason=reason,
            returns=figures.returns or None,
            refunded_fen=figures.refunded_fen or None,
            refunds=tuple((t.kind, t.count, t.amount_fen) for t in figures.refunds) or None,
            taxes_back=figures.taxes_back or None,
        )
        entry = shop.store.append(event, lane=shop.lane)
        print_jobs.add_job(connection, shop.lane, entry.id, print_jobs.Z_REPORT)
    return ReportReady("closed", figures)


def record_no_sale(shop: Shop, state: LaneState, effect: RecordNoSale) -> NoSaleDone:
    """The drawer is opened without a sale: recorded first."""
    shop.store.record(DrawerOpened(shop.lane, state.staff_number, effect.approver, effect.reason), lane=shop.lane)
    return NoSaleDone()
