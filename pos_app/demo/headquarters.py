"""The demo's headquarters: an HQ and an agent in processes of their own, and a line between them that a key cuts.

It comes up beside the lanes, which sell from their first second on; until then they say "local".
"""

import contextlib
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pos_app.demo.line import HOST, Line, free_port
from store_db.store import Store
from sync import enrol, link
from sync.hq_server.database import Database
from sync.hq_server.devices import make_code
from sync.hq_server.hq import Hq

START_S, END_S = 60.0, 5.0


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
        url = f"sqlite:///{path.with_name('hq.sqlite').absolute()}"
        hq = _open(url)
        running.enter_context(_process(path, "hq", "serve", "--database", url, "--host", HOST, "--port", str(port)))
        if not _answers(port, stop):
            return
        line.mend()
        with Store.open(path) as store, link.client(line.url) as client:
            enrol.enrol(store, link.Link(store, client), line.url, _code(hq, store.device.store))
        running.enter_context(_process(path, "agent", "--store", str(path)))
    except Exception:  # the demo sells on without an HQ, and its log says why
        logging.getLogger(__name__).exception("the demo has no HQ")


def _open(url: str) -> Hq:
    """The HQ of an earlier demo beside the same file, or a new one."""
    database = Database.open(url)
    return Hq.open(database) if Path(url.removeprefix("sqlite:///")).exists() else Hq.create(database)


def _code(hq: Hq, store: str) -> str:
    with hq.database.write() as connection:
        return make_code(connection, hq.ids, store, hq.clock.wall_ms())


@contextlib.contextmanager
def _process(path: Path, *arguments: str) -> Iterator[None]:
    """A `pos` command that runs until the block ends; what it says goes to a log beside the store."""
    with path.with_name("hq.log").open("ab") as log:
        command = [sys.executable, "-m", "pos_app", *arguments]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
        process.kill()
        process.wait()


def _answers(port: int, stop: threading.Event) -> bool:
    """Whether somebody listens there by now; False when the demo ends first."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and not stop.wait(0.05):
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return True
    return False
