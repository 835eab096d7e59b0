"""What the file knows of HQ: who HQ is, how far HQ has each chain of this journal, and whether HQ is heard.

Plain rows; what follows from them is decided in `sync`. A chain is (device, epoch, branch), as on the wire.
"""

from typing import Any, NamedTuple

from pos_app.domain.events import GENESIS
from pos_app.domain.proof import Sums
from store_db.connection import Connection

MAIN = bytes(8)
HELD = b"\xff" * 8  # no branch on the wire: events that HQ holds in other chains of the epoch
LINE = "line"  # the row of sync_runs that says since when HQ answers, or (with the reason) does not
QUARANTINE = "quarantine"  # the row of sync_runs that says how many of the shop's events wait there for a person
PROOF = "proof"  # the row of sync_runs that says whether all chains were equal to HQ's
SALES_MAX = 9_999  # waiting sales are counted so far: a lane asks often


class HqState(NamedTuple):
    """HQ as it was known at the last contact."""

    url: str
    hq_key: bytes
    generation: bytes
    contact_ms: int
    offset_at_ms: int
    frozen: int


class Chain(NamedTuple):
    """One chain of this journal. `seq` and `hash` are HQ's mark; the sums are those of base_seq + 1 .. seq.

    Its events to offer end at `end_seq`, where the epoch ends or the next of its chains begins. The journal id of an event
    is first_id + its seq - 1.
    """

    device: bytes
    epoch: bytes
    branch: bytes
    first_id: int
    end_seq: int
    is_live: bool
    base_seq: int
    seq: int
    hash: bytes
    receipt: bytes
    upstream_seq: int
    sums: Sums

    @property
    def id(self) -> tuple[bytes, bytes, bytes]:
        return self[:3]

    @property
    def waiting(self) -> int:
        return self.end_seq - self.seq


class LineState(NamedTuple):
    """What a lane's status line needs; times by this machine's clock, 0 for never."""

    is_enrolled: bool = False
    last_contact_ms: int = 0
    waiting_events: int = 0
    is_frozen: bool = False
    failing_since_ms: int = 0
    waiting_sales: int = 0


# ------------------------------------------------------------------ HQ


def hq(connection: Connection) -> HqState | None:
    """None: this file is not enrolled."""
    row = connection.execute("SELECT url, hq_key, generation, contact_ms, offset_at_ms, frozen FROM sync_hq").fetchone()
    return HqState(*row) if row else None


def put_hq(connection: Connection, state: HqState) -> None:
    """HQ as an enrolment found it; its key stays known when another HQ takes its place."""
    connection.execute("INSERT OR REPLACE INTO sync_hq VALUES (1,?,?,?,?,?,?)", state)
    connection.execute("INSERT OR IGNORE INTO sync_hq_keys VALUES (?)", (state.hq_key,))


def hq_keys(connection: Connection) -> list[bytes]:
    """The keys of every HQ that this file was ever enrolled at."""
    return [bytes(row[0]) for row in connection.execute("SELECT hq_key FROM sync_hq_keys ORDER BY hq_key")]


def set_frozen(connection: Connection, frozen: bool) -> None:
    connection.execute("UPDATE sync_hq SET frozen = ?", (int(frozen),))


def note_welcome(connection: Connection, generation: bytes, wall_ms: int, offset_ms: int) -> None:
    """HQ as its welcome says: its generation, and how far this machine's clock is from its own."""
    connection.execute(
        "UPDATE sync_hq SET generation = ?, contact_ms = ?, offset_at_ms = ?, frozen = 0", (generation, wall_ms, wall_ms)
    )
    connection.execute("UPDATE device SET hq_offset_ms = ? WHERE hq_offset_ms != ?", (offset_ms, offset_ms))


# ------------------------------------------------------------------ whether HQ is heard


def failing_since(connection: Connection) -> int:
    """Since when HQ does not answer; 0 while it does."""
    row = connection.execute("SELECT ran_ms FROM sync_runs WHERE job = ? AND outcome != ''", (LINE,)).fetchone()
    return int(row[0]) if row else 0


def connected_since(connection: Connection) -> int:
    """Since when HQ answers; 0 while it does not."""
    row = connection.execute("SELECT ran_ms FROM sync_runs WHERE job = ? AND outcome = ''", (LINE,)).fetchone()
    return int(row[0]) if row else 0


def note_contact(connection: Connection, wall_ms: int) -> None:
    """HQ answered just now."""
    connection.execute("UPDATE sync_hq SET contact_ms = ?", (wall_ms,))
    if not connected_since(connection):
        note_run(connection, LINE, wall_ms, "")


