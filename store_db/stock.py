"""Stock as moves: a sale appends, nothing is updated. On hand = folded base + the moves after it."""

from typing import Any

from pos_app.domain.events import Header
from store_db.connection import Connection

Payload = dict[str, Any]
INSERT = "INSERT INTO stock_moves VALUES (?,?,?)"
# A move's id is its event's journal id and its place in it: an append-only integer key, and a range for every stretch of journal.
PLACE_BITS = 12
MOVES_MAX = (1 << PLACE_BITS) - 1


def project_sale(connection: Connection, entry_id: int, header: Header, sale: Payload) -> None:
    """One move a line: units out, or grams out for a weighed line; and one a gift."""
    lines = [(line["sku"], -line.get("weight_g", line["quantity"])) for line in sale["lines"]]
    _append(connection, entry_id, [*lines, *((gift["sku"], -gift["quantity"]) for gift in sale.get("gifts", ()))])


def project_return(connection: Connection, entry_id: int, header: Header, back: Payload) -> None:
    """Goods that go back on the shelf; what is waste left the stock when it was sold."""
    lines = [line for line in back["lines"] if not line.get("to_waste")]
    goods = [(line["sku"], line.get("weight_g", line["units"])) for line in lines]
    _append(connection, entry_id, [*goods, *((gift["sku"], gift["quantity"]) for gift in back.get("gifts", ()))])


def project_moved(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    _append(connection, entry_id, [(move["sku"], move["quantity"]) for move in payload["moves"]])


def _append(connection: Connection, entry_id: int, moves: list[tuple[str, int]]) -> None:
    if len(moves) > MOVES_MAX:
        raise ValueError(f"an event moves at most {MOVES_MAX} goods, not {len(moves)}")
    first = entry_id << PLACE_BITS
    connection.executemany(INSERT, [(first + n, sku, quantity) for n, (sku, quantity) in enumerate(moves, 1)])


def on_hand(connection: Connection, sku: str) -> int:
    """Units, or grams for a weighed good. Negative is legal: the shelf knows better than the books."""
    base = connection.execute("SELECT quantity FROM stock_base WHERE sku = ?", (sku,)).fetchone()
    later = connection.execute(
        "SELECT ifnull(sum(quantity), 0) FROM stock_moves WHERE id > (SELECT folded_to FROM stock_fold) AND sku = ?",
        (sku,),
    ).fetchone()
    return (base[0] if base else 0) + int(later[0])


def unfolded_events(connection: Connection) -> int:
    """How far the journal's moves go beyond the base, in events."""
    sql = "SELECT ifnull((SELECT max(id) FROM stock_moves), 0), folded_to FROM stock_fold"
    last, folded_to = connection.execute(sql).fetchone()
    return (int(last) >> PLACE_BITS) - (int(folded_to) >> PLACE_BITS)


def fold(connection: Connection, events_max: int = 200) -> int:
    """Fold the moves of up to `events_max` more events into the base, inside the open transaction; how many events were left.

    A property that `pos verify` checks: base = sum of all folded moves, so folding changes no stock figure.
    """
    folded_to = int(connection.execute("SELECT folded_to FROM stock_fold").fetchone()[0])
    last = int(connection.execute("SELECT ifnull(max(id), 0) FROM stock_moves").fetchone()[0])
    upto = min(((folded_to >> PLACE_BITS) + events_max << PLACE_BITS) | MOVES_MAX, last)
    if upto <= folded_to:
        return 0
    connection.execute(
        "INSERT INTO stock_base SELECT sku, sum(quantity) FROM stock_moves WHERE id > ? AND id <= ? GROUP BY sku "
        "ON CONFLICT (sku) DO UPDATE SET quantity = quantity + excluded.quantity",
        (folded_to, upto),
    )
    connection.execute("UPDATE stock_fold SET folded_to = ?", (upto,))
    return (last >> PLACE_BITS) - (upto >> PLACE_BITS)
