"""A shop's hub in the world: the real server on a file of its own, its real relay, and a process that may end anywhere.

The tills of the shop speak to it alone; it takes what they say to HQ over a line as bad as theirs.
"""

from __future__ import annotations

import contextlib
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from sqlalchemy import Connection

from pos_app.demo.day import SeededIds
from sync.hq_server import devices, relay
from sync.hq_server.app import make_app
from sync.hq_server.hq import HUB, Hq
from sync.hq_server.relay import Relay
from sync.link import Refused, Unreachable
from sync.step import Step
from tests.sim import template
from tests.sim.check import JOINS, LOST, OTHER, UNEQUAL, Violation
from tests.sim.clock import MachineClock, WorldTime
from tests.sim.headquarters import Headquarters, SimDatabase
from tests.sim.template import Kit
from tests.sim.wire import Heard, HqKilled, Killed, Wire
from tests.sync.asgi import InlineTransport, run_inline

if TYPE_CHECKING:
    from tests.sim.machine import Machine
    from tests.sim.world import World

SHOP, URL = "S001", "http://hub.test"
SHARE = 1 / 3  # of the seeds


def faults_of(seed: int, options: dict[str, float] | None) -> dict[str, float] | None:
    """What may go wrong with the hub of a seed; None where it has none. Of a luck of its own: a world without is as it was."""
    from tests.sim.faults import HUB_FAULTS

    luck = random.Random(f"hub:{seed}")
    if luck.random() >= (SHARE if options is None else options.get("hub", 0.0)):
        return None
    if options is not None:
        return {}
    strength = luck.choice((0.5, 1.0, 2.5))
    return {name: p * strength for name, p in HUB_FAULTS.items() if luck.random() < 0.6}


# ------------------------------------------------------------------ what a seed with a hub begins with


@dataclass(frozen=True)
class HubKit:
    """As in a world without a hub, but that HQ knows the hub; the tills of the shop are enrolled at the hub, or still at HQ."""

    hq: Kit
    hq_before: Kit
    hub: Kit


@cache
def kit(folder: Path) -> HubKit:
    plain = template.get(folder)
    plain.hq_path.write_bytes(plain.hq_image)
    clock, path = MachineClock(WorldTime(), 1), folder / "hub.sqlite"
    hq = Hq.open(plain.databases[0], clock, SeededIds(2))
    database = HubDatabase.open(f"sqlite:///{path}")
    hub = Hq.create(database, clock, SeededIds(1))
    relay.found(hub, SHOP)
    with hq.database.write() as connection:
        code = devices.make_code(connection, hq.ids, SHOP, clock.wall_ms(), role=HUB)
    relay.enrol(hub, _client(hq), code)
    shops = enumerate(template.STORES)
    tills = [
        template.till(folder / f"hubtill{n}.sqlite", shop, hub, _client(hub), URL) if shop == SHOP else plain.tills[n]
        for n, shop in shops
    ]
    plain.databases[0].close()
    database.close()
    at_hq = Kit(plain.hq_path, plain.hq_path.read_bytes(), tuple(tills), plain.databases)
    return HubKit(at_hq, replace(at_hq, tills=plain.tills), Kit(path, path.read_bytes(), (), (database,)))


def _client(hq: Hq) -> httpx.Client:
    return httpx.Client(transport=InlineTransport(make_app(hq, run=run_inline)), base_url=URL)


# ------------------------------------------------------------------ the machine


class HubDatabase(SimDatabase):
    """The hub's process may end before, inside or after any of its transactions."""

    hub: Hub | None = None

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        self._may_end()
        with super().write() as connection:
            yield connection
            self._may_end()
        self._may_end()

    def _may_end(self) -> None:
        if self.hub is not None and self.hub.may_be_killed and self.hub.world.faults.happens("hub_killed_at_transaction"):
            raise HqKilled


class HubWire(Wire):
    """The hub's line to HQ. A hub whose process ended meanwhile does not hear the answer."""

    def __init__(self, world: World, hub: Hub) -> None:
        super().__init__(world, hub)
        self._hub = hub

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        life = self._hub.life
        try:
            return super().handle_request(request)
        finally:
            if self._hub.life != life:
                raise HqKilled


