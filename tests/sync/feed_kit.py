"""A till and an HQ for tests of what goes down: the real store, the real feed, and a line between them that can be cut."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.plain import to_json
from store_db.store import Store
from sync.hq_server import feed, snapshots
from sync.hq_server.database import Database
from sync.hq_server.hq import Caller, Hq
from sync.protocol import PULL, SNAPSHOTS, Message, decode, encode
from tests.shop_kit import STORE
from tests.sync.hq_kit import make_hq as make_hq

M = TypeVar("M", bound=Message)
TILL = Caller(bytes(16), STORE, "till")


class CutOff(Exception):
    """The line is down."""


class DirectLine:
    """HQ's handlers behind the encoded messages, without HTTP and signatures. `cut_after`: fetches until the line is cut."""

    def __init__(self, hq: Hq, store: str = STORE) -> None:
        self.hq, self.caller = hq, TILL._replace(store=store)
        self.cut_after: int | None = None
        self.spoil: Callable[[bytes], bytes] = lambda data: data
        self.asked: list[str] = []

    def call(self, path: str, message: Message, reply: type[M]) -> M:
        self.asked.append(path)
        handler = {PULL: feed.pull, SNAPSHOTS: snapshots.offer}[path]
        request = decode(type(message), encode(message))
        return decode(reply, encode(handler(self.hq, self.caller, request)))  # type: ignore[operator]

    def fetch(self, path: str, first_byte: int) -> bytes:
        self.asked.append(f"{path} {first_byte}")
        if self.cut_after is not None:
            if self.cut_after == 0:
                raise CutOff
            self.cut_after -= 1
        return self.spoil(snapshots.read(self.hq, self.caller, path.removeprefix(f"{SNAPSHOTS}/"), first_byte))


def open_hq(url: str) -> Hq:
    return Hq.open(Database.open(url), DayClock(), SeededIds(2))


def publish(hq: Hq, topic: str, rows: dict[str, object], store: str = "") -> int:
    """Publish key -> plain body, None for a tombstone; the topic's rev."""
    bodies = [(store, key, None if body is None else to_json(body)) for key, body in rows.items()]
    with hq.database.write() as connection:
        return feed.publish(connection, topic, bodies, hq.clock.wall_ms())


def sees(hq: Hq, topic: str, store: str = STORE) -> dict[str, tuple[int, bytes]]:
    """What a store should have of a topic, as it is kept at a till."""
    with hq.database.read() as connection:
        return {row.key: (row.rev, row.body or b"") for row in feed.rows_of(connection, topic, store)}


def has(store: Store, topic: str) -> dict[str, tuple[int, bytes]]:
    """What a till has of a topic."""
    found = store.connection.execute("SELECT key, rev, body FROM hq_rows WHERE topic = ?", (topic,))
    return {key: (rev, bytes(body)) for key, rev, body in found}


def new_till(path: Path, number: int = 1) -> Store:
    return Store.create(path, STORE, clock=DayClock(), ids=SeededIds(number))
