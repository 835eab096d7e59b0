"""Topics come down: pages after the cursors, and a whole topic where a cursor is too old.

A page's rows, what they do, and the cursor are one transaction. A snapshot is fetched into a part file beside the store,
proved by its sha256, compared with what is there, and only the differences are applied, in short transactions: the
first sets the cursor to HALF, which no HQ knows, the last to the snapshot's. So a cursor is never ahead of what is applied,
wherever the process ends, and a topic that is half there is asked for whole, whatever HQ is put back to meanwhile.
"""

import contextlib
import errno
import fcntl
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import msgspec
import zstandard

from pos_app.domain.errors import StoreError
from store_db import hq_rows
from store_db.connection import Connection, make_private
from store_db.hq_rows import NOWHERE, Cursor
from store_db.store import Store
from sync.apply import BATCH_ROWS, Takers, apply_rows, retry_refused
from sync.protocol import BROKEN, PULL, SNAPSHOTS, TOO_LARGE, Message, Pull, Pulled, Row, Snapshot, SnapshotWanted, WireError
from sync.step import Step

BUSY_WAIT_MS, BROKEN_WAIT_MS = 1_000, 30_000
STALE = -1  # a cursor that no HQ has: the topic is asked for whole
HALF = Cursor(b"", STALE)  # of a topic whose snapshot is being applied
SHA_BYTES = 32
ROW_BYTES_MAX = 16 << 20
# no shop has as much; whoever claims more fills no disk of a till
SNAPSHOT_BYTES_MAX, UNPACKED_BYTES_MAX = 512 << 20, 4 << 30
M = TypeVar("M", bound=Message)
Pause = Callable[[float], None]


class Line(Protocol):
    """What a pull needs of `sync.link.Link`. Both raise what the link raises."""

    def call(self, path: str, message: Message, reply: type[M]) -> M: ...
    def fetch(self, path: str, first_byte: int) -> bytes: ...


def no_pause(seconds: float) -> None:
    """For who waits for nobody."""


def pull_page(store: Store, link: Line, takers: Takers | None = None, *, wait_ms: int = 0, pause: Pause = no_pause) -> Step:
    """Ask for what is new, and apply it; topics that HQ calls gone are loaded whole. `done`: rows that came.

    `wait_ms`: HQ may keep the answer so long, until there is something. `pause(seconds)` lets lanes take the lock between
    transactions, as long as there is more. What the link raises leaves everything as it was.
    """
    takers = takers or {}
    seen = hq_rows.cursors(store.connection)
    generation = next((at.generation for at in reversed(seen.values()) if at != HALF), b"")
    asked = {topic: at.rev if at.generation == generation else STALE for topic, at in seen.items()}
    newest = {topic: at.newest for topic, at in seen.items() if at.newest}
    wanted = Pull(generation=generation, cursors=asked, rows_max=BATCH_ROWS, wait_ms=wait_ms, newest=newest)
    pulled = link.call(PULL, wanted, Pulled)
    done = 0
    for page in pulled.pages:
        at, since_ms = seen.get(page.topic, NOWHERE), store.clock.mono_ms()
        to = Cursor(pulled.generation, page.rev, page.newest)
        if to != at and apply_rows(store, takers, page.topic, page.rows, at, to):
            done += len(page.rows)
        retry_refused(store, takers, page.topic)
        if page.more:
            pause((store.clock.mono_ms() - since_ms) / 1000)
    loaded = [load_snapshot(store, link, topic, takers, seen=seen.get(topic, NOWHERE), pause=pause) for topic in pulled.gone]
    return Step(
        done + sum(step.done for step in loaded),
        more=any(page.more for page in pulled.pages) or any(step.more for step in loaded),
        wait_ms=max((step.wait_ms for step in loaded), default=0),
        trouble=next((step.trouble for step in loaded if step.trouble), ""),
    )


def retry_all(store: Store, takers: Takers) -> int:
    """At an agent's start: what a version before could not take may be taken now. How many rows were."""
    return sum(retry_refused(store, takers, topic) for topic in takers)


# ------------------------------------------------------------------ snapshots


def load_snapshot(
    store: Store, link: Line, topic: str, takers: Takers | None = None, *, seen: Cursor | None = None, pause: Pause = no_pause
) -> Step:
    """Take a topic whole; `done`: rows that differed. Does nothing while another agent is at it, or once the cursor moved.

    Trouble BROKEN: the file was not what HQ said, and was thrown away.
    """
    at = hq_rows.cursor(store.connection, topic) if seen is None else seen
    with part_file(store.path, topic) as part:
        if part is None:
            return Step(wait_ms=BUSY_WAIT_MS)
        if hq_rows.cursor(store.connection, topic) != at:
            return Step(more=True)
        offer = link.call(SNAPSHOTS, SnapshotWanted(topic=topic), Snapshot)
        fetch(link, offer, part)
        try:
            done = _apply_differences(store, takers or {}, topic, part, at, pause) if is_whole(part, offer) else None
        except WireError:
            done = None
        part.truncate(0)
        if done is None:
            return Step(wait_ms=BROKEN_WAIT_MS, trouble=BROKEN)
        apply_rows(store, {}, topic, (), HALF if done else at, Cursor(offer.generation, offer.rev))
    retry_refused(store, takers or {}, topic)
    return Step(done, more=True)


