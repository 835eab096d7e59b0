"""Find a sale that goods come back from: by its number, by a lane's counter, by its amount, or among the latest."""

import re

from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.events import Sale
from pos_app.domain.money import is_digits, parse_yuan
from pos_app.domain.return_values import Queued, ReceiptRow, Returnable
from pos_app.domain.returns import before_of
from pos_app.services.shop import Shop
from store_db import hand_over, journal, returns, series
from store_db.connection import Connection
from store_db.store import Store

NUMBER = re.compile(r"(?P<store>.+)-(?P<lane>[^-]+)-(?P<series>[A-Z2-7]{4})-(?P<counter>\d{6,9})", re.ASCII)
AMOUNT = re.compile(r"\d{1,7}\.\d{1,2}", re.ASCII)
ROWS = 9
NOT_OURS = "POS-3308"


def find_receipt(shop: Shop, text: str) -> Returnable | Queued | tuple[ReceiptRow, ...] | Refusal:
    """What a text means: `S001-03-7K2Q-000123` a number, `123` this lane's, `03-123` another lane's, `70.80` an amount.

    An empty text lists this lane's latest sales; a return's number finds its refund if that still waits. What another till
    sold, or this one handed over, is the hub's to know.
    """
    store, text = shop.store, text.strip().upper()
    if not text:
        return _latest(store, shop.lane)
    if AMOUNT.fullmatch(text):
        return _by_amount(store, parse_yuan(text)) or refuse("POS-3301", number=text)
    place = _place(store, shop.lane, text)
    if isinstance(place, Refusal):
        return _by_hub(shop, text, place)
    waiting_fen = returns.queued_fen(store.connection, *place)
    if waiting_fen is None:
        found = _returnable(store, *place, text)
        return _by_hub(shop, store.number(*place).upper(), found) if isinstance(found, Refusal) else found
    number = store.number(*place)
    return Queued(*place, number, waiting_fen) if waiting_fen else refuse("POS-3309", number=number)


def _by_hub(shop: Shop, number: str, refusal: Refusal) -> Returnable | Refusal:
    """What the hub knows of a sale that this file does not decide on."""
    return shop.hub.find_sale(number) if shop.hub is not None and refusal.code == NOT_OURS else refusal


def _place(store: Store, lane: str, text: str) -> tuple[int, int] | Refusal:
    """(series, counter) of a typed or scanned number."""
    whole = NUMBER.fullmatch(text)
    if whole is not None:
        known = {place: number for number, place in series.codes(store.connection).items()}
        number = known.get((whole["lane"], whole["series"]))
        if number is None or whole["store"] != store.device.store.upper():
            return refuse(NOT_OURS, number=text)
        return number, int(whole["counter"])
    where, _, counter = text.rpartition("-")
    found = series.series_of(store.connection, store.device.epoch, where or lane)
    if found is None or not is_digits(counter) or len(counter) > 9:
        return refuse("POS-3301", number=text)
    return found[0], int(counter)


def _returnable(store: Store, series_no: int, counter: int, text: str) -> Returnable | Refusal:
    sql = "SELECT state, journal_id FROM receipts WHERE series_no = ? AND counter = ?"
    row = store.connection.execute(sql, (series_no, counter)).fetchone()
    if row is None:
        return refuse("POS-3301", number=text)
    if row[0] != "paid":
        return refuse("POS-3304", number=store.number(series_no, counter))
    if hand_over.is_handed_over(store.connection, hand_over.SALE, store.number(series_no, counter).upper()):
        return refuse(NOT_OURS, number=text)
    entry = journal.entry_by_id(store.connection, row[1])
    sale = entry.event() if entry else None
    if entry is None or not isinstance(sale, Sale):
        raise RuntimeError(f"receipt {series_no}/{counter} is paid and has no sale")
    before = before_of(returns.of_sale(store.connection, series_no, counter))
    return Returnable(entry.header.uid.hex(), entry.header.wall_ms, sale, before)


def by_number(store: Store, number: str) -> Returnable | Refusal:
    """The sale of a whole number, as it is now: asked again inside the transaction that returns it."""
    place = _place(store, "", number)
    return place if isinstance(place, Refusal) else _returnable(store, *place, number)


def last_receipt(shop: Shop) -> Returnable | Refusal:
    """This lane's newest sale."""
    rows = _latest(shop.store, shop.lane, most=1)
    return by_number(shop.store, rows[0].number) if rows else refuse("POS-3009")


def _latest(store: Store, lane: str, most: int = ROWS) -> tuple[ReceiptRow, ...]:
    sql = "SELECT id FROM journal WHERE kind = 'sale' AND lane = ? ORDER BY id DESC LIMIT ?"
    return _rows(store.connection, [row[0] for row in store.connection.execute(sql, (lane, most))])


def _by_amount(store: Store, total_fen: int) -> tuple[ReceiptRow, ...]:
    """The latest sales of this file that were paid with an amount, before or after cash rounding."""
    sql = (
        "SELECT journal_id FROM receipts WHERE state = 'paid' AND (total_fen = ? OR total_fen + rounding_fen = ?) "
        "ORDER BY journal_id DESC LIMIT ?"
    )
    return _rows(store.connection, [row[0] for row in store.connection.execute(sql, (total_fen, total_fen, ROWS))])


def _rows(connection: Connection, entry_ids: list[int]) -> tuple[ReceiptRow, ...]:
    entries = [entry for entry_id in entry_ids if (entry := journal.entry_by_id(connection, entry_id)) is not None]
    sales = [(entry.header.wall_ms, entry.event()) for entry in entries]
    return tuple(
        ReceiptRow(sale.number, at_ms, sale.total_fen, sale.item_count) for at_ms, sale in sales if isinstance(sale, Sale)
    )
