"""The world of one seed: machines, HQ, the line, one virtual time, one source of luck."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import httpx

from pos_app.demo.day import SeededIds
from sync import agent, pull
from sync.agent import Agent
from sync.hq_server import relay
from tests.sim import check, hub, steps, template
from tests.sim.check import JOINS, OTHER, Violation
from tests.sim.clock import MachineClock, WorldTime
from tests.sim.faults import Faults
from tests.sim.headquarters import Headquarters
from tests.sim.hub import Hub
from tests.sim.machine import Machine, own_identity
from tests.sim.wire import HqKilled

STEPS = 60
EVENTS_MAX, ROWS_MAX = 4, 3  # of a push and of a pulled page here: few events, and yet several batches of them
TOPICS = ("prices_of_tomorrow", "notes")  # no applier knows them: carried and kept as they are


class World:
    """Everything of one seed. `options` names the faults; None lets the seed choose."""

    def __init__(self, seed: int, folder: Path, *, options: dict[str, float] | None = None, is_told: bool = False) -> None:
        self.seed, self.folder, self.is_told = seed, folder, is_told
        self.luck = random.Random(seed)
        self.time = WorldTime()
        self.ids = SeededIds(seed)
        self.hq_clock = MachineClock(self.time, 1)
        self.faults = Faults(self.luck, options)
        self.topics = TOPICS
        self.trace: list[str] = []
        self.late: list[tuple[httpx.Request, bytes]] = []
        self.poison: set[bytes] = set()
        self.requests = self.lives = self.depth = 0
        self.machines: list[Machine] = []
        self.ledger = check.Ledger(self)
        kit, of_hub = template.get(folder), hub.faults_of(seed, options)
        self.hub: Hub | None = None
        if of_hub is not None:
            self.faults.options |= of_hub
            kit = hub.kit(folder).hq_before if JOINS in self.faults.options else hub.kit(folder).hq
        self.hq = Headquarters(self, kit)
        if of_hub is not None:
            self.hub = Hub(self, hub.kit(folder).hub)
        for number, image in enumerate(kit.tills[: self.luck.choice((1, 2, 2, 3))], 1):
            self.machines.append(self._till(f"t{number}", image, number))
        self.lives = len(self.machines)

    def _till(self, name: str, image: bytes, number: int) -> Machine:
        path = self.folder / f"{name}.sqlite"
        template.place(path, image, own_identity)
        return Machine(self, name, path, number)

    @property
    def servers(self) -> list[Headquarters]:
        return [self.hq, self.hub] if self.hub else [self.hq]

    def server_of(self, store: str) -> Headquarters:
        """Whom the tills of a shop speak to."""
        return self.hub if self.hub and store == hub.SHOP else self.hq

    def first_server_of(self, store: str) -> Headquarters:
        return self.hq if JOINS in self.faults.options else self.server_of(store)

    def server_at(self, request: httpx.Request) -> Headquarters:
        return next(server for server in self.servers if server.url.endswith(request.url.host))

    def note(self, text: str) -> None:
        self.trace.append(text)
        if self.is_told:
            print(text, flush=True)

    # -------------------------------------------------------------- while faults are on

    def run(self, steps_max: int = STEPS) -> None:
        """Steps, each followed by the invariants that hold at any time; then rest, and those that hold then."""
        few = mock.patch.object
        with few(agent, "EVENTS_MAX", EVENTS_MAX), few(relay, "EVENTS_MAX", EVENTS_MAX), few(pull, "BATCH_ROWS", ROWS_MAX):
            self._run(steps_max)

    def _run(self, steps_max: int) -> None:
        ordinary, of_faults = steps.ORDINARY, steps.OF_FAULTS
        if self.hub:
            ordinary, of_faults = ordinary | hub.ORDINARY, of_faults | hub.OF_FAULTS
        table = {name: weight for name, (weight, _) in ordinary.items()}
        table |= {name: weight for name, weight in self.faults.options.items() if name in table or name in of_faults}
        names, weights = list(table), list(table.values())
        for n in range(steps_max):
            name = self.luck.choices(names, weights)[0]
            machine = self.luck.choice(self.machines)
            self.note(f"{n:3} {machine.name} {name}")
            if name in of_faults:
                self.faults.counts[name] += 1
                of_faults[name](self, machine)
            else:
                ordinary[name][1](self, machine)
            self.time.now_ms += self.luck.choice((10, 1_000, 20_000, 90_000))
            self.ledger.after_step()
        self.rest()
        self.ledger.at_rest()

    def meanwhile(self, machine: Machine, what: str = "") -> None:
        """What else happens while a request of `machine` is on its way."""
        if self.depth:
            return
        self.depth += 1
        may_be_killed, machine.may_be_killed = machine.may_be_killed, False
        try:
            what = what or self.luck.choice(("sell", "twin", "publish", "other"))
            others = [other for other in self.machines if other is not machine]
            self.note(f"  meanwhile {what}")
            if what == "sell":
                steps.sell(self, machine)
            elif what == "twin" or (what == "other" and not others):
                machine.run_twin()
            elif what == "publish":
                steps.publish(self, machine)
            else:
                steps.push(self, self.luck.choice(others))
        finally:
            machine.may_be_killed = may_be_killed
            self.depth -= 1

    def aside(self, work: Callable[[], None]) -> None:
        """Something that happens while a request is on its way, and in which nothing else happens meanwhile."""
        if not self.depth:
            self.depth += 1
            try:
                work()
            finally:
                self.depth -= 1

    def clone(self, machine: Machine, *, is_detected: bool) -> None:
        number = len(self.machines) + 1
        name = f"{machine.name}c{number}"
        self.machines.append(machine.clone(name, self.folder / f"{name}.sqlite", number, is_detected=is_detected))
        self.lives += 1

    def deliver_late(self, at: int) -> None:
        request, content = self.late.pop(at)
        try:
            self.server_at(request).answer(request, content, "")
        except HqKilled:
            pass

    # -------------------------------------------------------------- rest

    def rest(self) -> None:
        """No more faults; late requests arrive; everyone works until nothing moves. Violation when it never ends."""
        self.faults.is_on = False
        if self.hub:
            self.hub.greet()
        for machine in self.machines:
            machine.is_cut_off = False
            if not machine.needs_code():
                machine.run(Agent.hello)
        self.note("rest")
        for n in range(40):
            while self.late and self.luck.random() < 0.5:
                self.deliver_late(self.luck.randrange(len(self.late)))
            self.time.now_ms += 400_000
            moved = [self._work(machine) for machine in self.machines]
            if self.hub:
                moved.append(self.hub.round())
            self.ledger.after_step()
            if not any(moved) and not self.late and n:
                return
        raise Violation(OTHER, f"no rest after 40 rounds: {[(m.name, m.last) for m in self.machines]}")

    def _work(self, machine: Machine) -> bool:
        """One round of a machine's agent, as its process would do it; whether anything moved."""
        if machine.needs_code():
            machine.enrol_anew()
            return True
        return machine.round()

    # -------------------------------------------------------------- afterwards

    def events(self) -> int:
        """How many events the machines hold, each once."""
        found: set[bytes] = set()
        for machine in self.machines:
            found |= {bytes(row[0]) for row in machine.store.connection.execute("SELECT hash FROM journal")}
        return len(found)

    def close(self) -> None:
        for machine in self.machines:
            machine.stop()
        for server in self.servers:
            server.close()
