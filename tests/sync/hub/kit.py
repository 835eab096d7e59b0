"""A shop with a hub: two tills with a store file each, the hub, and HQ behind it. Real code throughout; the lines can be cut."""

import shutil
from pathlib import Path
from typing import Any

import httpx

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.pricing.model import Package
from pos_app.services.take_topics import takers
from sync import enrol, hello, push
from sync.hand_over import hub_once
from sync.hq_server import generation, hub_memory, relay
from sync.hq_server.app import make_app
from sync.hq_server.database import Database
from sync.hq_server.hq import HUB, Hq
from sync.hub_client import HubClient
from sync.link import Link, Unreachable
from sync.pull import pull_page
from tests.offers_kit import PACKAGE
from tests.shop_kit import STORE, Till, make_shop, make_store
from tests.sync.asgi import InlineTransport, run_inline
from tests.sync.hq_kit import new_code

HQ_URL, HUB_URL = "http://hq.test", "http://hub.test"


class Line(httpx.BaseTransport):
    """A line to one server. `loses`: the paths whose next answer gets lost after the server has done what was asked."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.is_down = False
        self.loses: list[str] = []
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_down or self.server.is_down:
            raise httpx.ConnectError("cut off")
        path = request.url.path
        self.asked.append(path)
        response = InlineTransport(self.server.app).handle_request(request)
        if path in self.loses:
            self.loses.remove(path)
            raise httpx.ReadTimeout("the answer got lost")
        return response


class Server:
    """HQ or a hub on a database file; it can be killed and started again."""

    def __init__(self, path: Path, clock: DayClock, number: int) -> None:
        self.path = path
        self.url, self.clock, self.ids = f"sqlite:///{path}", clock, SeededIds(number)
        self.is_down = False
        self.use(Hq.create(Database.open(self.url), clock, self.ids))

    def use(self, hq: Hq) -> None:
        self.hq, self.app = hq, make_app(hq, run=run_inline)

    def restart(self) -> None:
        self.hq.database.close()
        self.use(Hq.open(Database.open(self.url), self.clock, self.ids))
        hub_memory.begin_run(self.hq)

    def back_up(self) -> None:
        self.hq.database.close()
        shutil.copyfile(self.path, self.path.with_suffix(".bak"))

    def put_back(self, is_told: bool = True) -> None:
        """The old copy in the place of the file, and the operator says so, or does not."""
        self.hq.database.close()
        for path in self.path.parent.glob(self.path.name + "*"):
            path.unlink()
        shutil.copyfile(self.path.with_suffix(".bak"), self.path)
        self.restart()
        if is_told:
            generation.restored(self.hq)

    def line(self) -> Line:
        return Line(self)


class HubTill:
    """One till with its lane and its agent, both on lines of their own to the hub."""

    def __init__(self, world: "World", name: str, number: int) -> None:
        self.world = world
        self.store = make_store(world.folder / f"{name}.sqlite", world.clock, SeededIds(100 + number))
        self.agent_line, self.lane_line = world.hub.line(), world.hub.line()
        self.link = Link(self.store, httpx.Client(transport=self.agent_line, base_url=HUB_URL))
        enrol.enrol(self.store, self.link, HUB_URL, new_code(world.hub.hq))
        self.lane = name
        self.told, self.takers = b"", takers({})
        self.open()

    def open(self) -> None:
        """The lane's process starts."""
        lane_link = Link(self.store, httpx.Client(transport=self.lane_line, base_url=HUB_URL))
        shop = make_shop(self.store, lane=self.lane, package=self.world.package)
        shop.hub = HubClient(self.store, lane_link, self.lane)
        self.till = Till(shop).open()

    def cut(self, is_down: bool = True) -> None:
        self.agent_line.is_down = self.lane_line.is_down = is_down
        self.till.wait(6_000)  # longer than a lane leaves a silent hub alone

    def sync(self) -> None:
        """The agent's work, until there is none."""
        hello.greet(self.store, self.link)
        for _ in range(3):
            while push.push_batch(self.store, self.link).done:
                pass
            while pull_page(self.store, self.link, self.takers).more:
                pass
            self.told = hub_once(self.store, self.link, self.told)

    def events(self) -> list[tuple[bytes, str]]:
        return [(bytes(uid), kind) for uid, kind in self.store.connection.execute("SELECT uid, kind FROM journal ORDER BY id")]


class World:
    """HQ, a hub that it knows, tills that the hub knows."""

    def __init__(self, folder: Path, package: Package = PACKAGE) -> None:
        self.folder, self.package, self.clock = folder, package, DayClock()
        self.hq = Server(folder / "hq.sqlite", self.clock, 1)
        self.hub = Server(folder / "hub.sqlite", self.clock, 2)
        self.wan = self.hq.line()
        relay.found(self.hub.hq, STORE)
        self.client = httpx.Client(transport=self.wan, base_url=HQ_URL)
        relay.enrol(self.hub.hq, self.client, new_code(self.hq.hq, role=HUB))
        hub_memory.begin_run(self.hub.hq)
        self.relay = relay.Relay(self.hub.hq, self.client)
        self.a, self.b = HubTill(self, "01", 1), HubTill(self, "02", 2)

    def restart_hub(self) -> None:
        self.hub.restart()
        self.relay = relay.Relay(self.hub.hq, self.client)

    def sync(self, *tills: HubTill) -> None:
        """Each till's agent, twice, since what one is asked for another asked."""
        for _ in range(2):
            for till in tills or (self.a, self.b):
                till.sync()

    def relay_all(self) -> None:
        """Up and down, until nothing moves. Bounded: a relay that runs in a ring is a failure."""
        for _ in range(200):
            try:
                step = self.relay.relay_once()
            except Unreachable:
                continue
            if not step.more:
                break
        else:
            raise AssertionError("the relay never comes to an end")
        while self.relay.pull_once().more:
            pass


def log_of(server: Server) -> list[tuple[Any, ...]]:
    """Everything a server was ever told, chain by chain: ids, seq, uid, payload, hash."""
    sql = "SELECT device, epoch, branch, seq, uid, payload, hash FROM log ORDER BY device, epoch, branch, seq"
    with server.hq.database.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]
