"""Open and held baskets: the operations of each, in order. Open work, outside the journal, as durable as a sale."""

import json
from dataclasses import dataclass

from pos_app.domain.basket import OPS, Basket, Op, fold
from pos_app.domain.plain import from_json, to_json
from store_db import reservations
from store_db.connection import Connection


@dataclass(frozen=True, slots=True)
class Draft:
    """One basket in the making. `uid` becomes the sale's."""

    id: int
    uid: bytes
    lane: str
    state: str
    staff: str
    since_ms: int
    label: str
    op_count: int


COLUMNS = (
    "SELECT d.id, d.uid, d.lane, d.state, d.staff, d.since_ms, d.label, "
    "(SELECT count(*) FROM draft_ops o WHERE o.draft_id = d.id) FROM drafts d WHERE "
)


def open_draft(connection: Connection, lane: str) -> Draft | None:
    """The basket a lane had open when it last committed."""
    row = connection.execute(COLUMNS + "d.state = 'open' AND d.lane = ? ORDER BY d.id DESC LIMIT 1", (lane,)).fetchone()
    return Draft(*row) if row else None


def by_id(connection: Connection, draft_id: int) -> Draft | None:
    row = connection.execute(COLUMNS + "d.id = ?", (draft_id,)).fetchone()
    return Draft(*row) if row else None


def by_uid(connection: Connection, uid: bytes) -> Draft | None:
    row = connection.execute(COLUMNS + "d.uid = ?", (uid,)).fetchone()
    return Draft(*row) if row else None


def held_by_uid(connection: Connection, uid: bytes) -> Draft | None:
    draft = by_uid(connection, uid)
    return draft if draft is not None and draft.state == "held" else None


def held_drafts(connection: Connection) -> list[Draft]:
    """Held baskets of every lane on this file, oldest first."""
    return [Draft(*row) for row in connection.execute(COLUMNS + "d.state = 'held' ORDER BY d.id")]


def start_draft(connection: Connection, uid: bytes, lane: str, staff: str, now_ms: int) -> Draft:
    cursor = connection.execute(
        "INSERT INTO drafts (uid, lane, state, staff, since_ms) VALUES (?,?,'open',?,?)", (uid, lane, staff, now_ms)
    )
    return Draft(cursor.lastrowid or 0, uid, lane, "open", staff, now_ms, "", 0)


def add_ops(connection: Connection, draft_id: int, after: int, ops: list[Op]) -> None:
    """Append operations `after + 1 …`; a second writer of the same basket is refused by the key."""
    rows = [(draft_id, n, type(op).__name__, to_json(op).decode()) for n, op in enumerate(ops, after + 1)]
    connection.executemany("INSERT INTO draft_ops VALUES (?,?,?,?)", rows)


def basket_of(connection: Connection, draft_id: int) -> Basket:
    """The basket, folded from its operations."""
    rows = connection.execute("SELECT kind, op FROM draft_ops WHERE draft_id = ? ORDER BY n", (draft_id,))
    return fold([from_json(OPS[kind], op) for kind, op in rows])


def ops_of(connection: Connection, draft_id: int) -> list[tuple[str, str]]:
    """The stored operations of a basket: (kind, canonical JSON) each."""
    rows = connection.execute("SELECT kind, op FROM draft_ops WHERE draft_id = ? ORDER BY n", (draft_id,))
    return [(kind, op) for kind, op in rows]


def folded(body: bytes | str) -> Basket:
    """A basket of another till: `body` is a JSON list of its operations."""
    return fold([from_json(OPS[kind], op) for kind, op in json.loads(body)])


def put_held(connection: Connection, uid: bytes, lane: str, ops: list[tuple[str, str]], now_ms: int) -> Draft:
    """A basket that was held at another till, now held here."""
    draft = start_draft(connection, uid, lane, "", now_ms)
    add_ops(connection, draft.id, 0, [from_json(OPS[kind], op) for kind, op in ops])
    hold(connection, draft.id, f"{lane}-{draft.id % 1000:03d}", now_ms)
    return by_id(connection, draft.id) or draft


def holds_code(connection: Connection, code: str) -> bool:
    """Whether a coupon was put into a basket that is still open or held."""
    sql = "SELECT 1 FROM draft_ops WHERE kind = 'AddCode' AND instr(op, ?) > 0"
    return connection.execute(sql, (json.dumps(code),)).fetchone() is not None


def hold(connection: Connection, draft_id: int, label: str, now_ms: int) -> bool:
    """Put an open basket aside, and let go of what it held; False when it is not open any more."""
    reservations.release(connection, draft_id)
    sql = "UPDATE drafts SET state = 'held', label = ?, since_ms = ? WHERE id = ? AND state = 'open'"
    return bool(connection.execute(sql, (label, now_ms, draft_id)).rowcount == 1)


def recall(connection: Connection, draft_id: int, uid: bytes, lane: str, now_ms: int) -> bool:
    """Take a held basket to a lane; False when another lane was quicker."""
    sql = "UPDATE drafts SET state = 'open', lane = ?, since_ms = ? WHERE id = ? AND uid = ? AND state = 'held'"
    return bool(connection.execute(sql, (lane, now_ms, draft_id, uid)).rowcount == 1)


def give_away(connection: Connection, draft_id: int) -> None:
    """A held basket goes to the hub, in the transaction of the event that holds it."""
    connection.execute("DELETE FROM draft_ops WHERE draft_id = ?", (draft_id,))
    connection.execute("DELETE FROM drafts WHERE id = ?", (draft_id,))


def drop(connection: Connection, draft_id: int) -> None:
    """The basket has become a sale or a cancel, in this same transaction. Raises when it is gone already."""
    if connection.execute("DELETE FROM drafts WHERE id = ? AND state = 'open'", (draft_id,)).rowcount != 1:
        raise RuntimeError(f"basket {draft_id} is not open any more")
    connection.execute("DELETE FROM draft_ops WHERE draft_id = ?", (draft_id,))
    reservations.release(connection, draft_id)
