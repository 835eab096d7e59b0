"""Two tills, their agents, a hub, two nodes of HQ on one PostgreSQL: real processes on a bad line."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pos_app.demo import shop as demo_shop
from pos_app.demo.day import DayClock, SeededIds
from tests.kill import seller
from tests.processes.namespaces import HQ_HOST, Cable
from tests.sync.postgres import Cluster

ROOT = Path(__file__).resolve().parent.parent.parent
POS = (sys.executable, "-m", "pos_app")
NODES = {"hq1": 8801, "hq2": 8802}
HUB_PORT, WAN_PORT = 8803, 8804
PACE_MS = 150
STORE = "S001"


@dataclass(slots=True)
class Process:
    """One program that may be killed and started again; what it says goes to a log."""

    name: str
    command: list[str]
    log: Path
    running: subprocess.Popen[bytes] | None = None

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
    """Everything that runs, by name; `stores` are the two till files; what befell whom, and how often."""

    folder: Path
    cluster: Cluster
    database_url: str
    cable: Cable | None
    stores: list[Path]
    processes: dict[str, Process] = field(default_factory=dict)
    befell: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, *command: str, where: str = "shop") -> None:
        place = self.cable and (self.cable.in_hq if where == "hq" else self.cable.in_shop)
        full = place(*command) if place else list(command)
        self.processes[name] = Process(name, full, self.folder / f"{name}.log")

    @property
    def hq_host(self) -> str:
        return HQ_HOST if self.cable else "127.0.0.1"

    @property
    def hub_url(self) -> str:
        return f"sqlite:///{self.folder / 'hub.db'}"

    def told(self, program: str, word: str) -> list[str]:
        """What the programs of that name said after a word, line by line."""
        logs = [process.log for name, process in self.processes.items() if name.startswith(program)]
        lines = [line.split() for log in logs if log.exists() for line in log.read_text().splitlines()]
        return [line[1] for line in lines if line[:1] == [word] and len(line) > 1]

    def pos(self, *arguments: str, where: Cable | None = None) -> str:
        """A command to its end; what it printed. In the shop's namespace when it has to cross the line."""
        command = [*POS, *arguments]
        done = subprocess.run(where.in_shop(*command) if where else command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"pos {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def code(self, *arguments: str) -> str:
        """A one-time code for a device of the shop."""
        return str(json.loads(self.pos("hq", "enrol", STORE, "--json", *arguments))["code"])


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
def opened(folder: Path, cluster: Cluster, cable: Cable | None, seed: int) -> Iterator[World]:
    """HQ, hub, two enrolled tills and their agents, all running."""
    stores = [_built(folder / f"till{n}", n) for n in (1, 2)]
    world = World(folder, cluster, cluster.new_database(), cable, stores)
    hub_at, wan_at = (f"http://127.0.0.1:{port}" for port in (HUB_PORT, WAN_PORT))
    for url in (world.database_url, world.hub_url):
        world.pos("hq", "init", "--database", url)
    serve = (*POS, "hq", "serve", "--database")
    for name, port in NODES.items():
        world.add(name, *serve, world.database_url, "--host", world.hq_host, "--port", str(port), where="hq")
    ports = [str(port) for port in NODES.values()]
    world.add("wan", sys.executable, "-m", "tests.processes.proxy", str(WAN_PORT), str(seed), world.hq_host, *ports)
    hub = (*serve, world.hub_url, "--port", str(HUB_PORT), "--hub-of", wan_at, "--shop", STORE)
    with ExitStack() as stack:
        stack.callback(_stop_all, world)
        for name in (*NODES, "wan"):
            world.processes[name].start()
        wait_for_nodes(world)
        wait_for_port("127.0.0.1", WAN_PORT, world.processes["wan"], cable)
        world.processes["wan"].tell("calm")
        code = world.code("--hub", "--database", world.database_url)
        world.add("hub", *hub, "--code", code)
        _enrol(world, hub_at)
        yield world


def wait_for_nodes(world: World) -> None:
    """Until each node of HQ answers."""
    for name, port in NODES.items():
        wait_for_port(world.hq_host, port, world.processes[name], world.cable)


def _built(folder: Path, seed: int) -> Path:
    """A small demo shop in a file of its own: another device than the other till's."""
    folder.mkdir()
    with seller.few_goods():
        demo_shop.build(folder / "shop.db", clock=DayClock(), ids=SeededIds(-seed)).close()
    return folder / "shop.db"


def _enrol(world: World, hub_at: str) -> None:
    """The hub starts with its code from HQ, the tills with codes from the hub; then everything runs."""
    hub = world.processes["hub"]
    hub.start()
    wait_for_port("127.0.0.1", HUB_PORT, hub, world.cable)
    for n, path in enumerate(world.stores, 1):
        code = world.code("--database", world.hub_url)
        world.pos("sync", "enrol", "--store", str(path), "--url", hub_at, "--code", code, where=world.cable)
        world.add(f"agent{n}", *POS, "agent", "--store", str(path))
        world.add(f"till{n}", sys.executable, "-m", "tests.processes.till", str(path), str(PACE_MS))
        for name in (f"agent{n}", f"till{n}"):
            world.processes[name].start()


def _stop_all(world: World) -> None:
    for process in world.processes.values():
        if process.running is not None and process.running.poll() is None:
            process.kill()
