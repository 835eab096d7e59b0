"""The agent as a process beside a real HQ: it starts, sends what is sold, ends when told to, and minds being killed as little."""

import json
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pos_app import cli
from pos_app.demo.day import DayClock, SeededIds
from store_db import catalogue, sync_state
from store_db.store import Store
from store_db.system import SystemClock, SystemIds
from sync.hq_server import relay_marks
from sync.hq_server.database import Database, run
from sync.hq_server.hq import Hq
from sync.hq_server.run_relay import prepare
from sync.signing import key_id
from sync.topics import CATALOGUE
from tests.shop_kit import ROOT, STORE, make_store
from tests.sim import facts
from tests.sync.feed_kit import publish
from tests.sync.hq_kit import make_hq, new_code, sqlite_url

POS = (sys.executable, "-m", "pos_app")
PATIENCE_S = 60.0
FRESH_S = 2.0


Pos = Callable[..., str]


@pytest.fixture
def pos(capsys: pytest.CaptureFixture[str]) -> Pos:
    """A command in this process: what it said, on both outputs."""

    def run(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        found = cli.main(arguments)
        said = "".join(capsys.readouterr())
        assert found == code, f"{arguments}: {found}\n{said}"
        return said

    return run


@pytest.fixture
def hq_url(tmp_path: Path) -> Iterator[str]:
    """A served HQ."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    make_hq(sqlite_url(tmp_path)).database.close()
    command = [*POS, "hq", "serve", "--database", sqlite_url(tmp_path), "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as served:
        until(lambda: _listens(port))
        yield f"http://127.0.0.1:{port}"
        served.kill()  # a graceful end would wait for the pull that waits


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def store(tmp_path: Path, hq_url: str, pos: Pos) -> Iterator[Store]:
    """An enrolled shop."""
    make_store(tmp_path / "shop.sqlite", DayClock(), SeededIds(1)).close()
    database = Database.open(sqlite_url(tmp_path))
    code = new_code(Hq.open(database), STORE)
    database.close()
    pos("sync", "enrol", "--url", hq_url, "--code", code, "--store", str(tmp_path / "shop.sqlite"))
    with Store.open(tmp_path / "shop.sqlite", clock=SystemClock(), ids=SystemIds()) as opened:
        yield opened


def until(condition: Callable[[], object]) -> None:
    """Wait for something that must come; how long it takes is nobody's verdict."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def started(store: Store) -> subprocess.Popen[str]:
    return subprocess.Popen([*POS, "agent", "--store", str(store.path)], cwd=ROOT, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def running_agent(store: Store) -> Iterator[subprocess.Popen[str]]:
    agent = started(store)
    yield agent
    agent.kill()
    agent.communicate()


def all_sent(store: Store) -> bool:
    return sync_state.waiting(store.connection).events == 0


def test_an_agent_sends_what_is_sold_minds_no_kill_and_ends_when_it_is_told_to(store: Store, pos: Pos) -> None:
    luck = random.Random(1)
    agent = started(store)
    try:
        for _ in range(3):
            facts.sell(store, luck)
            until(lambda: all_sent(store))
        agent.send_signal(signal.SIGKILL)
        agent.wait()
        facts.sell(store, luck)
        agent = started(store)
        until(lambda: all_sent(store))
        until(lambda: sync_state.runs(store.connection).get(sync_state.PROOF))
        assert "POS-7009" in pos("agent", "--store", str(store.path), code=3)
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(PATIENCE_S) == 0
    finally:
        agent.kill()
        agent.communicate()
    assert sync_state.runs(store.connection)[sync_state.PROOF].equal == 1


def test_what_is_new_at_one_end_of_an_idle_line_is_at_the_other_within_two_seconds(
    tmp_path: Path, store: Store, running_agent: subprocess.Popen[str]
) -> None:
    """A sale at HQ, a price at the till: median of five. A bound on time is the very requirement here ("freshness under 2 s when

    idle and online"), so this test alone asserts one; two seconds are four times what the slowest look-up takes."""
    hq = Hq.open(Database.open(sqlite_url(tmp_path)))
    luck = random.Random(4)

    def is_at_hq() -> bool:
        (hash,) = store.connection.execute("SELECT hash FROM journal ORDER BY id DESC LIMIT 1").fetchone()
        with hq.database.read() as connection:
            return run(connection, "SELECT 1 FROM log WHERE hash = ?", bytes(hash)).first() is not None

    def is_at_the_till(price_fen: int) -> bool:
        found = catalogue.find_by_sku(store.connection, "TEA", store.clock.wall_ms())
        return found is not None and found.price_fen == price_fen

    def sale_s(_: int) -> float:
        return _took_s(lambda: facts.sell(store, luck), is_at_hq)

    def price_s(price_fen: int) -> float:
        tea = {"codes": ["12345"], "name": "绿茶", "price_fen": price_fen}
        return _took_s(lambda: publish(hq, CATALOGUE, {"TEA": tea}), lambda: is_at_the_till(price_fen))

    price_s(500)
    until(lambda: all_sent(store))
    assert statistics.median(map(sale_s, range(5))) < FRESH_S
    assert statistics.median(map(price_s, range(499, 494, -1))) < FRESH_S
    hq.database.close()


def _took_s(change: Callable[[], object], has_arrived: Callable[[], bool]) -> float:
    """How long a change is under way, counted from when it is made."""
    change()
    made_s = time.monotonic()
    until(has_arrived)
    return time.monotonic() - made_s


def test_once_sends_fetches_and_proves_and_verify_asks_hq(store: Store, hq_url: str, pos: Pos) -> None:
    facts.sell(store, random.Random(2))
    answer = json.loads(pos("sync", "once", "--json", "--store", str(store.path)))
    assert answer["sent"] > 0 and answer["is_equal"] is True and answer["waiting"]["events"] == 0
    assert json.loads(pos("verify", "--with-hq", "--json", "--store", str(store.path)))["verify"] == "ok"
    with store.transaction() as connection:
        connection.execute("UPDATE sync_marks SET points = points + 1")
    assert "sums kept here" in pos("verify", "--with-hq", "--store", str(store.path), code=1)
    pos("verify", "--store", str(store.path))
    assert "connected" in pos("sync", "status", "--store", str(store.path))
    assert "POS-7004" in pos("sync", "enrol", "--url", hq_url, "--code", "AAAA", "--store", str(store.path), code=3)
    assert "NOT EQUAL" in pos("sync", "once", "--store", str(store.path), code=1)
    pos("sync", "rotate", "--store", str(store.path))
    facts.sell(store, random.Random(3))
    assert "1 events sent" in pos("sync", "once", "--store", str(store.path), code=1)


def test_a_code_is_typed_in_with_hqs_key_and_an_heir_asks_for_one_that_names_it(
    tmp_path: Path, store: Store, hq_url: str, pos: Pos
) -> None:
    database, path, shop = ("--database", sqlite_url(tmp_path)), str(store.path), store.device.store
    made = json.loads(pos("hq", "enrol", shop, "--json", *database))
    typed = ("sync", "enrol", "--url", hq_url, "--store", path, "--code", made["code"], "--hq-key")
    assert "POS-7013" in pos(*typed, "0" * 16, code=3)
    pos(*typed, made["hq_key"])
    store.connection.execute("DELETE FROM secrets WHERE name = 'device_key' OR name GLOB 'kept_key:*'")
    code = json.loads(pos("hq", "enrol", shop, "--json", *database))["code"]
    told = pos("sync", "enrol", "--url", hq_url, "--store", path, "--code", code, code=3)
    assert "POS-7012" in told
    named = told.partition("--heir-of ")[2].split()[0].rstrip("]")
    assert store.device.device.hex().startswith(named)
    code = json.loads(pos("hq", "enrol", shop, "--heir-of", named, "--json", *database))["code"]
    pos("sync", "enrol", "--url", hq_url, "--store", path, "--code", code)
    assert json.loads(pos("sync", "once", "--json", "--store", path))["waiting"]["events"] == 0


def test_a_hub_refuses_an_hq_with_another_key(tmp_path: Path, hq_url: str, pos: Pos) -> None:
    made = json.loads(pos("hq", "enrol", STORE, "--hub", "--json", "--database", sqlite_url(tmp_path)))
    (tmp_path / "hub").mkdir()
    hub = make_hq(sqlite_url(tmp_path / "hub"))
    at_hub = ("--database", sqlite_url(tmp_path / "hub"), "--hub-of", hq_url, "--shop", STORE, "--code", made["code"])
    wrong = [*POS, "hq", "serve", *at_hub, "--port", "0", "--hq-key", "0" * 16]
    done = subprocess.run(wrong, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)  # it would serve for ever
    assert done.returncode == 3 and "POS-7013" in done.stderr
    prepare(hub, hq_url, STORE, made["code"], made["hq_key"])  # the code is good once more, for this hub
    with hub.database.read() as connection:
        us = relay_marks.us(connection)
    assert us is not None and key_id(us.hq_key) == made["hq_key"]
    hub.database.close()


def test_a_store_that_is_not_enrolled_is_refused_with_its_code(tmp_path: Path, pos: Pos, monkeypatch: pytest.MonkeyPatch) -> None:
    make_store(tmp_path / "alone.sqlite", DayClock(), SeededIds(1)).close()
    assert "POS-7001" in pos("sync", "once", "--store", str(tmp_path / "alone.sqlite"), code=3)
    assert "not enrolled" in pos("sync", "status", "--store", str(tmp_path / "alone.sqlite"))
    monkeypatch.setenv("LANEWISE_CONFIG", "/dev/null")
    assert "POS-7011" in pos("sync", "enrol", "--code", "AAAA", "--store", str(tmp_path / "alone.sqlite"), code=3)
