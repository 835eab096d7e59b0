"""The store hub's line to HQ: what tills said goes up unchanged, what HQ publishes comes down into the hub's own feed.

Upwards the hub is a device like any other (role hub), but the chains it offers are the tills': same bytes, same hashes, and the
same names, except where HQ holds another history under that name. Downwards it is a till to HQ, and an HQ to its tills: their
cursors are of the hub's feed and generation.
"""

import logging
import tempfile
from pathlib import Path

import httpx
from sqlalchemy import Connection

from pos_app.domain.proof import first_difference
from store_db.hq_rows import OWN, Cursor
from sync import protocol, signing
from sync.enrol import check_key
from sync.hq_server import feed, relay_marks
from sync.hq_server.database import run
from sync.hq_server.devices import DEVICE_BYTES, KEY_BYTES, add_store, take_revoked
from sync.hq_server.hq import Hq
from sync.hq_server.hub_facts import WANTED
from sync.hq_server.relay_marks import EMPTY, Upstream, Us
from sync.identity import Signer
from sync.link import Link, Refused, Unreachable
from sync.protocol import (
    EVENTS_MAX,
    SNAPSHOTS,
    Ack,
    Enrol,
    Enrolled,
    Hashes,
    HashesWanted,
    Hello,
    Mark,
    Page,
    Problem,
    Pull,
    Pulled,
    Push,
    Row,
    Snapshot,
    SnapshotWanted,
    Welcome,
    WireError,
    branch_of,
    to_columns,
)  # fmt: skip
from sync.pull import STALE, fetch, is_whole, part_file, rows_in
from sync.step import Step
from sync.topics import REVOKED

HELD_ELSEWHERE, NO_BASE = "held", "base"  # HQ's details: other chains hold these events; what a branch stands on is gone
Published = tuple[str, str, bytes | None]  # store, key, body of a row
log = logging.getLogger("lanewise.hub")


def found(hq: Hq, store: str) -> None:
    """Make this server the hub of a shop: a device with a key of its own, not yet known to HQ."""
    with hq.database.write() as connection:
        add_store(connection, store, "", hq.clock.wall_ms())
        relay_marks.put_us(connection, Us(hq.ids.random(DEVICE_BYTES), hq.ids.random(KEY_BYTES), store, b"", b""))


def enrol(hq: Hq, client: httpx.Client, code: str, hq_key: str = "") -> None:
    """Make the hub known to HQ, by a one-time code of HQ's. Raises Refused and Unreachable; the same code may be used again."""
    us = _known_us(hq)
    link = Link(None, client, signer=Signer(us.device, us.secret))
    key = signing.public_key(us.secret)
    answer = link.call(protocol.ENROL, Enrol(code=code, device=us.device, store=us.store, key=key), Enrolled)
    check_key(answer, hq_key)
    with hq.database.write() as connection:
        relay_marks.put_us(connection, us._replace(hq_key=answer.hq_key, generation=answer.generation))


def _known_us(hq: Hq) -> Us:
    with hq.database.read() as connection:
        us = relay_marks.us(connection)
    if us is None:
        raise RuntimeError("not a store hub")
    return us


