"""Topics at a till: whatever is cut, killed or put back, no cursor is ahead of what is applied, and at rest both are equal."""

import contextlib
import itertools
import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import uvicorn

from pos_app.demo.day import DayClock
from store_db import hq_rows
from store_db.connection import sqlite
from store_db.store import Store
from sync.agent import Agent
from sync.enrol import enrol
from sync.hq_server import feed, snapshots
from sync.hq_server.app import make_app
from sync.hq_server.hq import Hq, Rejected
from sync.link import Link, client
from sync.protocol import BROKEN, SNAPSHOTS, Snapshot, SnapshotWanted
from sync.pull import load_snapshot, pull_page
from tests.shop_kit import STORE
from tests.sync.feed_kit import CutOff, DirectLine, has, make_hq, new_till, open_hq, publish, sees
from tests.sync.hq_kit import client_of, new_code

MANY = feed.BOOTSTRAP_ROWS + 1_000


@pytest.fixture
def hq(tmp_path: Path) -> Iterator[Hq]:
    made = make_hq(f"sqlite:///{tmp_path}/hq.sqlite")
    yield made
    made.database.engine.dispose()


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Store]:
    with new_till(tmp_path / "till.sqlite") as store:
        yield store


def pull_all(store: Store, line: DirectLine) -> int:
    """Pull until there is no more; how many rows came."""
    done = 0
    while (step := pull_page(store, line)).more:
        done += step.done
    assert step.trouble == ""
    return done + step.done


def test_pages_are_applied_with_their_cursor_until_both_sides_are_equal(hq: Hq, till: Store) -> None:
    line = DirectLine(hq)
    publish(hq, "catalogue", {f"A{n}": {"n": n} for n in range(1_000)})
    publish(hq, "catalogue", {f"A{n}": {"own": n} for n in range(0, 1_000, 7)}, STORE)
    publish(hq, "staff", {"1001": {"v": 1}, "1002": None})
    pull_all(till, line)
    assert all(has(till, topic) == sees(hq, topic) for topic in ("catalogue", "staff"))
    publish(hq, "catalogue", {"A5": None, "A6": {"n": "new"}})
    publish(hq, "catalogue", {"A7": None}, STORE)
    assert pull_all(till, line) == 3
    assert has(till, "catalogue") == sees(hq, "catalogue")
    assert hq_rows.holding(till.connection, "catalogue", "A7").body == b'{"n":7}'  # type: ignore[union-attr]
    assert pull_page(till, line) == (0, False, 0, "")


def test_a_second_agent_that_asked_before_the_first_applied_changes_nothing(hq: Hq, till: Store) -> None:
    line = DirectLine(hq)
    publish(hq, "staff", {"1001": {"v": 1}})

    class Slow(DirectLine):
        """Its answer comes when another agent has applied it, and a newer one."""

        def call(self, path, message, reply):  # type: ignore[no-untyped-def]
            answer = super().call(path, message, reply)
            pull_all(till, line)
            publish(hq, "staff", {"1001": {"v": 2}})
            pull_all(till, line)
            return answer

    assert pull_page(till, Slow(hq)).done == 0
    assert has(till, "staff") == sees(hq, "staff")


# ------------------------------------------------------------------ snapshots


def test_a_new_till_takes_a_large_topic_as_a_snapshot_and_goes_on_by_page(hq: Hq, till: Store) -> None:
    line = DirectLine(hq)
    publish(hq, "catalogue", {f"A{n}": {"n": n} for n in range(MANY)})
    pull_all(till, line)
    assert SNAPSHOTS in line.asked and has(till, "catalogue") == sees(hq, "catalogue")
    line.asked.clear()
    publish(hq, "catalogue", {"A1": {"n": "new"}})
    pull_all(till, line)
    assert SNAPSHOTS not in line.asked and has(till, "catalogue") == sees(hq, "catalogue")


