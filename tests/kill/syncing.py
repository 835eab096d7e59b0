"""The seller with an agent: between sales it pushes, pulls, proves, folds stock and checkpoints, on a connection of its own.

HQ is a real one on a file in another folder, asked in this same process; after each request and each publication there is an
image of it there. Told beside the seller's lines:

| line | told |
| --- | --- |
| `step <name>` | before a step of the agent |
| `asked` | a request is on its way to HQ |
| `hq <n>` | HQ is now as in image n |
| `acked <epoch> <seq>` | the step has ended, and HQ's acknowledgement up to here is noted in the file |
| `pulled <topic> <rev>` | the same of a cursor |
| `stepped` | after the step |
"""

import json
import random
import shutil
import sys
from pathlib import Path

import httpx

from pos_app.demo import shop as demo_shop
from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.plain import to_json
from pos_app.services import take_topics
from store_db import hq_rows, stock, sync_state
from store_db.store import Store
from sync import enrol, topics
from sync.agent import Agent
from sync.hq_server import feed
from sync.hq_server.app import make_app
from sync.hq_server.database import Database
from sync.hq_server.hq import Hq
from sync.link import Link
from tests.kill import seller
from tests.kill.seller import Tell, TellingDay, TellingStore
from tests.sync.asgi import InlineTransport, run_inline
from tests.sync.hq_kit import new_code

URL = "http://hq.test"
STEPS_MAX = 4  # between two sales
GOODS, NOTES, NOTICES = 6, 4, "notices"  # keys that HQ publishes again and again; a topic that no till knows
AGENT_SEED, HQ_SEED = 10_000_000, 20_000_000  # ids of their own


# ------------------------------------------------------------------ HQ


class Office:
    """HQ on a file, and its images."""

    def __init__(self, folder: Path, clock: DayClock, seed: int, tell: Tell) -> None:
        path, ids = folder / "hq.sqlite", SeededIds(HQ_SEED + seed)
        open_hq = Hq.open if path.exists() else Hq.create
        self.folder, self.tell = folder, tell
        self.hq = open_hq(Database.open(f"sqlite:///{path}"), clock, ids)
        self.images = len(list(folder.glob("image-*")))

    def keep(self) -> None:
        """An image of HQ as it is now."""
        with self.hq.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(self.folder / "hq.sqlite", image_of(self.folder, self.images))
        self.tell(f"hq {self.images}")
        self.images += 1

    def publish(self, chance: random.Random) -> None:
        """A good of HQ's own, new or at another price; and a notice, which may be taken away again."""
        good = {"codes": [code_of(n := chance.randrange(GOODS))], "name": f"HQ {n}", "price_fen": chance.randrange(100, 900)}
        note = to_json({"text": str(chance.random())}) if chance.random() < 0.7 else None
        with self.hq.database.write() as connection:
            now_ms = self.hq.clock.wall_ms()
            feed.publish(connection, topics.CATALOGUE, [(demo_shop.STORE, sku_of(n), to_json(good))], now_ms)
            feed.publish(connection, NOTICES, [("", f"note{chance.randrange(NOTES)}", note)], now_ms)
        self.keep()


def image_of(folder: Path, n: int) -> Path:
    return folder / f"image-{n:04d}"


def sku_of(n: int) -> str:
    return f"HQ-{n}"


def code_of(n: int) -> str:
    return f"HQ{n:06d}"


class TellingWire(httpx.BaseTransport):
    def __init__(self, office: Office) -> None:
        self.office, self.inside = office, InlineTransport(make_app(office.hq, run=run_inline))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.office.tell("asked")
        answer = self.inside.handle_request(request)
        self.office.keep()
        return answer


# ------------------------------------------------------------------ the agent


class AgentBetween:
    """The agent's steps between sales, picked by luck."""

    def __init__(self, day: TellingDay, store: TellingStore, office: Office, seed: int) -> None:
        self.store, self.office, self.tell, self.chance = store, office, day.tell, random.Random(f"agent:{seed}")
        link = Link(store, httpx.Client(transport=TellingWire(office), base_url=URL))
        self.agent = Agent(store, link, random=self.chance, takers=take_topics.takers({}))
        self.said: set[str] = set()
        self.steps = {
            "push": self.agent.push_once, "pull": self.agent.pull_once, "prove": self.agent.prove_once,
            "fold": self.fold, "checkpoint": self.checkpoint,
        }  # fmt: skip

    def work(self) -> None:
        """A few steps; HQ publishes now and then."""
        if self.chance.random() < 0.4:
            self.office.publish(self.chance)
        for name in self.chance.choices(list(self.steps), weights=(4, 3, 1, 1, 1), k=self.chance.randrange(STEPS_MAX)):
            self.tell(f"step {name}")
            step = self.steps[name]()
            if step is not None and step.trouble:
                raise RuntimeError(f"{name}: {step.trouble}")
            self.tell_marks()
            self.tell("stepped")

    def tell_marks(self) -> None:
        connection = self.store.connection
        marks = [f"acked {chain.epoch.hex()} {chain.seq}" for chain in sync_state.chains(connection) if chain.seq]
        marks += [f"pulled {topic} {at.rev}" for topic, at in hq_rows.cursors(connection).items()]
        for line in marks:
            if line not in self.said:
                self.said.add(line)
                self.tell(line)

    def fold(self) -> None:
        with self.store.transaction() as connection:
            stock.fold(connection, events_max=self.chance.randint(1, 40))

    def checkpoint(self) -> None:
        self.store.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


# ------------------------------------------------------------------ what it does


def begin(path: Path, folder: Path, seed: int) -> None:
    """Make an HQ, and the till known to it; nothing is told of this."""
    office = Office(folder, DayClock(), seed, lambda line: None)
    with Store.open(path, clock=DayClock(), ids=SeededIds(seed)) as store:
        client = httpx.Client(transport=InlineTransport(make_app(office.hq, run=run_inline)), base_url=URL)
        enrol.enrol(store, Link(store, client), URL, new_code(office.hq, demo_shop.STORE))
    office.keep()
    office.hq.database.close()


def sell_and_sync(path: Path, folder: Path, tell: Tell, seed: int, orders: int) -> None:
    """Sell so many orders in one opening of the store, with the agent at work between them."""
    with seller.opened_day(path, tell, seed) as day:
        office = Office(folder, day.clock, seed, tell)
        with TellingStore.open(path, clock=day.clock, ids=SeededIds(AGENT_SEED + seed)) as store:
            store.tell = tell
            between = AgentBetween(day, store, office, seed)
            for _ in range(orders):
                day.sell()
                between.work()
        office.hq.database.close()


def main(path: str, seed: int, orders: list[int], pragmas: dict[str, str], office: str, is_early: bool = False) -> None:
    """As `seller.main`; `office`: the folder of HQ."""
    seller.set_pragmas(**pragmas)
    begin(Path(path), Path(office), seed * 100)
    for n, count in enumerate(orders):
        sell_and_sync(Path(path), Path(office), seller.to_fd(1), seed * 100 + 1 + n, count)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