class Hub(Headquarters):
    """An HQ to its tills, and a till to HQ. One process: a server, and two relays, one that tells and one that listens."""

    url = URL
    name = "hub"

    def __init__(self, world: World, kit: Kit) -> None:
        self.is_cut_off = False  # from HQ: its tills still reach it
        self.twin_at_next_request = False
        self.may_be_killed = False
        self.answers = defaultdict[str, list[Heard]](list)  # its server's, by path, for a proxy that gives them again
        self.life = 0
        self.times_put_back = 0
        self.client = httpx.Client(transport=HubWire(world, self), base_url=world.hq.url, trust_env=False)
        for database in kit.databases:
            assert isinstance(database, HubDatabase)
            database.hub = self
        super().__init__(world, kit)
        self.ledger = HubLedger(world, self)

    # -------------------------------------------------------------- its process

    def put_file(self, content: bytes) -> None:
        super().put_file(content)
        self._started()

    def _started(self) -> None:
        self.life += 1
        self.teller, self.listener = (Relay(self.nodes[0].hq, self.client) for _ in range(2))

    def restart(self) -> None:
        """The process ends, whatever it was at, and starts again."""
        self.world.note("  hub starts again")
        self.may_be_killed = False
        self.nodes = [type(node)(node.database, self.world) for node in self.nodes]
        self._started()

    def answer(self, request: httpx.Request, content: bytes, fault: str) -> httpx.Response:
        outer, self.may_be_killed = self.may_be_killed, True
        try:
            return super().answer(request, content, fault)
        except HqKilled:
            self.restart()
            raise
        finally:
            self.may_be_killed = outer

    def run(self, work: Callable[[Relay], Step], one: Relay | None = None) -> Step | None:
        """One step of a relay, as its thread does it; None when the hub was killed on the way, or HQ gave no answer."""
        outer, self.may_be_killed = self.may_be_killed, True
        life = self.life
        try:
            return work(one or self.teller)
        except (Killed, HqKilled):
            if self.life == life:
                self.may_be_killed = False
                self.restart()
            return None
        except (Unreachable, Refused):
            return None
        finally:
            self.may_be_killed = outer

    def meanwhile(self, what: str = "") -> None:
        """Its other thread is at work, or something happens at a till, while a request of the hub is on its way."""
        if self.world.luck.random() < 0.3:
            self.world.aside(self.run_twin)
        else:
            self.world.meanwhile(self.world.luck.choice(self.world.machines), what)

    def run_twin(self) -> None:
        """The other thread, or a process that should not be there."""
        one = Relay(self.nodes[0].hq, self.client)
        for _ in range(self.world.luck.choice((1, 1, 3))):
            self.run(self.world.luck.choice((Relay.relay_once, Relay.relay_once, Relay.pull_once)), one)

    def restore(self, *, is_told: bool) -> None:
        self.times_put_back += 1
        super().restore(is_told=is_told)

    # -------------------------------------------------------------- at rest

    def greet(self) -> None:
        """The line is up again, and HQ may not be what it was."""
        self.is_cut_off = False
        self.teller.greet_again()

    def round(self) -> bool:
        """Up and down until nothing moves; whether anything did."""
        before = self._state()
        for work, one in ((Relay.relay_once, self.teller), (Relay.pull_once, self.listener)):
            for _ in range(100):
                step = self.run(work, one)
                if step is None or not step.more:
                    break
            else:
                raise Violation(OTHER, f"the relay never comes to an end: {work.__name__} {step}")
        return self._state() != before

    def _state(self) -> list[Any]:
        tables = ("SELECT * FROM hub_marks ORDER BY 1, 2, 3", "SELECT * FROM hub_cursors ORDER BY 1", "SELECT count(*) FROM log")
        return [[tuple(row) for row in self.rows(sql)] for sql in tables]


# ------------------------------------------------------------------ judged by plain SQL