def test_a_cursor_older_than_the_tombstones_and_one_of_another_generation_lose_what_is_gone(hq: Hq, till: Store) -> None:
    line = DirectLine(hq)
    publish(hq, "staff", {"1001": {"v": 1}, "1002": {"v": 1}, "1003": {"v": 1}})
    publish(hq, "old", {"x": {}})
    pull_all(till, line)
    publish(hq, "staff", {"1002": None, "1003": {"v": 2}})
    with hq.database.write() as connection:
        feed.purge_tombstones(connection, hq.clock.wall_ms() + 1)
    pull_all(till, line)
    assert set(has(till, "staff")) == {"1001", "1003"} and has(till, "staff") == sees(hq, "staff")

    fresh = make_hq(f"sqlite:///{till.path.with_name('fresh.sqlite')}")  # another HQ in its place: other revs, other generation
    publish(fresh, "staff", {"1001": {"v": 9}, "2001": {"v": 1}})
    pull_all(till, DirectLine(fresh))
    assert has(till, "staff") == sees(fresh, "staff") and has(till, "old") == {}
    fresh.database.engine.dispose()


def test_a_snapshot_that_was_cut_goes_on_where_it_was(hq: Hq, till: Store) -> None:
    line = DirectLine(hq)
    luck = random.Random(1)
    publish(hq, "catalogue", {f"A{n}": {"n": luck.randbytes(100).hex()} for n in range(MANY)})
    line.cut_after = 1
    with pytest.raises(CutOff):
        pull_page(till, line)
    assert hq_rows.cursor(till.connection, "catalogue") == hq_rows.NOWHERE and has(till, "catalogue") == {}
    line.cut_after, line.asked = None, []
    pull_all(till, line)
    assert f" {snapshots.PART_BYTES}" in line.asked[2] and has(till, "catalogue") == sees(hq, "catalogue")
    assert list(till.path.parent.glob("*.snapshot-*")) == []


@pytest.mark.parametrize("had", [{}, {"A0": {"n": "old"}}], ids=["first", "second"])
def test_a_snapshot_half_applied_is_not_kept_when_hq_is_put_back_to_before_it(
    tmp_path: Path, hq: Hq, till: Store, had: dict[str, object]
) -> None:
    line = DirectLine(hq)
    publish(hq, "staff", {"1001": {"v": 1}})
    publish(hq, "catalogue", had)
    pull_all(till, line)
    sqlite.connect(f"{tmp_path}/hq.sqlite").execute("VACUUM INTO ?", (f"{tmp_path}/copy.sqlite",))
    publish(hq, "catalogue", {f"A{n}": {"n": n} for n in range(MANY)})

    class Killed(BaseException):
        """The agent ends between two transactions."""

    def kill(_: float) -> None:
        raise Killed

    with pytest.raises(Killed):
        load_snapshot(till, line, "catalogue", pause=kill)
    assert len(has(till, "catalogue")) > len(had)
    copy = open_hq(f"sqlite:///{tmp_path}/copy.sqlite")
    pull_all(till, DirectLine(copy))
    assert has(till, "catalogue") == sees(copy, "catalogue") and len(sees(copy, "catalogue")) == len(had)
    copy.database.engine.dispose()
    pull_all(till, line)
    assert has(till, "catalogue") == sees(hq, "catalogue")


def test_a_snapshot_with_a_wrong_byte_is_thrown_away_and_fetched_anew(hq: Hq, till: Store) -> None:
    line = DirectLine(hq)
    publish(hq, "catalogue", {f"A{n}": {"n": n} for n in range(MANY)})
    line.spoil = lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:]
    assert pull_page(till, line).trouble == BROKEN
    assert has(till, "catalogue") == {}
    line.spoil = lambda data: data
    pull_all(till, line)
    assert has(till, "catalogue") == sees(hq, "catalogue")


def test_only_the_rows_that_differ_are_written(hq: Hq, till: Store) -> None:
    line = DirectLine(hq)
    publish(hq, "catalogue", {f"A{n}": {"n": n} for n in range(1_000)})
    pull_all(till, line)
    with till.transaction() as connection:
        connection.execute("UPDATE hq_rows SET body = x'7b7d' WHERE key IN ('A1', 'A999')")
        hq_rows.drop_row(connection, "catalogue", "A500")
        hq_rows.put_row(connection, "catalogue", hq_rows.KeptRow("B", 1, b"{}"))
    before = till.connection.total_changes
    assert load_snapshot(till, line, "catalogue").done == 4
    assert till.connection.total_changes - before < 10 and has(till, "catalogue") == sees(hq, "catalogue")


def test_one_agent_at_a_time_loads_a_topic(hq: Hq, till: Store) -> None:
    publish(hq, "catalogue", {f"A{n}": {"n": n} for n in range(MANY)})

    class Meanwhile(DirectLine):
        def fetch(self, path: str, first_byte: int) -> bytes:
            with Store.open(till.path, clock=till.clock, ids=till.ids) as other:
                step = load_snapshot(other, DirectLine(hq), "catalogue")
            assert step.done == 0 and step.wait_ms > 0
            return super().fetch(path, first_byte)

    assert load_snapshot(till, Meanwhile(hq), "catalogue").done == MANY


