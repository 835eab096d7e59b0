"""The agent's process: a thread that pushes, one that pulls, and the timed jobs, until it is told to stop.

It may be killed at any moment. A new commit of a lane is noticed within a quarter of a second, and no lane waits for anything
here: each thread has a connection of its own, and transactions are short.
"""

import contextlib
import logging
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from pos_app.domain.errors import StoreError
from store_db import sync_state
from store_db.store import Store
from sync import link, pull, schedule
from sync.agent import Agent
from sync.apply import Takers
from sync.hand_over import hub_once, hub_run
from sync.link import Link, Refused, Unreachable
from sync.protocol import BUSY
from sync.schedule import JOBS, Job, Place

log = logging.getLogger(__name__)
POLL_S = 0.25  # between two looks for a new commit
HELLO_EVERY_MS, PROVE_EVERY_MS, HUB_EVERY_MS = 300_000, 30_000, 2_000
PULL_WAIT_MS = 20_000  # HQ keeps an empty answer so long
PAUSE_S = 1.0  # after an answer that came too soon, or a file that was busy
END_S = 2.0
NOWHERE = "http://127.0.0.1:9"  # nothing is asked before the file is enrolled


@contextlib.contextmanager
def open_link(store: Store) -> Iterator[Link]:
    """A line to the HQ that this file is enrolled at."""
    with link.client(_url(store) or NOWHERE) as client:
        yield Link(store, client)


def _url(store: Store) -> str:
    known = sync_state.hq(store.connection)
    return known.url if known else ""


class Running:
    """The threads of one agent. `stop` is set when it is told to end, or when a thread broke; then `error` says why."""

    def __init__(self, path: Path, takers: Takers, mirror_folder: Path | None = None, jobs: tuple[Job, ...] = JOBS) -> None:
        self.path, self.takers = path, takers
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self._scheduler = schedule.scheduler(Place(path, open_link, mirror_folder), jobs)
        self._threads = [
            threading.Thread(target=self._guard, args=(work,), name=work.__name__, daemon=True)
            for work in (push_until_stopped, pull_until_stopped)
        ]

    def start(self) -> None:
        self._scheduler.start()
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Tell all to end, and give them a moment: one that waits for HQ is left, as nothing is ever half done."""
        self.stop.set()
        self._scheduler.shutdown(wait=True)
        for thread in self._threads:
            thread.join(END_S)

    def _guard(self, work: Callable[["Running", Store], None]) -> None:
        try:
            while not self.stop.is_set():
                with contextlib.suppress(StoreBusy), _opened(self.path) as store:
                    work(self, store)  # comes back when the file is enrolled elsewhere
                self.stop.wait(PAUSE_S)
        except BaseException as error:
            log.exception("the agent ends")
            self.error = error
            self.stop.set()


class StoreBusy(Exception):
    """The file could not be used just now."""


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Store]:
    """The store; a file that is busy or a disk that is full raises StoreBusy: nothing is lost, and it is tried again."""
    try:
        with Store.open(path) as store:
            yield store
    except StoreError as error:
        log.warning("%s", error)
        raise StoreBusy from error


def push_until_stopped(running: Running, store: Store) -> None:
    """Batches while there are any; then prove them, wait for a commit, and say hello now and then."""
    shop_hub, url = ShopHub(store), _url(store)
    greeted, proved = Every(store, HELLO_EVERY_MS), Every(store, PROVE_EVERY_MS)
    with open_link(store) as line:
        agent = Agent(store, line, random=random.SystemRandom())
        is_new = True
        while not running.stop.is_set() and _url(store) == url:
            seen, is_hello = data_version(store), greeted.is_due() or shop_hub.has_started()
            if is_hello:
                shop_hub.is_there = True  # perhaps by now
            step = agent.hello() if is_hello else agent.push_once()
            is_new = is_new or step.done > 0
            if step.trouble or step.wait_ms:
                running.stop.wait(step.wait_ms / 1000)
            elif not (step.more or is_hello):
                if is_new and proved.is_due():
                    is_new = bool(agent.prove_once().trouble)
                shop_hub.round(line)
                wait_for_commit(running, store, seen, HUB_EVERY_MS if shop_hub.is_there else HELLO_EVERY_MS)


class Every:
    """Something that is due now and then."""

    def __init__(self, store: Store, every_ms: int) -> None:
        self._now_ms, self._every_ms = store.clock.mono_ms, every_ms
        self._due_ms = self._now_ms()

    def is_due(self) -> bool:
        """Whether it is due; then it is not again until the time has passed."""
        if self._now_ms() < self._due_ms:
            return False
        self._due_ms = self._now_ms() + self._every_ms
        return True


def wait_for_commit(running: Running, store: Store, seen: int, most_ms: int) -> None:
    """Until another connection has written to the file since it was `seen`; at once when one has by now."""
    until_ms = store.clock.mono_ms() + most_ms
    while data_version(store) == seen and store.clock.mono_ms() < until_ms and not running.stop.wait(POLL_S):
        pass


def data_version(store: Store) -> int:
    return int(store.connection.execute("PRAGMA data_version").fetchone()[0])


def pull_until_stopped(running: Running, store: Store) -> None:
    """Wait at HQ for rows, for ever."""
    pull.retry_all(store, running.takers)
    url = _url(store)
    with open_link(store) as line:
        agent = Agent(store, line, random=random.SystemRandom(), takers=running.takers)

        def pause(seconds: float) -> None:
            running.stop.wait(seconds)

        while not running.stop.is_set() and _url(store) == url:
            asked_ms = store.clock.mono_ms()
            step = agent.pull_once(PULL_WAIT_MS, pause)
            is_early = not step.done and store.clock.mono_ms() - asked_ms < PAUSE_S * 1000
            running.stop.wait(step.wait_ms / 1000 or (PAUSE_S if is_early else 0))


class ShopHub:
    """What a store hub is told between two batches; an HQ that is none says so, and is asked again after the next hello."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told, self._run = b"", ""
        self.is_there = True

    def has_started(self) -> bool:
        """Whether the hub has started since this was asked last. It may be an old copy: who greets it finds out."""
        before, self._run = self._run, hub_run(self._store.connection)
        return self._run != before

    def round(self, line: Link) -> None:
        if not self.is_there:
            return
        try:
            self._told, self.is_there = hub_once(self._store, line, self._told), True
        except Unreachable:
            self._told = b""
        except Refused as refused:
            self._told, self.is_there = b"", refused.problem.code == BUSY