class Relay:
    """What the hub does with HQ, one step at a time. Each may be ended at any point, and be done by two processes at once.

    Whatever the link raises leaves everything as it was.
    """

    def __init__(self, hq: Hq, client: httpx.Client) -> None:
        self._hq = hq
        self._us = _known_us(hq)
        self._link = Link(None, client, signer=Signer(self._us.device, self._us.secret), hq_key=self._us.hq_key)
        self._knows_hq = False

    # -------------------------------------------------------------- up

    def hello(self) -> Step:
        """Ask how far HQ is with each chain, and go on from there: at the start, and when HQ is not what it was."""
        chains = self._chains()
        known = [(one.at_hq, one.mark, one.receipt) for one in chains if one.receipt]
        names = [one.at_hq for one in chains]
        hello = Hello(generation=_known_us(self._hq).generation, acknowledged=known, chains=names)
        welcome = self._link.call(protocol.HELLO, hello, Welcome)
        marks = dict(welcome.marks)
        for one in chains:
            self._go_on_from(one, marks.get(one.at_hq, EMPTY))
        with self._hq.database.write() as connection:
            relay_marks.put_us(connection, self._us._replace(generation=welcome.generation))
        self._knows_hq = True
        return Step(more=True)

    def greet_again(self) -> None:
        """Say hello before anything else is told: HQ may not be what it was."""
        self._knows_hq = False

    def relay_once(self) -> Step:
        """Offer HQ the next events: a device's chains in the order in which they began, each in its sequence.

        A device whose chain HQ refuses waits, with the reason, and holds up no other.
        """
        if not self._knows_hq:
            return self.hello()
        stopped: dict[bytes, Step] = {}
        for one in self._chains():
            if one.chain.device in stopped or one.mark.seq >= one.end.seq:
                continue
            step = self._offer(one)
            if step.more or step.wait_ms:
                return step
            stopped[one.chain.device] = step
        return next(iter(stopped.values()), Step())

    def _chains(self) -> list[Upstream]:
        with self._hq.database.read() as connection:
            return relay_marks.chains(connection, self._us.store)

    def _hash_at(self, one: Upstream, seq: int) -> bytes:
        with self._hq.database.read() as connection:
            return relay_marks.hash_at(connection, self._us.store, one.chain, seq)

    def _put(self, one: Upstream) -> None:
        with self._hq.database.write() as connection:
            relay_marks.put(connection, one)

    def _offer(self, one: Upstream) -> Step:
        with self._hq.database.read() as connection:
            events = relay_marks.events_after(connection, self._us.store, one.chain, one.mark.seq, EVENTS_MAX)
        columns = to_columns([(event.header, event.payload) for event in events])
        push = Push(chain=one.at_hq, first_seq=one.mark.seq + 1, prev_hash=one.mark.hash, events=columns)
        try:
            ack = self._link.call(protocol.PUSH, push, Ack)
        except Refused as refused:
            return self._refused(one, refused.problem)
        return self._acknowledged(one, ack)

    def _acknowledged(self, one: Upstream, ack: Ack) -> Step:
        """HQ's word counts when its mark is our own event."""
        if ack.generation != _known_us(self._hq).generation:
            self._knows_hq = False
            return Step(more=True)
        if self._hash_at(one, ack.mark.seq) != ack.mark.hash:
            return Step(trouble=protocol.FORK)
        self._put(one._replace(mark=ack.mark, receipt=ack.receipt, trouble=""))
        return Step(ack.mark.seq - one.mark.seq, more=True)

    def _refused(self, one: Upstream, problem: Problem) -> Step:
        """GAP: back to where HQ is. FORK: the tail goes under a branch. Anything else is noted, and the device waits."""
        if problem.code == protocol.GAP and problem.detail == NO_BASE:
            return self._begin_again(one)
        if problem.code == protocol.GAP and problem.mark is not None:
            return self._go_on_from(one, problem.mark) or self._fork(one, problem)
        if problem.code == protocol.FORK:
            return self._fork(one, problem)
        if problem.code == protocol.BUSY:
            return Step(wait_ms=max(1, problem.retry_after_s) * 1_000, trouble=problem.code)
        self._put(one._replace(trouble=problem.code))
        return Step(trouble=problem.code)

    def _go_on_from(self, one: Upstream, mark: Mark) -> Step | None:
        """Take HQ's mark of a chain, where it is our own event; None where it is not, and nothing is changed."""
        at = max(mark.seq, one.base_seq)
        ours = self._hash_at(one, at)
        if mark.seq >= one.base_seq and ours != mark.hash:
            return None
        same = at == one.mark.seq
        self._put(one._replace(mark=Mark(at, ours), receipt=one.receipt if same else b"", trouble=""))
        return Step(more=True)

    # -------------------------------------------------------------- forks

    def _fork(self, one: Upstream, problem: Problem) -> Step:
        """HQ holds another history under this name: what follows the last common event goes under a branch, named by its first.

        The hub's own chain keeps its name, and the branch grows with it. So both histories are at HQ, each event once. What HQ
        holds under a third name already (told by the till itself, or by a hub before) is passed over.
        """
        held = problem.mark if problem.detail == HELD_ELSEWHERE else None
        if held is not None and held.seq > one.mark.seq and self._hash_at(one, held.seq) == held.hash:
            at = held.seq
        else:
            at = self._last_common(one)
        mark = Mark(at, self._hash_at(one, at))
        if at < one.end.seq:
            branch = branch_of(one.chain.epoch, self._hash_at(one, at + 1))
            one = one._replace(at_hq=one.chain._replace(branch=branch), base_seq=at)
        log.warning("HQ holds another history of device %s from event %d on", one.chain.device.hex(), at + 1)
        self._put(one._replace(mark=mark, receipt=b"", trouble=""))
        return Step(more=True)

    def _last_common(self, one: Upstream) -> int:
        def is_equal(seq: int) -> bool:
            theirs = self._link.call(protocol.HASHES, HashesWanted(chain=one.at_hq, seqs=[seq]), Hashes).hashes
            return theirs == [self._hash_at(one, seq)]

        return first_difference(one.base_seq, one.end.seq + 1, is_equal) - 1

    def _begin_again(self, one: Upstream) -> Step:
        """What the branch stands on is not at HQ (it was restored): the chain is offered under its own name again."""
        with self._hq.database.write() as connection:
            began = relay_marks.began_at(connection, one.chain)
            again = relay_marks.plain(connection, self._us.store, one.chain, one.end, began)
            if again.at_hq == one.at_hq:
                again = one._replace(trouble=protocol.GAP)
            relay_marks.put(connection, again)
        return Step(more=not again.trouble, trouble=again.trouble)

    # -------------------------------------------------------------- down

    def pull_once(self, wait_ms: int = 0) -> Step:
        """Take what HQ has published since into the hub's feed; each page and its cursor in one transaction."""
        with self._hq.database.read() as connection:
            seen = relay_marks.cursors(connection)
        generation = next((at.generation for at in seen.values()), b"")
        asked = {topic: at.rev if at.generation == generation else STALE for topic, at in seen.items()}
        newest = {topic: at.newest for topic, at in seen.items() if at.newest}
        wanted = Pull(generation=generation, cursors=asked, wait_ms=wait_ms, newest=newest)
        pulled = self._link.call(protocol.PULL, wanted, Pulled)
        done = sum(self._take(page, seen.get(page.topic), pulled.generation) for page in pulled.pages)
        done += sum(self._load(topic, seen.get(topic)) for topic in pulled.gone)
        return Step(done, more=bool(pulled.gone) or any(page.more for page in pulled.pages))

    def _take(self, page: Page, at: Cursor | None, generation: bytes) -> int:
        with self._hq.database.write() as connection:
            if page.topic == WANTED or relay_marks.cursors(connection).get(page.topic) != at:
                return 0
            self._publish(connection, page.topic, [self._row(row) for row in page.rows])
            relay_marks.put_cursor(connection, page.topic, Cursor(generation, page.rev, page.newest))
        return len(page.rows)

    def _load(self, topic: str, at: Cursor | None) -> int:
        """A topic whole: what it does not hold any more is taken away here too."""
        if topic == WANTED:
            return 0
        with part_file(self._beside(), topic) as part:
            if part is None:
                raise Unreachable(f"{topic}: another process fetches it")
            offer = self._link.call(SNAPSHOTS, SnapshotWanted(topic=topic), Snapshot)
            fetch(self._link, offer, part)
            try:
                rows = [self._row(row) for row in rows_in(part)] if is_whole(part, offer) else None
            except WireError as error:
                raise Unreachable(f"{topic}: {error}") from error
            finally:
                part.truncate(0)
        if rows is None:
            raise Unreachable(f"{topic}: a snapshot that is not what HQ said")
        with self._hq.database.write() as connection:
            if relay_marks.cursors(connection).get(topic) != at:
                return 0
            there = {(store, key) for store, key, _ in rows}
            gone = [(store, key, None) for store, key in self._here(connection, topic) if (store, key) not in there]
            self._publish(connection, topic, [*rows, *gone])
            relay_marks.put_cursor(connection, topic, Cursor(offer.generation, offer.rev))
        return len(rows)

    def _publish(self, connection: Connection, topic: str, rows: list[Published]) -> None:
        now_ms = self._hq.clock.wall_ms()
        feed.publish(connection, topic, rows, now_ms)
        for _, key, body in rows if topic == REVOKED else ():
            if body is not None:
                take_revoked(connection, self._us.store, bytes.fromhex(key), now_ms)

    def _beside(self) -> Path:
        """What the part of a snapshot that has come lies beside: the hub's file."""
        path = self._hq.database.engine.url.database
        if self._hq.database.is_postgres or not path:
            return Path(tempfile.gettempdir()) / f"lanewise-hub-{self._us.device.hex()}"
        return Path(path)

    def _row(self, row: Row) -> Published:
        """A row as the hub publishes it: HQ's `@key` is its row for this shop alone."""
        own = row.key.startswith(OWN)
        return (self._us.store, row.key.removeprefix(OWN), row.body) if own else (feed.FOR_ALL, row.key, row.body)

    def _here(self, connection: Connection, topic: str) -> list[tuple[str, str]]:
        sql = "SELECT store, key FROM feed WHERE topic = ? AND body IS NOT NULL"
        return [(store, key) for store, key in run(connection, sql, topic)]
