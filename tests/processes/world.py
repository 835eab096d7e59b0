"""Two tills, their agents, a hub, HQ on PostgreSQL: real processes on a bad line, killed at random, and a verdict."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pos_app.demo import shop as demo_shop
from pos_app.demo.day import DayClock, SeededIds
from store_db import journal
from store_db.connection import connect
from store_db.verify import verify_file
from sync.hq_server.database import Database
from tests.kill import seller
from tests.processes.namespaces import HQ_HOST, Cable

ROOT = Path(__file__).resolve().parent.parent.parent
POS = (sys.executable, "-m", "pos_app")
HQ_PORT, HUB_PORT, WAN_PORT = 8801, 8802, 8803
PACE_MS = 150
STORE = "S001"


@dataclass(slots=True)
class Process:
    """One program that may be killed and started again; what it says goes to a log."""

    name: str
    command: list[str]
    log: Path
    running: subprocess.Popen[bytes] | None = None
    kills: int = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.command, cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"}
            )

    def kill(self) -> None:
        """SIGKILL, to the program itself: `ip netns exec` replaces itself by it."""
        assert self.running is not None
        self.running.send_signal(signal.SIGKILL)
        self.running.wait()
        self.kills += 1

    def tell(self, word: str) -> None:
        assert self.running is not None and self.running.stdin is not None
        self.running.stdin.write(word.encode() + b"\n")
        self.running.stdin.flush()

    def must_run(self) -> None:
        assert self.running is not None and self.running.poll() is None, (
            f"{self.name} ended by itself:\n{self.log.read_text()[-3000:]}"
        )


@dataclass(slots=True)
class World:
    """Everything that runs, by name; `stores` are the two till files."""

    folder: Path
    database_url: str
    cable: Cable | None
    stores: list[Path]
    processes: dict[str, Process] = field(default_factory=dict)

    def add(self, name: str, *command: str, where: str = "shop") -> None:
        place = self.cable and (self.cable.in_hq if where == "hq" else self.cable.in_shop)
        full = place(*command) if place else list(command)
        self.processes[name] = Process(name, full, self.folder / f"{name}.log")

    @property
    def hq_host(self) -> str:
        return HQ_HOST if self.cable else "127.0.0.1"

    def pos(self, *arguments: str, where: Cable | None = None) -> str:
        """A command to its end; what it printed. In the shop's namespace when it has to cross the line."""
        command = [*POS, *arguments]
        done = subprocess.run(where.in_shop(*command) if where else command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"pos {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def code(self, *arguments: str) -> str:
        """A one-time code for a device of the shop."""
        return str(json.loads(self.pos("hq", "enrol", STORE, "--json", *arguments))["code"])


@dataclass(slots=True)
class Verdict:
    """What was at HQ at the end, against what the tills hold."""

    events: int = 0
    sales: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not (self.lost or self.doubled or self.unequal)

    def line(self) -> str:
        return (
            f"{self.events} events, {self.sales} sales: {len(self.lost)} lost, {len(self.doubled)} doubled, "
            f"{len(self.unequal)} unequal"
        )


def judge(database: Database, stores: list[Path]) -> Verdict:
    """Every event of every till is in HQ's log once, with its hash; every till verifies."""
    import sqlalchemy

    verdict = Verdict()
    held: dict[bytes, list[bytes]] = {}
    with database.read() as connection:
        for uid, hashed in connection.execute(sqlalchemy.text("SELECT uid, hash FROM log")):
            held.setdefault(bytes(uid), []).append(bytes(hashed))
    verdict.doubled += [uid.hex() for uid, hashes in held.items() if len(hashes) > 1]
    for path in stores:
        proof = verify_file(path)
        verdict.unequal += [f"{path.parent.name}: {problem}" for problem in proof.problems]
        reader = connect(path, read_only=True)
        for entry in journal.entries(reader):
            verdict.events += 1
            verdict.sales += entry.header.kind == "sale"
            hashes = held.get(entry.header.uid, [])
            if not hashes:
                verdict.lost.append(f"{path.parent.name} {entry.header.epoch.hex()}:{entry.header.seq}")
            elif entry.hash not in hashes:
                verdict.unequal.append(f"{path.parent.name} {entry.header.epoch.hex()}:{entry.header.seq}")
        reader.close()
    if sum(len(hashes) for hashes in held.values()) != verdict.events:
        verdict.unequal.append(f"HQ holds {sum(map(len, held.values()))} events, the tills {verdict.events}")
    return verdict


def acknowledged(world: World) -> set[str]:
    """The numbers that the tills called paid."""
    logs = [process.log for name, process in world.processes.items() if name.startswith("till")]
    return {line.split()[1] for log in logs for line in log.read_text().splitlines() if line.startswith("paid ")}


def wait_for_port(host: str, port: int, process: Process, cable: Cable | None, seconds: float = 30) -> None:
    """Until somebody listens there; in the hub's namespace when there is a cable."""
    until = time.monotonic() + seconds
    probe = [sys.executable, "-c", f"import socket; socket.create_connection(('{host}', {port}), 1)"]
    while time.monotonic() < until:
        if subprocess.run(cable.in_shop(*probe) if cable else probe, capture_output=True).returncode == 0:
            return
        process.must_run()
        time.sleep(0.1)
    raise AssertionError(f"nobody listens on {host}:{port}:\n{process.log.read_text()[-3000:]}")


@contextmanager
def opened(folder: Path, database_url: str, cable: Cable | None, seed: int) -> Iterator[World]:
    """HQ, hub, two enrolled tills and their agents, all running."""
    stores = [_built(folder / f"till{n}", n) for n in (1, 2)]
    world = World(folder, database_url, cable, stores)
    hub_url = f"sqlite:///{folder / 'hub.db'}"
    hub_at, wan_at = (f"http://127.0.0.1:{port}" for port in (HUB_PORT, WAN_PORT))
    for url in (database_url, hub_url):
        world.pos("hq", "init", "--database", url)
    python = sys.executable
    world.add("hq", *POS, "hq", "serve", "--database", database_url, "--host", world.hq_host, "--port", str(HQ_PORT), where="hq")
    world.add("wan", python, "-m", "tests.processes.proxy", str(WAN_PORT), world.hq_host, str(HQ_PORT), str(seed))
    hub = ("hq", "serve", "--database", hub_url, "--port", str(HUB_PORT), "--hub-of", wan_at, "--shop", STORE)
    with ExitStack() as stack:
        stack.callback(_stop_all, world)
        for name, host, port in (("hq", world.hq_host, HQ_PORT), ("wan", "127.0.0.1", WAN_PORT)):
            world.processes[name].start()
            wait_for_port(host, port, world.processes[name], cable)
        world.processes["wan"].tell("calm")
        code = world.code("--hub", "--database", database_url)
        world.add("hub", *POS, *hub, "--code", code)
        _enrol(world, hub_url, hub_at)
        yield world


def _built(folder: Path, seed: int) -> Path:
    """A small demo shop in a file of its own: another device than the other till's."""
    folder.mkdir()
    with seller.few_goods():
        demo_shop.build(folder / "shop.db", clock=DayClock(), ids=SeededIds(-seed)).close()
    return folder / "shop.db"


def _enrol(world: World, hub_url: str, hub_at: str) -> None:
    """The hub starts with its code from HQ, the tills with codes from the hub; then everything runs."""
    hub = world.processes["hub"]
    hub.start()
    wait_for_port("127.0.0.1", HUB_PORT, hub, world.cable)
    for n, path in enumerate(world.stores, 1):
        code = world.code("--database", hub_url)
        world.pos("sync", "enrol", "--store", str(path), "--url", hub_at, "--code", code, where=world.cable)
        world.add(f"agent{n}", *POS, "agent", "--store", str(path))
        world.add(f"till{n}", sys.executable, "-m", "tests.processes.till", str(path), str(PACE_MS))
        for name in (f"agent{n}", f"till{n}"):
            world.processes[name].start()


def _stop_all(world: World) -> None:
    for process in world.processes.values():
        if process.running is not None and process.running.poll() is None:
            process.kill()


def trouble(world: World, seed: int, seconds: float) -> None:
    """Until the time is over: somebody is killed and comes back, the cable is pulled or narrow, the line is rough."""
    chance = random.Random(f"trouble:{seed}")
    until = time.monotonic() + seconds
    names = [name for name in world.processes if name != "wan"]
    while time.monotonic() < until:
        time.sleep(chance.uniform(0.2, 1.5))
        chance.choice((_kill_one, _kill_one, _kill_one, _pull, _narrow, _weather))(world, chance, names)
        for process in world.processes.values():
            process.must_run()


def _kill_one(world: World, chance: random.Random, names: list[str]) -> None:
    process = world.processes[chance.choice(names)]
    process.kill()
    time.sleep(chance.uniform(0, 1))
    process.start()
    time.sleep(0.1)


def _pull(world: World, chance: random.Random, names: list[str]) -> None:
    if world.cable:
        world.cable.pull()
        time.sleep(chance.uniform(0.5, 3))
        world.cable.plug()


def _narrow(world: World, chance: random.Random, names: list[str]) -> None:
    if world.cable:
        world.cable.narrow()
        time.sleep(chance.uniform(0.5, 3))
        world.cable.widen()


def _weather(world: World, chance: random.Random, names: list[str]) -> None:
    wan = world.processes["wan"]
    wan.tell(chance.choice(("rough", "down", "stall")))
    time.sleep(chance.uniform(0.5, 3))
    wan.tell(chance.choice(("rough", "calm")))


def settle(world: World, database: Database, seconds: float) -> Verdict:
    """The tills stop, the line is good again: the verdict as soon as everything is equal, or when the time is over."""
    for name in ("till1", "till2"):
        world.processes[name].kill()
    world.processes["wan"].tell("calm")
    if world.cable:
        world.cable.plug()
        world.cable.widen()
    until = time.monotonic() + seconds
    while True:
        verdict = judge(database, world.stores)
        if verdict.is_whole or time.monotonic() > until:
            return verdict
        time.sleep(1)
