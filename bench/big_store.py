"""A store with 200,000 goods and 500,000 codes, built once by the product's own `put_items`."""

from itertools import islice
from pathlib import Path

from bench import goods, shops
from bench.figures import Options
from pos_app.demo.shop import STORE, TAX_RATES
from store_db import catalogue
from store_db.store import Store

BATCH = 2_000


def big_file(options: Options) -> Path:
    """200,000 goods with 500,000 codes; 20,000 with 50,000 in a quick run."""
    items, codes = options.pick(200_000, 20_000), options.pick(500_000, 50_000)
    return shops.kept(options.folder, f"goods{items}", lambda path: _make(path, items, codes))


def _make(path: Path, items: int, codes: int) -> None:
    rows = goods.rows(items, codes)
    with Store.create(path, STORE) as store:
        store.connection.execute("PRAGMA synchronous = OFF")  # while it is built; measuring connections have their own
        with store.transaction() as connection:
            connection.executemany("INSERT INTO tax_rates VALUES (?,?,?)", TAX_RATES)
        while batch := list(islice(rows, BATCH)):
            with store.transaction() as connection:
                catalogue.put_items(connection, batch, store.clock.wall_ms())