@contextlib.contextmanager
def part_file(beside: Path, topic: str) -> Iterator[BinaryIO | None]:
    """The part file of a topic, beside another file, held by one process; None while another has it.

    It holds the sha256 of the snapshot that is being fetched, then as much of it as has come.
    """
    digest = hashlib.blake2b(topic.encode(), digest_size=6).hexdigest()
    path = beside.with_name(f"{beside.name}.snapshot-{digest}")
    make_private(path)  # staff and members come in it
    try:
        with path.open("a+b") as part:
            if not _is_locked(part):
                yield None
                return
            try:
                yield part
            finally:
                if part.seek(0, 2) == 0:
                    path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError("POS-1004" if error.errno == errno.ENOSPC else "POS-1003", path=path, detail=error) from error


def _is_locked(part: BinaryIO) -> bool:
    try:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def fetch(link: Line, offer: Snapshot, part: BinaryIO) -> None:
    """Fetch what is missing of a snapshot, from where the last attempt ended."""
    part.seek(0)
    if part.read(SHA_BYTES) != offer.sha256:
        part.truncate(0)
        part.write(offer.sha256)
    while (have := part.seek(0, 2) - SHA_BYTES) < min(offer.size, SNAPSHOT_BYTES_MAX):
        if not (data := link.fetch(f"{SNAPSHOTS}/{offer.name}", have)):
            break
        part.write(data)
        part.flush()


def is_whole(part: BinaryIO, offer: Snapshot) -> bool:
    """Whether what has come is what HQ said."""
    part.seek(SHA_BYTES)
    digest = hashlib.sha256()
    while block := part.read(1 << 20):
        digest.update(block)
    return digest.digest() == offer.sha256


def _apply_differences(store: Store, takers: Takers, topic: str, part: BinaryIO, at: Cursor, pause: Pause) -> int:
    """Bring the kept rows to what the snapshot says; how many differed. Ends early when another agent has moved the cursor."""
    differing, done = differences(store.connection, topic, rows_in(part)), 0
    while batch := list(itertools.islice(differing, BATCH_ROWS)):
        since_ms = store.clock.mono_ms()
        if not apply_rows(store, takers, topic, batch, HALF if done else at, HALF):
            break
        done += len(batch)
        pause((store.clock.mono_ms() - since_ms) / 1000)
    return done


def rows_in(part: BinaryIO) -> Iterator[Row]:
    """The rows of a snapshot in order of key, one by one: a zstd stream of (length in 4 bytes, MessagePack row).

    Raises WireError where it is none, at the row that is none.
    """
    part.seek(SHA_BYTES)
    decoder, unpacked = msgspec.msgpack.Decoder(Row), 0
    with zstandard.ZstdDecompressor(max_window_size=1 << 23).stream_reader(part, closefd=False) as stream:
        while head := _read(stream, 4):
            body = _read(stream, min(int.from_bytes(head, "big"), ROW_BYTES_MAX))
            unpacked += len(body)
            if unpacked > UNPACKED_BYTES_MAX:
                raise WireError(TOO_LARGE, "a snapshot of more rows than any shop has")
            try:
                row = decoder.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise WireError(BROKEN, str(error)[:200]) from error
            yield row


def _read(stream: BinaryIO, size: int) -> bytes:
    try:
        return stream.read(size)
    except zstandard.ZstdError as error:
        raise WireError(BROKEN, str(error)[:200]) from error


def differences(connection: Connection, topic: str, rows: Iterable[Row]) -> Iterator[Row]:
    """What is to be done to the kept rows so that they are just these, in order of key; a tombstone for what is not there."""
    kept = _kept_rows(connection, topic)
    here = next(kept, None)
    for row in rows:
        while here is not None and here.key < row.key:
            yield Row(0, here.key, None)
            here = next(kept, None)
        if here is None or here.key > row.key:
            yield row
            continue
        if (here.rev, here.body) != (row.rev, row.body):
            yield row
        here = next(kept, None)
    while here is not None:
        yield Row(0, here.key, None)
        here = next(kept, None)


def _kept_rows(connection: Connection, topic: str) -> Iterator[hq_rows.KeptRow]:
    key = ""
    while some := hq_rows.rows_after(connection, topic, key, 1_000):
        yield from some
        key = some[-1].key
