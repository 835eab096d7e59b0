"""What tills write: real events through the real journal, small but whole, and some that are not."""

import random
from dataclasses import dataclass
from typing import ClassVar

from pos_app.domain.events import (
    Event,
    PointsMove,
    PointsMoved,
    Refund,
    Return,
    ReturnedLine,
    Sale,
    SaleLine,
    ShiftClosed,
    ShiftOpened,
    StockMove,
    StockMoved,
)  # fmt: skip
from pos_app.domain.pricing.model import TaxShare
from pos_app.domain.tender import Tender
from store_db.journal import Entry, entry_by_id
from store_db.store import Store

LANE, STAFF = "01", "1001"
PRICES_FEN = {"WATER": 200, "MILK": 350, "COLA": 300}
MEMBERS = ("anna", "bert")


@dataclass(frozen=True, slots=True)
class Novelty(Event):
    """A kind that no HQ of today knows."""

    kind: ClassVar[str] = "novelty"
    what: str


def sell(
    store: Store, luck: random.Random, *, uid: bytes | None = None, points: int = 0, coupon: str = "", is_poison: bool = False
) -> Entry:
    """A sale of one line in a transaction of its own; `points` above zero are earned, below zero spent by a member.

    A poisoned one does not add up: the journal carries it, HQ must not count it, and nothing behind it may wait.
    """
    sku = luck.choice(tuple(PRICES_FEN))
    quantity = luck.randint(1, 3)
    total_fen = PRICES_FEN[sku] * quantity
    with store.transaction():
        shift_no = _shift(store)
        series_no, counter, number = store.next_number(LANE)
        uid = uid or store.ids.random(16)
        line = SaleLine(sku, "", sku, quantity, PRICES_FEN[sku], total_fen, total_fen, "S13", 1300)
        tax = TaxShare("S13", 1300, total_fen, total_fen * 1300 // 11300)
        moves = (PointsMove("rule", f"{uid.hex()}:rule", points),) if points else None
        sale = Sale(
            series_no, counter, number, LANE, shift_no, STAFF, (line,), total_fen, 0, total_fen, 0, quantity + is_poison, (tax,),
            (Tender("cash", total_fen, total_fen),), "", customer=luck.choice(MEMBERS) if points else None, points=moves,
            coupons=(coupon,) if coupon else None,
        )  # fmt: skip
        return store.append(sale, lane=LANE, uid=uid)


def give_back(store: Store, luck: random.Random) -> Entry | None:
    """The whole of a sale that did not come back yet; None when there is none."""
    with store.transaction():
        found = _returnable(store, luck)
        if found is None:
            return None
        sale = found.event()
        assert isinstance(sale, Sale)
        shift_no = _shift(store)
        series_no, counter, number = store.next_number(LANE)
        lines = tuple(ReturnedLine(n, li.sku, li.name, li.quantity, li.net_fen, "bad") for n, li in enumerate(sale.lines))
        back = Return(
            series_no, counter, number, LANE, shift_no, STAFF, STAFF, "bad", found.header.uid.hex(), sale.number, sale.series_no,
            sale.counter, lines, sale.total_fen, 0, 0, sale.taxes, (Refund("cash", sale.total_fen),),
        )  # fmt: skip
        return store.append(back, lane=LANE)


def move_points(store: Store, luck: random.Random, points: int) -> Entry:
    """Points of a member without a sale."""
    with store.transaction():
        lot = f"{store.ids.random(8).hex()}:gift"
        return store.append(PointsMoved(luck.choice(MEMBERS), "sign_up", (PointsMove("gift", lot, points),)), lane=LANE)


def deliver(store: Store, luck: random.Random) -> Entry:
    """Goods that came in."""
    moves = tuple(StockMove(sku, luck.randint(1, 24)) for sku in PRICES_FEN)
    return store.record(StockMoved("delivery", moves), lane=LANE)


def flood(store: Store) -> Entry:
    """A delivery of more than any shop can hold: HQ's bounds refuse it."""
    return store.record(StockMoved("delivery", (StockMove("WATER", 1 << 45),)), lane=LANE)


def invent(store: Store) -> Entry:
    """An event of a kind that only a later version knows."""
    return store.record(Novelty("a kind of tomorrow"), lane=LANE)


def close_day(store: Store) -> Entry:
    """Close the open shift with a Z that is the sum of its sales and returns."""
    with store.transaction() as connection:
        shift_no = _shift(store)
        sales = connection.execute(
            "SELECT count(*), ifnull(sum(total_fen), 0) FROM receipts WHERE shift_no = ? AND state = 'paid'", (shift_no,)
        ).fetchone()
        backs = connection.execute(
            "SELECT count(*), ifnull(sum(goods_fen - withheld_fen + rounding_fen), 0) FROM returns WHERE shift_no = ?",
            (shift_no,),
        ).fetchone()
        expected_fen = sales[1] - backs[1]
        tenders = (("cash", sales[0], sales[1]),)
        z = ShiftClosed(
            shift_no, LANE, STAFF, (), expected_fen, expected_fen, 0, sales[0], 0, sales[1], 0, tenders, (),
            returns=backs[0], refunded_fen=backs[1],
        )  # fmt: skip
        return store.append(z, lane=LANE)


def _shift(store: Store) -> int:
    """The lane's open shift; one is opened where there is none."""
    row = store.connection.execute("SELECT max(shift_no) FROM shifts WHERE state = 'open'").fetchone()
    if row[0] is not None:
        return int(row[0])
    shift_no = int(store.connection.execute("SELECT ifnull(max(shift_no), 0) + 1 FROM shifts").fetchone()[0])
    store.append(ShiftOpened(shift_no, LANE, STAFF, 0), lane=LANE)
    return shift_no


def _returnable(store: Store, luck: random.Random) -> Entry | None:
    ids = [row[0] for row in store.connection.execute(
        "SELECT journal_id FROM receipts r WHERE state = 'paid' AND NOT EXISTS (SELECT 1 FROM returns b "
        "WHERE b.sale_series_no = r.series_no AND b.sale_counter = r.counter) ORDER BY journal_id"
    )]  # fmt: skip
    for entry_id in luck.sample(ids, len(ids)):
        entry = entry_by_id(store.connection, entry_id)
        if entry is not None:
            sale = entry.event()
            if isinstance(sale, Sale) and sale.item_count == sum(line.quantity for line in sale.lines) and not sale.customer:
                return entry
    return None


def spend(store: Store, luck: random.Random, cap: int) -> Entry | None:
    """Points spent while nobody can be asked: at most `cap` by each member in the life of a file, as a stated debt."""
    alias = luck.choice(MEMBERS)
    with store.transaction() as connection:
        lot = f"{alias}:debt"
        spent = connection.execute("SELECT ifnull(-sum(points), 0) FROM points_entries WHERE lot = ?", (lot,)).fetchone()[0]
        points = min(cap - spent, luck.randint(1, cap))
        if points <= 0:
            return None
        return store.append(PointsMoved(alias, "donate", (PointsMove("donate", lot, -points),)), lane=LANE)
