"""HQ and a hub as processes of the command line: founded, enrolled, killed, started again; everything arrives at HQ once."""

import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from pos_app.demo.day import DayClock, SeededIds
from sync import enrol, link
from sync.agent import Agent
from sync.hq_server import hub_memory
from sync.hq_server.database import Database
from sync.hq_server.hq import HUB, Hq
from sync.hq_server.rebuild import verify
from tests.shop_kit import MILK, ROOT, WATER, Till, make_shop, make_store
from tests.sync.hq_kit import new_code

pytestmark = pytest.mark.processes
POS = (sys.executable, "-m", "pos_app")
WAIT_S = 60  # for what takes a second where nothing else runs


def free_port() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return int(any_port.getsockname()[1])


class Served:
    """`pos hq serve` on a database of its own."""

    def __init__(self, database: Path, *options: str) -> None:
        self.database, self.port = f"sqlite:///{database}", free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.hq = Hq.create(Database.open(self.database))
        self.process = self.start(*options)

    def start(self, *options: str) -> "subprocess.Popen[bytes]":
        command = [*POS, "hq", "serve", "--database", self.database, "--port", str(self.port), *options]
        self.process = subprocess.Popen(command, cwd=ROOT)
        until_s = time.monotonic() + WAIT_S
        while time.monotonic() < until_s and self.process.poll() is None:
            try:
                httpx.get(self.url)
            except httpx.HTTPError:
                time.sleep(0.1)
            else:
                return self.process
        raise AssertionError(f"hq serve ended with {self.process.poll()}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def events(self) -> int:
        with self.hq.database.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM log").scalar_one())


@pytest.fixture
def hq(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path / "hq.sqlite")
    yield made
    made.kill()


@pytest.fixture
def hub(tmp_path: Path, hq: Served) -> Iterator[Served]:
    made = Served(tmp_path / "hub.sqlite", "--hub-of", hq.url, "--shop", "S001", "--code", new_code(hq.hq, role=HUB))
    yield made
    made.kill()


def wait_until(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < until_s, "it did not come to that"
        time.sleep(0.2)


def wait_for(hq: Served, events: int) -> None:
    wait_until(lambda: hq.events() == events)


def test_a_hub_relays_what_its_tills_told_also_after_both_were_killed(tmp_path: Path, hq: Served, hub: Served) -> None:
    path = tmp_path / "till.sqlite"
    store = make_store(path, DayClock(), SeededIds(1))
    till = Till(make_shop(store)).open()
    with link.client(hub.url) as client:
        line = link.Link(store, client)
        enrol.enrol(store, line, hub.url, new_code(hub.hq))

        def told() -> int:
            """Everything is at the hub; how much that is."""
            agent = Agent(store, line, random=random.Random(1))
            while agent.push_once().more:
                pass
            return hub.events()

        till.sell(WATER)
        wait_for(hq, told())
        hq.kill()
        till.sell(MILK)
        count = told()
        hub.kill()
        hub.start("--hub-of", hq.url)
        hq.start()
        wait_for(hq, count)
        assert verify(hq.hq.database).is_ok
        store.close()


def test_an_agent_tells_a_hub_that_was_put_back_what_it_holds_before_its_next_hello_is_due(tmp_path: Path, hub: Served) -> None:
    path, file, copy = tmp_path / "till.sqlite", tmp_path / "hub.sqlite", tmp_path / "copy.sqlite"
    store = make_store(path, DayClock(), SeededIds(1))
    till = Till(make_shop(store)).open()
    with link.client(hub.url) as client:
        enrol.enrol(store, link.Link(store, client), hub.url, new_code(hub.hq))

    def is_heard() -> bool:
        with hub.hq.database.read() as connection:
            return hub.events() > 0 and not hub_memory.missing(connection, "S001")

    agent = subprocess.Popen([*POS, "agent", "--store", str(path)], cwd=ROOT)
    try:
        wait_until(is_heard)
        hub.kill()
        hub.hq.database.close()
        shutil.copyfile(file, copy)
        hub.start()
        till.sell(WATER)
        count = store.connection.execute("SELECT count(*) FROM journal").fetchone()[0]
        wait_for(hub, count)
        wait_until(is_heard)
        hub.kill()
        hub.hq.database.close()
        for old in tmp_path.glob("hub.sqlite*"):
            old.unlink()
        shutil.copyfile(copy, file)
        assert hub.events() < count
        hub.start()
        wait_for(hub, count)
        wait_until(is_heard)
    finally:
        agent.kill()
        agent.wait()
        store.close()
