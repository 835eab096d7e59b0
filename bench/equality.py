"""How long it takes to prove that a till and HQ hold the same million events, and to find the one that differs."""

import random
import tempfile
from pathlib import Path

import httpx

from bench import shops
from bench.figures import Figure, Options, median, spent_ms
from bench.headquarters import make_known
from pos_app.domain.events import CopyPrinted
from store_db.store import Store
from sync import hello, prove
from sync.agent import Agent
from sync.hq_server.app import make_app
from sync.hq_server.database import Database, run
from sync.hq_server.hq import Hq
from sync.link import Link
from tests.sync.asgi import InlineTransport, run_inline

EQUAL_MS_MAX, ROUNDS, BATCH = 1_000, 9, 5_000


def measure(options: Options) -> list[Figure]:
    events = options.pick(1_000_000, 20_000)
    file = shops.kept(options.folder, f"events{events}", lambda path: _make(path, events))
    with tempfile.TemporaryDirectory(prefix="lanewise-bench-", dir=options.folder) as folder, shops.copied(file) as path:
        hq = Hq.create(Database.open(f"sqlite:///{Path(folder) / 'hq.sqlite'}"))
        client = httpx.Client(transport=InlineTransport(make_app(hq, run=run_inline)), base_url="http://hq")
        with Store.open(path) as store, client:
            line = Link(store, client)
            make_known(store, hq, line, "http://hq")
            agent = Agent(store, line, random=random.Random(1))
            while agent.push_once().more:
                pass
            equal_ms = [spent_ms(_must_prove, agent) for _ in range(ROUNDS)]
            return [
                Figure(f"{events:,} events proved equal", "ms", median(equal_ms), ours_max=EQUAL_MS_MAX, note="sums and heads"),
                _found(hq, store, line, events),
            ]


def _must_prove(agent: Agent) -> None:
    step = agent.prove_once()
    if step.trouble or not step.done:
        raise RuntimeError(f"not proved: {step}")


def _found(hq: Hq, store: Store, line: Link, events: int) -> Figure:
    """HQ's copy is another from one event on: how long until it is named."""
    chain = next(chain for chain in hello.offered(store.connection) if chain.seq > events // 2)
    with hq.database.write() as connection:
        run(connection, "UPDATE log SET hash = zeroblob(32) WHERE epoch = ? AND seq >= ?", chain.epoch, chain.seq // 3)
    name: list[str] = []
    ms = spent_ms(lambda: name.append(prove.where_it_differs(store, line, chain)))
    if not name[0].endswith(f":{chain.seq // 3}"):
        raise RuntimeError(f"named {name[0]}")
    return Figure(f"the one that differs among {events:,} found", "ms", ms)


def _make(path: Path, events: int) -> None:
    with Store.create(path, "S001") as store:
        store.connection.execute("PRAGMA synchronous = OFF")  # while it is built
        for first in range(0, events, BATCH):
            with store.transaction():
                for n in range(first, min(first + BATCH, events)):
                    store.append(CopyPrinted("01", "1001", f"S001-01-7K2Q-{n:06d}"), lane="01")
