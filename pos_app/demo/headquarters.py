"""The demo's headquarters: an HQ and an agent in processes of their own, and a line between them that a key cuts.

It comes up beside the lanes, which sell from their first second on; until then they say "local".
"""

import contextlib
import logging
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pos_app.demo.line import HOST, Line, free_port
from store_db import sync_state
from store_db.store import Store
from sync import enrol, link
from sync.agent import Agent
from sync.hq_server.database import Database
from sync.hq_server.devices import make_code
from sync.hq_server.hq import Hq

START_S, END_S = 60.0, 5.0


def day_at_hq(path: Path) -> dict[str, object]:
    """Send a finished day to an HQ of its own and prove it: how many events HQ holds, and whether both hold the same."""
    port = free_port()
    with contextlib.ExitStack() as running, Store.open(path) as store:
        url = _serve(path, port, running, threading.Event())
        with link.client(url) as client:
            line = link.Link(store, client)
            _enrol(path, store, line, url)
            agent = Agent(store, line, random=random.Random(1))
            while agent.push_once().more:
                pass
            equal = not agent.prove_once().trouble and not sync_state.line_state(store.connection).waiting_events
        return {"events": sum(chain.seq for chain in sync_state.chains(store.connection)), "equal": equal}


@contextlib.contextmanager
def headquarters(path: Path) -> Iterator[Line]:
    """An HQ beside a store's file that knows this shop, an agent, and the line between them, which is up."""
    port = free_port()
    line = Line((HOST, port))
    with contextlib.ExitStack() as running:
        stop = threading.Event()
        starter = threading.Thread(target=_start, args=(path, port, line, running, stop), daemon=True)
        starter.start()
        try:
            yield line
        finally:
            stop.set()
            starter.join()
            line.cut()


def _start(path: Path, port: int, line: Line, running: contextlib.ExitStack, stop: threading.Event) -> None:
    try:
        _serve(path, port, running, stop)
        line.mend()
        with Store.open(path) as store, link.client(line.url) as client:
            _enrol(path, store, link.Link(store, client), line.url)
        running.enter_context(_process(path, "agent", "--store", str(path)))
    except Exception:  # the demo sells on without an HQ, and its log says why
        logging.getLogger(__name__).exception("the demo has no HQ")


def _serve(path: Path, port: int, running: contextlib.ExitStack, stop: threading.Event) -> str:
    """Start an HQ beside the store's file; its address, when it answers. Raises RuntimeError when it does not."""
    database = _database(path)
    if not _file(path).exists():
        Hq.create(database)
    url = database.engine.url.render_as_string()
    running.enter_context(_process(path, "hq", "serve", "--database", url, "--host", HOST, "--port", str(port)))
    until = time.monotonic() + START_S
    while time.monotonic() < until and not stop.wait(0.05):
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return f"http://{HOST}:{port}"
    raise RuntimeError("HQ did not start: see hq.log beside the store")


def _enrol(path: Path, store: Store, line: link.Link, url: str) -> None:
    """Make the shop's file known by a one-time code."""
    hq = Hq.open(_database(path))
    with hq.database.write() as connection:
        code = make_code(connection, hq.ids, store.device.store, hq.clock.wall_ms())
    enrol.enrol(store, line, url, code)


def _database(path: Path) -> Database:
    return Database.open(f"sqlite:///{_file(path).absolute()}")


def _file(path: Path) -> Path:
    return path.with_name("hq.sqlite")


@contextlib.contextmanager
def _process(path: Path, *arguments: str) -> Iterator[None]:
    """A `pos` command that runs until the block ends; what it says goes to a log beside the store."""
    with path.with_name("hq.log").open("ab") as log:
        command = [sys.executable, "-m", "pos_app.demo.child", *arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        assert process.stdin is not None
        process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
        process.kill()
        process.wait()
