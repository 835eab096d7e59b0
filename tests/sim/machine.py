"""A till's PC: one store file, the agent on it, a clock of its own, and a process that may end at any moment."""

from __future__ import annotations

import contextlib
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from store_db import mark, sync_state
from store_db.connection import Connection, connect, file_identity
from store_db.store import Store
from sync import enrol
from sync.agent import Agent
from sync.link import Link, Refused, Unreachable
from sync.protocol import HEIR, UNKNOWN_DEVICE, UNSIGNED
from tests.sim import template
from tests.sim.clock import MachineClock
from tests.sim.wire import Heard, Killed, Wire

if TYPE_CHECKING:
    from tests.sim.headquarters import Headquarters
    from tests.sim.world import World


class SimStore(Store):
    """The real store; its process may end before, inside or after any transaction of the agent."""

    machine: Machine | None = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        machine = self.machine
        if machine is None or not machine.may_be_killed:
            with super().transaction() as connection:
                yield connection
            return
        machine.may_end("killed_at_transaction")
        with super().transaction() as connection:
            yield connection
            machine.may_end("killed_inside_transaction")
        machine.may_end("killed_at_transaction")


class Machine:
    """One machine of the world."""

    def __init__(self, world: World, name: str, path: Path, number: int) -> None:
        self.world, self.name, self.path = world, name, path
        self.luck = random.Random(f"{world.seed}/{name}")
        self.clock = MachineClock(world.time, number)
        self.boots = number * 1000
        self.is_cut_off = False
        self.may_be_killed = False
        self.backup: tuple[bytes, bytes] | None = None
        self.basket = world.ids.random(16)  # an open one: whoever copies the file copies it too
        self.twin_at_next_request = False
        self.last: dict[str, Any] = {}
        self.answers = defaultdict[str, list[Heard]](list)  # its server's, by path, for a proxy that gives them again
        self.trouble = ""  # of the newest step
        self.store = self._opened()
        self.server = world.first_server_of(self.store.device.store)
        self.client = httpx.Client(transport=Wire(world, self), base_url=self.server.url, trust_env=False)
        self.agent = self._agent(self.store)

    # -------------------------------------------------------------- the process

    def run(self, work: Callable[[Agent], Any], agent: Agent | None = None) -> Any:
        """What the agent answers; None when its process was killed on the way, and then it was started again."""
        outer, self.may_be_killed = self.may_be_killed, True
        try:
            step = work(agent or self.agent)
            self.trouble = getattr(step, "trouble", "")
            return step
        except Killed:
            self.world.note(f"  {self.name} killed")
            if outer:
                raise
            self.may_be_killed = False
            self.restart()
            return None
        finally:
            self.may_be_killed = outer

    def may_end(self, fault: str) -> None:
        if self.may_be_killed and self.world.faults.happens(fault):
            raise Killed

    def restart(self, *, is_power_cut: bool = False) -> None:
        """End without ceremony, and start again: what was committed is there, what was open is not."""
        self.stop()
        if is_power_cut:
            self.boots += 1
            self.clock.reboot(self.boots)
        self.start()

    def stop(self) -> None:
        self.store.connection.close()

    def start(self) -> None:
        self.store = self._opened()
        self.agent = self._agent(self.store)

    def _opened(self) -> Store:
        store = SimStore.open(self.path, clock=self.clock, ids=self.world.ids)
        store.machine = self
        return store

    def _agent(self, store: Store) -> Agent:
        return Agent(store, Link(store, self.client), random=self.luck)

    def meanwhile(self, what: str = "") -> None:
        """Something else happens while a request of this machine is on its way."""
        self.world.meanwhile(self, what)

    def run_twin(self) -> None:
        """Another agent process on the same file, for a step or two."""
        store = SimStore(self.path, connect(self.path), self.clock, self.world.ids)
        try:
            agent = self._agent(store)
            for _ in range(self.luck.choice((1, 1, 3))):
                self.luck.choice((agent.push_once, agent.push_once, agent.pull_once, agent.hello))()
        except Killed:
            self.world.note(f"  {self.name} twin killed")
        finally:
            store.connection.close()

    # -------------------------------------------------------------- at rest

    def round(self) -> bool:
        """What the agent's process does when it has all the time of the world; whether anything moved, or will after a wait.

        What does not move is proved; a proof that fails is for the next round.
        """
        before = self._state()
        for step in (Agent.push_once, Agent.pull_once):
            for _ in range(20):
                done = self.run(step)
                self.last[step.__name__] = done
                if done is None or not done.more:
                    break
        pushed = self.last["push_once"]
        if self._state() != before or (pushed is not None and pushed.wait_ms):
            return True
        self.last["prove"] = self.run(Agent.prove_once)
        return not self.says_equal()

    def _state(self) -> list[Any]:
        """Everything that the agent keeps, but for times."""
        wanted = (
            "SELECT device, epoch, branch, base_seq, seq FROM sync_marks", "SELECT topic, generation, rev FROM sync_cursors",
            "SELECT generation, frozen FROM sync_hq", "SELECT max(id) FROM journal",
        )  # fmt: skip
        return [[tuple(row) for row in self.store.connection.execute(sql)] for sql in wanted]

    def needs_code(self) -> bool:
        """Whether HQ does not serve this machine until somebody types a code in: two machines had its id, or HQ lost it."""
        row = self.store.connection.execute("SELECT frozen FROM sync_hq").fetchone()
        return bool(row[0]) or self.trouble in (UNKNOWN_DEVICE, UNSIGNED) or (self.world.hub is not None and self.is_stranger())

    def speak_to(self, server: Headquarters) -> None:
        self.server, self.client.base_url = server, httpx.URL(server.url)

    def is_stranger(self) -> bool:
        """Whether the file was enrolled elsewhere than at the server that it speaks to."""
        row = self.store.connection.execute("SELECT hq_key FROM sync_hq").fetchone()
        return bytes(row[0]) != self.server.nodes[0].hq.key

    def enrol_anew(self) -> None:
        """What the shop's manager does: a code from HQ, typed in."""
        self.world.note(f"  {self.name} enrols anew")
        if self.is_stranger():
            self.run(Agent.hello)  # whether two machines used this id hears the agent
        try:
            self._type(self.server.new_code(self.store.device.store))
        except Refused as refused:
            if refused.problem.code == HEIR:  # an operator says whose history it is
                self.world.note(f"  {self.name} is heir by an operator's word")
                with contextlib.suppress(Unreachable, Refused):
                    self._type(self.server.new_code(self.store.device.store, sync_state.devices(self.store.connection)))
        except Unreachable:
            pass

    def _type(self, code: str) -> None:
        self.run(lambda agent: enrol.enrol(self.store, Link(self.store, self.client), self.server.url, code))
        self.trouble = ""

    def says_equal(self) -> bool:
        """Whether the agent's own proof came out equal."""
        row = self.store.connection.execute("SELECT min(equal), count(equal) FROM sync_runs").fetchone()
        return row[0] == 1

    # -------------------------------------------------------------- the disk

    def image(self) -> bytes:
        """The closed file as it stands."""
        self.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.path.read_bytes()

    def back_up(self) -> None:
        mark.write(self.store.connection, self.path)
        self.basket = self.world.ids.random(16)
        self.backup = (self.image(), self._mark.read_bytes())

    def put_back(self, *, is_detected: bool) -> None:
        """The old copy over the file, in place; undetected: the mark beside it is put back as well."""
        assert self.backup is not None
        image, marked = self.backup
        if is_detected:
            mark.write(self.store.connection, self.path)
        self.stop()
        _overwrite(self.path, image)
        if not is_detected:
            self._mark.write_bytes(marked)
        self.start()
        self.world.ledger.file_changed(self)

    def clone(self, name: str, path: Path, number: int, *, is_detected: bool) -> Machine:
        """Another machine from this one's disk image. Undetected: as if its disk had the same identity."""
        template.place(path, self.image(), (lambda copy: None) if is_detected else own_identity)
        clone = Machine(self.world, name, path, number)
        clone.basket = self.basket
        clone.speak_to(self.server)
        self.world.ledger.file_changed(clone)
        return clone

    @property
    def _mark(self) -> Path:
        return self.path.with_name(self.path.name + ".head")


def own_identity(path: Path) -> None:
    """Make a copied file believe that it was never copied."""
    connection = connect(path)
    connection.execute("UPDATE device SET file_identity = ?", (file_identity(path),))
    connection.close()


def _overwrite(path: Path, image: bytes) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with path.open("r+b") as file:
        file.write(image)
        file.truncate()