def test_a_snapshot_is_another_stores_to_nobody(hq: Hq) -> None:
    publish(hq, "staff", {"1001": {}}, STORE)
    line = DirectLine(hq)
    made = line.call(SNAPSHOTS, SnapshotWanted(topic="staff"), Snapshot)
    assert line.fetch(f"{SNAPSHOTS}/{made.name}", 0)
    with pytest.raises(Rejected):
        DirectLine(hq, store="S002").fetch(f"{SNAPSHOTS}/{made.name}", 0)


# ------------------------------------------------------------------ over the real line


def test_an_enrolled_till_gets_pages_and_snapshots_over_signed_requests(hq: Hq, till: Store) -> None:
    link = Link(till, client_of(hq))
    enrol(till, link, "http://hq.test", new_code(hq))
    agent = Agent(till, link, random=random.Random(1))
    luck = random.Random(2)
    publish(hq, "catalogue", {f"A{n}": {"n": luck.randbytes(100).hex()} for n in range(MANY)})
    publish(hq, "catalogue", {"A1": {"own": 1}}, STORE)
    publish(hq, "catalogue", {"A1": {"other": 1}}, "S002")
    while (step := agent.pull_once()).more:
        pass
    assert step.trouble == "" and has(till, "catalogue") == sees(hq, "catalogue")


def test_an_idle_till_hears_of_a_change_by_the_pull_that_waits_for_it(hq: Hq, till: Store) -> None:
    """Over a socket. The pull would wait for 25 seconds: were it not woken, it would bring nothing."""
    with served(hq) as url, client(url) as line:
        link = Link(till, line)
        enrol(till, link, url, new_code(hq))
        agent = Agent(till, link, random=random.Random(1))
        other = threading.Timer(0.3, publish, (hq, "stop_sales", {"COLA": {}}))
        other.start()
        step = agent.pull_once(wait_ms=25_000)
        other.join()
    assert step.done == 1 and has(till, "stop_sales") == sees(hq, "stop_sales")


@contextlib.contextmanager
def served(hq: Hq) -> Iterator[str]:
    """HQ on a port of this machine."""
    server = uvicorn.Server(uvicorn.Config(make_app(hq), port=0, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


# ------------------------------------------------------------------ killed


@pytest.mark.kill
@pytest.mark.parametrize("rows", [450, MANY], ids=["pages", "snapshot"])
def test_killed_at_any_statement_the_cursor_is_not_ahead_and_the_next_agent_goes_on(tmp_path: Path, hq: Hq, rows: int) -> None:
    path = tmp_path / "till.sqlite"
    new_till(path).close()
    publish(hq, "catalogue", {f"A{n}": {"n": n} for n in range(rows)})
    luck, kills = random.Random(rows), 0
    while not ends_by_itself(f"sqlite:///{tmp_path}/hq.sqlite", path, kill_at=luck.randrange(1, rows * 2)):
        kills += 1
        with Store.open(path, clock=DayClock()) as store:
            cursor, there = hq_rows.cursor(store.connection, "catalogue"), has(store, "catalogue")
        assert all(there.get(key) == row for key, row in sees(hq, "catalogue").items() if row[0] <= cursor.rev)
    with Store.open(path, clock=DayClock()) as store:
        assert hq_rows.cursor(store.connection, "catalogue").rev == rows and has(store, "catalogue") == sees(hq, "catalogue")
    assert kills > 1


def ends_by_itself(url: str, path: Path, kill_at: int) -> bool:
    """Pull all in a process that is killed at its n-th statement; whether it was done before."""
    child = os.fork()
    if child == 0:
        pull_until_killed(url, path, kill_at)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return not os.WIFSIGNALED(status)


def pull_until_killed(url: str, path: Path, kill_at: int) -> NoReturn:
    try:
        line, statements = DirectLine(open_hq(url)), itertools.count(1)
        with Store.open(path, clock=DayClock()) as store:
            store.connection.set_trace_callback(
                lambda _: os.kill(os.getpid(), signal.SIGKILL) if next(statements) == kill_at else None
            )
            pull_all(store, line)
        os._exit(0)
    finally:
        os._exit(1)