def note_run(connection: Connection, job: str, ran_ms: int, outcome: str, equal: bool | None = None) -> None:
    """The last run of a job. `outcome`: empty where all went well."""
    connection.execute("INSERT OR REPLACE INTO sync_runs VALUES (?,?,?,?)", (job, ran_ms, outcome, equal))


def is_unequal(connection: Connection) -> bool:
    """Whether the last proof found the chains unequal."""
    return connection.execute("SELECT 1 FROM sync_runs WHERE job = ? AND equal = 0", (PROOF,)).fetchone() is not None


class Run(NamedTuple):
    """The last run of a job; `equal`: what a proof found."""

    ran_ms: int
    outcome: str
    equal: int | None


def runs(connection: Connection) -> dict[str, Run]:
    """job -> its last run."""
    return {row[0]: Run(*row[1:]) for row in connection.execute("SELECT job, ran_ms, outcome, equal FROM sync_runs ORDER BY job")}


def line_state(connection: Connection) -> LineState:
    """Under a millisecond, for each tick of a lane."""
    known = hq(connection)
    if known is None:
        return LineState()
    alone = [chain for chain in chains(connection) if chain.waiting]
    events = sum(chain.waiting for chain in alone)
    sales = sum(waiting_sales(connection, chain) for chain in alone)
    return LineState(True, known.contact_ms, events, bool(known.frozen), failing_since(connection), sales)


def waiting_sales(connection: Connection, chain: Chain, after_id: int = 0) -> int:
    """Sales (that anything was paid for) that wait to go up, SALES_MAX at most; only those after a journal id."""
    sql = "SELECT count(*) FROM (SELECT DISTINCT journal_id FROM tenders WHERE journal_id BETWEEN ? AND ? LIMIT ?)"
    ids = (max(chain.first_id + chain.seq, after_id + 1), chain.first_id + chain.end_seq - 1, SALES_MAX)
    return int(connection.execute(sql, ids).fetchone()[0])


class Waiting(NamedTuple):
    """Events and sales that are in this file only, and when the oldest of them was made (0 for none)."""

    events: int
    sales: int
    oldest_ms: int


def waiting(connection: Connection, after_id: int = 0) -> Waiting:
    """What HQ has not got; with a journal id, only what came after it."""
    events, sales, oldest_ms = 0, 0, 0
    for chain in chains(connection):
        first_id, last_id = max(chain.first_id + chain.seq, after_id + 1), chain.first_id + chain.end_seq - 1
        if first_id > last_id:
            continue
        events += last_id - first_id + 1
        sales += waiting_sales(connection, chain, after_id)
        made_ms = connection.execute("SELECT wall_ms FROM journal WHERE id = ?", (first_id,)).fetchone()[0]
        oldest_ms = min(oldest_ms, made_ms) if oldest_ms else made_ms
    return Waiting(events, sales, oldest_ms)


MIRRORED = "mirrored"  # the row of sync_runs that says up to where the mirror has this journal


def mirrored_id(connection: Connection) -> int:
    """The journal id up to which a verified copy holds this very journal; 0 for none."""
    row = connection.execute("SELECT outcome FROM sync_runs WHERE job = ?", (MIRRORED,)).fetchone()
    if row is None:
        return 0
    upto, _, head = row[0].partition(" ")
    found = connection.execute("SELECT hash FROM journal WHERE id = ?", (int(upto),)).fetchone()
    return int(upto) if found is not None and bytes(found[0]).hex() == head else 0


def note_mirrored(connection: Connection, now_ms: int, upto: int, head: bytes) -> None:
    note_run(connection, MIRRORED, now_ms, f"{upto} {head.hex()}")


def put_statement(connection: Connection, business_date: str, made_ms: int, statement: bytes) -> None:
    """Keep what HQ signed of a day; earlier ones stay."""
    connection.execute("INSERT OR IGNORE INTO sync_statements VALUES (?,?,?)", (business_date, made_ms, statement))


def statements(connection: Connection) -> dict[str, bytes]:
    """business date -> the newest statement of it."""
    return {row[0]: bytes(row[1]) for row in connection.execute(
        "SELECT business_date, statement FROM sync_statements ORDER BY business_date, made_ms"
    )}  # fmt: skip


# ------------------------------------------------------------------ chains


def first_waiting_id(connection: Connection) -> int:
    """The journal id of the first event that HQ has not acknowledged; one after the last where there is none."""
    waiting = [chain.first_id + chain.seq for chain in chains(connection) if chain.waiting]
    last_id = int(connection.execute("SELECT ifnull(max(id), 0) FROM journal").fetchone()[0])
    return min(waiting, default=last_id + 1)


