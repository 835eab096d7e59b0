"""A till's file with orders that no HQ has heard of: a real seeded day, and its sales again and again under new numbers."""

from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from bench import shops
from pos_app.demo.day import run_day
from pos_app.domain.events import Sale
from store_db import journal
from store_db.store import Store

DAY_ORDERS, BATCH = 300, 1_000


def waiting_file(folder: Path, orders: int) -> Path:
    return shops.kept(folder, f"waiting{orders}", lambda path: _make(path, orders))


def _make(path: Path, orders: int) -> None:
    run_day(path, DAY_ORDERS, 7, lambda *_: None)
    with Store.open(path) as store:
        events = [entry.event() for entry in journal.entries(store.connection)]
        sales = [replace(event, issued=None, coupons=None) for event in events if isinstance(event, Sale)]
        more = islice(cycle(sales), orders - len(sales))
        store.connection.execute("PRAGMA synchronous = OFF")  # while it is built
        while batch := list(islice(more, BATCH)):
            with store.transaction():
                for sale in batch:
                    series_no, counter, number = store.next_number(sale.lane)
                    store.append(replace(sale, series_no=series_no, counter=counter, number=number), lane=sale.lane)
