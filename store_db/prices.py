"""The catalogue's prices: what changes with a package, what waits for its shelf tag, what they were lately."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pos_app.domain.goods import Prices
from store_db.connection import Connection

HISTORY_MS = 31 * 86_400_000


@dataclass(frozen=True, slots=True)
class PriceTask:
    """A higher price that waits until the shelf tag says it."""

    sku: str
    name: str
    package: str
    was: Prices
    now: Prices
    made_ms: int


TASKS = (
    "SELECT t.sku, i.name, t.package, i.price_fen, i.promo_price_fen, i.member_price_fen, t.price_fen, t.promo_price_fen, "
    "t.member_price_fen, t.made_ms FROM price_tasks t JOIN items i ON i.sku = t.sku "
)


def all_prices(connection: Connection) -> dict[str, Prices]:
    """The prices of every good, by sku."""
    rows = connection.execute("SELECT sku, price_fen, promo_price_fen, member_price_fen FROM items")
    return {sku: Prices(*prices) for sku, *prices in rows}


def some_prices(connection: Connection, skus: Iterable[str]) -> dict[str, Prices]:
    """The prices of those goods that are there, by sku."""
    rows = connection.execute(
        "SELECT sku, price_fen, promo_price_fen, member_price_fen FROM items WHERE sku IN (SELECT value FROM json_each(?))",
        (json.dumps(list(skus)),),
    )
    return {sku: Prices(*prices) for sku, *prices in rows}


def applied_package(connection: Connection) -> str:
    """The digest of the package whose prices the catalogue took last."""
    return str(connection.execute("SELECT package FROM price_state").fetchone()[0])


def set_applied_package(connection: Connection, digest: str) -> None:
    connection.execute("UPDATE price_state SET package = ?", (digest,))


def put_prices(connection: Connection, changes: Iterable[tuple[str, Prices, Prices]], now_ms: int) -> None:
    """Write (sku, was, now) into the catalogue, and what anybody paid until now into the history."""
    changes = list(changes)
    connection.executemany(
        "UPDATE items SET price_fen = ?, promo_price_fen = ?, member_price_fen = ? WHERE sku = ?",
        [(*now, sku) for sku, _, now in changes],
    )
    connection.executemany(
        "INSERT INTO price_history VALUES (?,?,?) ON CONFLICT DO UPDATE SET lowest_fen = min(lowest_fen, excluded.lowest_fen)",
        [(sku, now_ms, was.public_fen) for sku, was, _ in changes],
    )
    connection.execute("DELETE FROM price_history WHERE until_ms < ?", (now_ms - HISTORY_MS,))
    if changes:
        connection.execute("UPDATE catalogue_state SET updated_ms = ?", (now_ms,))


def lowest_since(connection: Connection, since_ms: int) -> dict[str, int]:
    """The lowest price that held at any time since then, by sku, of goods whose price has changed since."""
    rows = connection.execute("SELECT sku, min(lowest_fen) FROM price_history WHERE until_ms > ? GROUP BY sku", (since_ms,))
    return dict(rows.fetchall())


def tasks(connection: Connection) -> list[PriceTask]:
    """What waits for a shelf tag, the oldest first."""
    return [_task(row) for row in connection.execute(TASKS + "ORDER BY t.made_ms, t.sku")]


def task(connection: Connection, sku: str) -> PriceTask | None:
    row = connection.execute(TASKS + "WHERE t.sku = ?", (sku,)).fetchone()
    return _task(row) if row else None


def put_tasks(connection: Connection, package: str, rises: Iterable[tuple[str, Prices]], now_ms: int) -> None:
    """One task a good: a newer price takes the place of one that still waits."""
    connection.executemany(
        "INSERT OR REPLACE INTO price_tasks VALUES (?,?,?,?,?,?)", [(sku, package, *now, now_ms) for sku, now in rises]
    )


def drop_tasks(connection: Connection, skus: Iterable[str]) -> None:
    connection.executemany("DELETE FROM price_tasks WHERE sku = ?", [(sku,) for sku in skus])


def _task(row: Sequence[Any]) -> PriceTask:
    sku, name, package, *prices, made_ms = row
    return PriceTask(sku, name, package, Prices(*prices[:3]), Prices(*prices[3:]), made_ms)