def chains(connection: Connection) -> list[Chain]:
    """The chains of this journal in the order they are offered in: oldest epoch first, a branch after what it leaves."""
    last_id = connection.execute("SELECT ifnull(max(id), 0) FROM journal").fetchone()[0]
    epochs = connection.execute(  # a lane may append meanwhile: nothing after `last_id` is looked at
        "SELECT e.epoch, e.first_id, j.device FROM epochs e JOIN journal j ON j.id = e.first_id WHERE e.first_id <= ? "
        "ORDER BY e.first_id",
        (last_id,),
    ).fetchall()
    marks: dict[bytes, list[Any]] = {}
    for row in connection.execute("SELECT * FROM sync_marks ORDER BY branch"):
        marks.setdefault(bytes(row[1]), []).append(row)
    ends = [first_id - 1 for _, first_id, _ in epochs[1:]] + [last_id]
    found: list[Chain] = []
    for (epoch, first_id, device), end_id in zip(epochs, ends, strict=True):
        found += _of_epoch(device, epoch, first_id, end_id - first_id + 1, end_id == last_id, marks.get(epoch, []))
    return found


def _of_epoch(device: bytes, epoch: bytes, first_id: int, end: int, is_live: bool, rows: list[Any]) -> list[Chain]:
    if not any(bytes(row[2]) == MAIN for row in rows):
        rows = [(device, epoch, MAIN, 0, 0, GENESIS, b"", 0, *Sums()), *rows]
    rows = sorted(rows, key=lambda row: (row[3], bytes(row[2]) != MAIN))
    ends = [row[3] for row in rows[1:]] + [end]
    found = []
    for row, end_seq in zip(rows, ends, strict=True):
        own_device, own_epoch, branch, base_seq, seq, hash, receipt, upstream_seq, *sums = row
        found.append(
            Chain(
                bytes(own_device), bytes(own_epoch), bytes(branch), first_id, end_seq, is_live, base_seq, seq, bytes(hash),
                bytes(receipt), upstream_seq, Sums(*sums),
            )
        )  # fmt: skip
    return found


def devices(connection: Connection) -> list[bytes]:
    """Every id that this journal was written under, newest first."""
    rows = connection.execute("SELECT j.device FROM epochs e JOIN journal j ON j.id = e.first_id ORDER BY e.first_id DESC")
    return list(dict.fromkeys(bytes(row[0]) for row in rows))


def put_mark(connection: Connection, seen: Chain, seq: int, hash: bytes, receipt: bytes, upstream_seq: int, sums: Sums) -> bool:
    """Move HQ's mark of a chain; False, and nothing done, when it is not where it was `seen`: another agent was here."""
    now = next((chain for chain in chains(connection) if chain.id == seen.id), None)
    if now is None or (now.base_seq, now.seq, now.hash) != (seen.base_seq, seen.seq, seen.hash) or seq > now.end_seq:
        return False
    row = (*seen.id, seen.base_seq, seq, hash, receipt, upstream_seq, *sums)
    connection.execute(PUT_ROW, row)
    return True


def put_rest(
    connection: Connection, main: Chain, held: tuple[int, int], held_sums: Sums, branch: bytes, base_hash: bytes
) -> None:
    """What follows the main chain of an epoch: HQ holds held[0] + 1 .. held[1] elsewhere, and the rest becomes a branch.

    What was known of such a rest before is forgotten. An empty `branch`: there is no rest. `base_hash` is that of held[1].
    """
    connection.execute("DELETE FROM sync_marks WHERE device=? AND epoch=? AND branch != ?", (main.device, main.epoch, MAIN))
    first, last = held
    if first < last:
        connection.execute(PUT_ROW, (main.device, main.epoch, HELD, first, last, base_hash, b"", 0, *held_sums))
    if branch:
        connection.execute(PUT_ROW, (main.device, main.epoch, branch, last, last, base_hash, b"", 0, *Sums()))


PUT_ROW = "INSERT OR REPLACE INTO sync_marks VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"


def forget_marks(connection: Connection) -> None:
    """Another HQ knows nothing of what was acknowledged."""
    connection.execute("DELETE FROM sync_marks")


def hash_at(connection: Connection, chain: Chain, seq: int) -> bytes:
    """This journal's own hash at a seq of the chain's epoch; 32 zero bytes at 0."""
    if seq == 0:
        return GENESIS
    row = connection.execute(
        "SELECT hash FROM journal WHERE id = ? AND epoch = ?", (chain.first_id + seq - 1, chain.epoch)
    ).fetchone()
    return bytes(row[0]) if row else b""