class HubLedger:
    """What the hub counts as HQ's is HQ's, at each step; at rest HQ has all that the hub has, and the hub HQ's rows."""

    def __init__(self, world: World, hub: Hub) -> None:
        self.world, self.hub = world, hub
        self.marks: dict[tuple[bytes, ...], tuple[Any, ...]] = {}
        self.cursors: dict[str, tuple[Any, ...]] = {}

    def forget(self) -> None:
        """HQ or the hub is an old copy: what the hub believes of HQ is of another time."""
        self.marks = self._marks()

    def _marks(self) -> dict[tuple[bytes, ...], tuple[Any, ...]]:
        rows = self.hub.rows("SELECT device, epoch, branch, seq, hash FROM hub_marks WHERE seq > base_seq")
        return {tuple(row)[:3]: tuple(row)[3:] for row in rows}

    def after_step(self) -> None:
        self._check_marks()
        self._check_cursors()

    def _check_marks(self) -> None:
        """A mark is of an event of the hub's log, and HQ has that event."""
        marks = self._marks()
        for key, (seq, hash_) in marks.items():
            before = self.marks.get(key, (0, b""))
            if before == (seq, hash_) or seq < before[0] or not seq:
                continue
            for server in (self.hub, self.world.hq):
                if not server.rows("SELECT 1 FROM log WHERE (device, epoch, seq, hash) = (?, ?, ?, ?)", (*key[:2], seq, hash_)):
                    raise Violation(LOST, f"hub: {seq} counts as relayed, and is not at {server.name}")
        self.marks = marks

    def _check_cursors(self) -> None:
        """Every row of HQ's up to the cursor is in the hub's feed."""
        for topic, generation, rev in self.hub.rows("SELECT topic, generation, rev FROM hub_cursors"):
            now = (generation, rev)
            if self.cursors.get(topic) == now or self.world.hq.generation() != generation:
                continue
            self.cursors[topic] = now
            here = bodies(self.hub, topic)
            for key, (row_rev, body) in self.world.hq.topic(topic, SHOP).items():
                if row_rev <= rev and here.get(key) != body:
                    raise Violation(UNEQUAL, f"hub: cursor {topic} {rev} is ahead of row {key} ({row_rev})")

    def at_rest(self) -> None:
        sql = "SELECT hash FROM log WHERE store = ?"
        here, there = ({row[0] for row in server.rows(sql, (SHOP,))} for server in (self.hub, self.world.hq))
        if here - there:
            raise Violation(LOST, f"{len(here - there)} events are at the hub and not at HQ")
        if there - here and not self.hub.times_put_back and JOINS not in self.world.faults.options:
            raise Violation(OTHER, f"{len(there - here)} events of the shop are at HQ and were never at the hub")
        for topic in self.world.topics:
            ours, theirs = bodies(self.hub, topic), bodies(self.world.hq, topic)
            if ours != theirs:
                wrong = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
                raise Violation(UNEQUAL, f"the hub's {topic} differs from HQ's at {wrong[:5]}")


def bodies(server: Headquarters, topic: str) -> dict[str, bytes]:
    return {key: body for key, (_, body) in server.topic(topic, SHOP).items() if body is not None}


# ------------------------------------------------------------------ steps


def _hub(world: World) -> Hub:
    assert world.hub is not None
    return world.hub


def relay_up(world: World, machine: Machine) -> None:
    hub = _hub(world)
    for _ in range(world.luck.choice((1, 2, 5))):
        hub.run(Relay.relay_once, hub.teller)


def relay_down(world: World, machine: Machine) -> None:
    hub = _hub(world)
    hub.run(Relay.pull_once, hub.listener)


def relay_greets(world: World, machine: Machine) -> None:
    _hub(world).teller.greet_again()


def hub_cut_off(world: World, machine: Machine) -> None:
    """The line to HQ is down while the shop's own network is up; or it is back."""
    _hub(world).is_cut_off = not _hub(world).is_cut_off


def hub_killed(world: World, machine: Machine) -> None:
    _hub(world).restart()


def hub_backed_up(world: World, machine: Machine) -> None:
    _hub(world).back_up()


def hub_put_back_told(world: World, machine: Machine) -> None:
    _put_back(_hub(world), is_told=True)


def hub_put_back_untold(world: World, machine: Machine) -> None:
    _put_back(_hub(world), is_told=False)


def till_joins_hub(world: World, machine: Machine) -> None:
    """A till that spoke to HQ is enrolled at the hub, and offers it everything."""
    if machine.store.device.store == SHOP and machine.server is world.hq:
        machine.speak_to(_hub(world))
        machine.enrol_anew()


def _put_back(hub: Hub, *, is_told: bool) -> None:
    if hub.backup is None:
        hub.back_up()
    else:
        hub.restore(is_told=is_told)


Steps = dict[str, tuple[float, Callable[["World", "Machine"], None]]]
ORDINARY: Steps = {"relay_up": (14, relay_up), "relay_down": (5, relay_down), "relay_greets": (1, relay_greets)}
OF_FAULTS: dict[str, Callable[[World, Machine], None]] = {
    step.__name__: step
    for step in (hub_cut_off, hub_killed, hub_backed_up, hub_put_back_told, hub_put_back_untold, till_joins_hub)
}
