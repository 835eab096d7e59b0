"""Stock as moves: a sale appends, nothing is updated. On hand = folded base + the moves after it."""

from typing import Any

from pos_app.domain.events import Header
from store_db.connection import Connection

Payload = dict[str, Any]
INSERT = "INSERT INTO stock_moves VALUES (?,?,?,?)"


def project_sale(connection: Connection, entry_id: int, header: Header, sale: Payload) -> None:
    """One move a line: units out, or grams out for a weighed line."""
    rows = [(entry_id, n, line["sku"], -line.get("weight_g", line["quantity"])) for n, line in enumerate(sale["lines"], 1)]
    connection.executemany(INSERT, rows)


def project_moved(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    rows = [(entry_id, n, move["sku"], move["quantity"]) for n, move in enumerate(payload["moves"], 1)]
    connection.executemany(INSERT, rows)


def on_hand(connection: Connection, sku: str) -> int:
    """Units, or grams for a weighed good. Negative is legal: the shelf knows better than the books."""
    base = connection.execute("SELECT quantity FROM stock_base WHERE sku = ?", (sku,)).fetchone()
    later = connection.execute(
        "SELECT ifnull(sum(quantity), 0) FROM stock_moves WHERE journal_id > (SELECT folded_to FROM stock_fold) AND sku = ?",
        (sku,),
    ).fetchone()
    return (base[0] if base else 0) + int(later[0])


def fold(connection: Connection, events_max: int = 200) -> int:
    """Fold the moves of up to `events_max` more events into the base, inside the open transaction; how many were left.

    A property that `pos verify` checks: base = sum of all folded moves, so folding changes no stock figure.
    """
    folded_to = connection.execute("SELECT folded_to FROM stock_fold").fetchone()[0]
    last = connection.execute("SELECT ifnull(max(journal_id), 0) FROM stock_moves").fetchone()[0]
    upto = min(folded_to + events_max, last)
    connection.execute(
        "INSERT INTO stock_base SELECT sku, sum(quantity) FROM stock_moves WHERE journal_id > ? AND journal_id <= ? GROUP BY sku "
        "ON CONFLICT (sku) DO UPDATE SET quantity = quantity + excluded.quantity",
        (folded_to, upto),
    )
    connection.execute("UPDATE stock_fold SET folded_to = ?", (max(upto, folded_to),))
    return max(0, int(last) - int(upto))
