"""What goes down: topics of rows, each with the newest state of a key under the newest rev.

A rev is taken with the topic's row locked until COMMIT, so no lower rev ever appears later and "everything after my cursor"
misses nothing. Store '' means all stores. A store's own row of a key goes before the one for all: it travels under `@key`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Index, LargeBinary, Table, Text, text

from pos_app.domain.ports import Ids
from store_db.hq_rows import OWN
from store_db.system import SystemIds
from sync.hq_server.database import incarnation, run, run_many
from sync.hq_server.hq import INCARNATION, REV_FLOOR, Caller, Hq, read_meta
from sync.hq_server.tables import metadata
from sync.protocol import ROWS_MAX, Page, Pull, Pulled, Row

FOR_ALL = ""
PAGE_BYTES_MAX = 1 << 20  # of the bodies of one answer; a larger row travels alone
BOOTSTRAP_ROWS = 5_000  # a device that has nothing yet takes a larger topic as a snapshot

topics = Table(
    "topics", metadata, Column("topic", Text, primary_key=True), Column("rev", BigInteger, nullable=False),
    Column("horizon", BigInteger, nullable=False),  # tombstones up to this rev are purged
)  # fmt: skip
feed = Table(
    "feed", metadata, Column("topic", Text, primary_key=True), Column("store", Text, primary_key=True),
    Column("key", Text, primary_key=True), Column("rev", BigInteger, nullable=False), Column("body", LargeBinary),
    Column("changed_ms", BigInteger, nullable=False), Index("feed_by_rev", "topic", "store", "rev"),
)  # fmt: skip
# revs that no run of this HQ ever gave: a cursor among them is from what a restored HQ has lost
gaps = Table(
    "feed_gaps", metadata, Column("topic", Text, primary_key=True),
    Column("last", BigInteger, primary_key=True, autoincrement=False), Column("first", BigInteger, nullable=False),
)  # fmt: skip


class TopicState(NamedTuple):
    rev: int
    horizon: int


# ------------------------------------------------------------------ published

RUN_REVS = 1 << 40  # between the revs of two runs, and as much again by luck
NOTE_GAP = (
    "INSERT INTO feed_gaps (topic, last, first) SELECT ?, ?, coalesce(max(rev), 0) + 1 FROM topics WHERE topic = ? "
    "HAVING coalesce(max(rev), 0) < ? ON CONFLICT DO NOTHING"
)
TAKE_REVS = (
    "INSERT INTO topics (topic, rev, horizon) VALUES (?, ?, 0) ON CONFLICT (topic) DO UPDATE "
    "SET rev = CASE WHEN topics.rev < ? THEN excluded.rev ELSE topics.rev + ? END RETURNING rev"
)
INSERT = "INSERT INTO feed (topic, store, key, rev, body, changed_ms) "
CHANGE = (
    " ON CONFLICT (topic, store, key) DO UPDATE SET rev = excluded.rev, body = excluded.body, changed_ms = excluded.changed_ms "
    "WHERE feed.body IS DISTINCT FROM excluded.body"
)
ON_SQLITE = INSERT + "VALUES (?,?,?,?,?,?)" + CHANGE
ON_POSTGRES = INSERT + "SELECT * FROM unnest(?::text[], ?::text[], ?::text[], ?::bigint[], ?::bytea[], ?::bigint[])" + CHANGE


def begin_run(connection: Connection, ids: Ids) -> None:
    """HQ or its database began anew: what is published from now on has revs far above all before, by a distance of its own.

    So an HQ that was restored without anybody saying so gives no rev twice: a cursor from what it lost is in a gap, and gone.
    """
    run(connection, "UPDATE meta SET value = ? WHERE name = ?", incarnation(connection), INCARNATION)  # first: nodes take turns
    floor = int.from_bytes(read_meta(connection, REV_FLOOR), "big") + RUN_REVS + int.from_bytes(ids.random(5), "big")
    run(connection, "UPDATE meta SET value = ? WHERE name = ?", floor.to_bytes(8, "big"), REV_FLOOR)


def _begin_run_if_put_back(connection: Connection) -> None:
    """Another incarnation may hold less than processes that go on have given out; of nodes that see it at once one begins."""
    now = incarnation(connection)
    if run(connection, "UPDATE meta SET value = ? WHERE name = ? AND value <> ?", now, INCARNATION, now).rowcount:
        begin_run(connection, SystemIds())


def publish(connection: Connection, topic: str, rows: Iterable[tuple[str, str, bytes | None]], now_ms: int) -> int:
    """Put rows of (store or FOR_ALL, key, canonical JSON or None for a tombstone), inside the open transaction; the topic's rev.

    A row that says what is there already keeps its rev. Of rows with one store and key the last counts.
    """
    newest = {(store, key): body for store, key, body in rows}
    if not newest:
        return topic_states(connection).get(topic, TopicState(0, 0)).rev
    if any(key.startswith(OWN) for _, key in newest):
        raise ValueError(f"no key begins with {OWN}")
    _begin_run_if_put_back(connection)
    floor = int.from_bytes(read_meta(connection, REV_FLOOR), "big")
    run(connection, NOTE_GAP, topic, floor, topic, floor)
    last = int(run(connection, TAKE_REVS, topic, floor + len(newest), floor, len(newest)).scalar_one())
    first = last - len(newest) + 1
    values = [(topic, store, key, rev, body, now_ms) for rev, ((store, key), body) in enumerate(newest.items(), first)]
    if connection.dialect.name == "postgresql":
        run(connection, ON_POSTGRES, *(list(column) for column in zip(*values, strict=True)))
    else:
        run_many(connection, ON_SQLITE, values)
    return last


def purge_tombstones(connection: Connection, before_ms: int) -> int:
    """Forget what was taken away before a moment; a device whose cursor is older loads a snapshot. How many rows went."""
    purged = "body IS NULL AND changed_ms < ?"
    old = run(connection, f"SELECT topic, max(rev) FROM feed WHERE {purged} GROUP BY topic ORDER BY topic", before_ms).fetchall()
    rows = 0
    for topic, rev in old:
        run(connection, "UPDATE topics SET horizon = ? WHERE topic = ? AND horizon < ?", rev, topic, rev)
        run(connection, "DELETE FROM feed_gaps WHERE topic = ? AND last <= ?", topic, rev)
        rows += run(connection, f"DELETE FROM feed WHERE topic = ? AND rev <= ? AND {purged}", topic, rev, before_ms).rowcount
    return rows


# ------------------------------------------------------------------ pulled


def pull(hq: Hq, caller: Caller, message: Pull) -> Pulled:
    """The answer to one pull, at once."""
    with hq.database.read() as connection:
        return pages(connection, caller.store, message, hq.generation(connection))


_AFTER = "SELECT rev, store, key, body FROM feed WHERE topic = :topic AND store = {} AND rev > :after AND rev <= :upto"
# two ranges of one index, in order of rev, cut by rows and by bytes: no row of another store is read
ROWS_AFTER = text(
    "SELECT rev, store, key, body, found FROM (SELECT rev, store, key, body, count(*) OVER () AS found, "
    "min(rev) OVER () AS first, sum(coalesce(length(body), 0)) OVER (ORDER BY rev) AS bytes FROM ("
    f"SELECT * FROM ({_AFTER.format(':all')} ORDER BY rev LIMIT :most) a UNION ALL "
    f"SELECT * FROM ({_AFTER.format(':own')} ORDER BY rev LIMIT :most) b ORDER BY rev LIMIT :most) c"
    ") d WHERE bytes <= :bytes_max OR rev = first ORDER BY rev"
)
COUNT_AFTER = text(
    "SELECT count(*) FROM (SELECT 1 FROM feed WHERE topic = :topic AND store IN (:all, :own) AND rev > :after LIMIT :most) a"
)


def topic_states(connection: Connection) -> dict[str, TopicState]:
    """Every topic with its newest rev and the rev up to which tombstones are gone."""
    return {topic: TopicState(rev, horizon) for topic, rev, horizon in run(connection, "SELECT topic, rev, horizon FROM topics")}


def revs(connection: Connection) -> dict[str, int]:
    """topic -> newest rev."""
    return {topic: state.rev for topic, state in topic_states(connection).items()}


def rows_of(connection: Connection, topic: str, store: str) -> list[Row]:
    """All that a store sees of a topic now, in order of key, without tombstones."""
    found = connection.execute(
        text("SELECT rev, store, key, body FROM feed WHERE topic = :topic AND store IN ('', :store) AND body IS NOT NULL"),
        {"topic": topic, "store": store},
    )
    return sorted((_row(*row) for row in found), key=lambda row: row.key)


def pages(connection: Connection, store: str, message: Pull, generation: bytes) -> Pulled:
    """What a device of this store has not seen yet. A topic that it did not name is new to it: cursor 0.

    One answer holds at most `rows_max` rows and PAGE_BYTES_MAX bytes of bodies, in all.
    """
    states = topic_states(connection)
    cursors = dict.fromkeys(states, 0) | message.cursors
    known = not message.generation or message.generation == generation
    gone = {topic for topic, after in cursors.items() if _is_gone(states.get(topic), after, known)}
    for topic in states.keys() - gone:
        after, newest, state = cursors[topic], message.newest.get(topic, 0), states[topic]
        if newest > state.rev or any(_is_in_gap(connection, topic, rev, state) for rev in (after, newest)):
            gone.add(topic)
    found, rows_left, bytes_left = [], min(message.rows_max, ROWS_MAX), PAGE_BYTES_MAX
    for topic, state in sorted(states.items(), key=lambda item: item[1].rev - cursors[item[0]]):  # the shortest first
        if topic in gone or cursors[topic] >= state.rev:
            continue
        if rows_left <= 0 or bytes_left <= 0:
            found.append(Page(topic=topic, rows=[], rev=cursors[topic], more=True, newest=message.newest.get(topic, 0)))
            continue
        if cursors[topic] == 0 and _is_large(connection, topic, store):
            gone.add(topic)
            continue
        page = _page(connection, topic, store, cursors[topic], state.rev, rows_left, bytes_left)
        found.append(page)
        rows_left -= len(page.rows)
        bytes_left -= sum(len(row.body or b"") for row in page.rows)
    return Pulled(generation=generation, pages=found, gone=sorted(gone))


def _is_gone(state: TopicState | None, after: int, is_known: bool) -> bool:
    """Whether a cursor says nothing here: of another generation, older than the tombstones, or ahead of the topic itself."""
    if not is_known:
        return True
    if state is None:
        return after != 0
    return not state.horizon <= after <= state.rev


def _is_in_gap(connection: Connection, topic: str, after: int, state: TopicState) -> bool:
    """Whether a cursor is a rev that was never given here; the newest one was."""
    if not 0 < after < state.rev:
        return False
    return (
        run(connection, "SELECT 1 FROM feed_gaps WHERE topic = ? AND last >= ? AND first <= ?", topic, after, after).first()
        is not None
    )


def _is_large(connection: Connection, topic: str, store: str) -> bool:
    values = {"topic": topic, "all": FOR_ALL, "own": store, "after": 0, "most": BOOTSTRAP_ROWS + 1}
    return int(connection.execute(COUNT_AFTER, values).scalar_one()) > BOOTSTRAP_ROWS


def _page(connection: Connection, topic: str, store: str, after: int, upto: int, most: int, bytes_max: int) -> Page:
    values = {
        "topic": topic, "all": FOR_ALL, "own": store, "after": after, "upto": upto, "most": most + 1, "bytes_max": bytes_max,
    }  # fmt: skip
    found = connection.execute(ROWS_AFTER, values).fetchall()
    rows = [_row(*row[:4]) for row in found[:most]]
    more = bool(found) and len(rows) < found[0].found
    return Page(topic=topic, rows=rows, rev=rows[-1].rev if more else upto, more=more, newest=upto)


def _row(rev: int, store: str, key: str, body: bytes | None) -> Row:
    return Row(rev, OWN + key if store else key, None if body is None else bytes(body))
