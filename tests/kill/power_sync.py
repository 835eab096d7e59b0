"""Power cuts of a till that syncs: what is left is judged like any other crash, then against HQ as it was at the cut.

HQ has power all the time. A request that was on its way at the cut has reached HQ or has not, as luck has it.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from pos_app.demo.day import DayClock, SeededIds
from pos_app.services import take_topics
from store_db import hq_rows, sync_state
from store_db.hq_rows import OWN
from store_db.store import Store
from store_db.verify import verify
from sync.agent import Agent
from sync.hq_server.app import make_app
from sync.hq_server.database import Database, run
from sync.hq_server.hq import Hq
from sync.link import Link
from sync.topics import CATALOGUE
from tests.kill import harness, power, syncing
from tests.kill.disk import MODES, Told
from tests.kill.harness import Tally
from tests.kill.power import ORDERS, Recording
from tests.sim.machine import own_identity
from tests.sync.asgi import InlineTransport, run_inline

KINDS = (*harness.KINDS, "ahead", "cursors", "unequal")
WORDS = ("step", "asked", "hq", "acked", "pulled", "stepped")
ROUNDS_MAX = 20


@dataclass(frozen=True, slots=True)
class SyncRecording(Recording):
    """`images`: HQ after each request and publication."""

    images: list[bytes]

    @property
    def in_steps(self) -> list[int]:
        """Every cut inside a step of the agent."""
        found, is_inside = [], False
        for n, op in enumerate(self.ops, 1):
            if isinstance(op, Told) and op.line.startswith("step"):
                is_inside = op.line != "stepped"
            if is_inside:
                found.append(n)
        return found


def record(built: Path, folder: Path, *, orders: list[int] = ORDERS, synchronous: str = "", seed: int = 1) -> SyncRecording:
    """Sell and sync on a copy of the store; HQ's files go into a folder beside it."""
    office = folder.with_name(f"{folder.name}-hq")
    office.mkdir()
    day = power.record(
        built, folder, orders=orders, synchronous=synchronous, seed=seed, module="tests.kill.syncing", office=str(office)
    )
    images = [path.read_bytes() for path in sorted(office.glob("image-*"))]
    return SyncRecording(f"syncing {day.name}", day.before, day.ops, day.after, images)


# ------------------------------------------------------------------ what was told


@dataclass(slots=True)
class AgentTold:
    """What a run told of its agent before the cut. `image`: HQ's last known one; `is_asked`: a request was on its way."""

    image: int = 0
    is_asked: bool = False
    step: str = ""
    acked: dict[str, int] = field(default_factory=dict)
    pulled: dict[str, int] = field(default_factory=dict)


def listen(lines: Iterable[str]) -> AgentTold:
    told = AgentTold()
    for line in lines:
        match line.split():
            case ["step", name]:
                told.step = name
            case ["stepped"]:
                told.step = ""
            case ["asked"]:
                told.is_asked = True
            case ["hq", image]:
                told.image, told.is_asked = int(image), False
            case ["acked", epoch, seq]:
                told.acked[epoch] = int(seq)
            case ["pulled", topic, rev]:
                told.pulled[topic] = int(rev)
    return told


# ------------------------------------------------------------------ a cut


def cut_often(recording: SyncRecording, folder: Path, seeds: Iterable[int]) -> Tally:
    """One cut a seed: anywhere in the recording, or inside a step of the agent."""
    tally = Tally(kinds=KINDS)
    places = range(recording.first, len(recording.ops) + 1), recording.in_steps
    for seed in seeds:
        chance = random.Random(f"at:{seed}")
        at = chance.choice(chance.choice(places))
        tally.add(cut(recording, folder, at, MODES[seed % len(MODES)], seed))
    return tally


def cut(recording: SyncRecording, folder: Path, at: int, mode: str, seed: int) -> Tally:
    """Cut after the first `at` operations; start the till again, judge it, and let it sync with HQ as it was."""
    tally, lines = Tally(), recording.told(at)
    name = f"{recording.name}, seed {seed}: {mode} after operation {at}"
    path = power.put(recording.disk(at).after_cut(mode, random.Random(f"cut:{seed}")), folder)
    own_identity(path)
    told = listen(lines)
    image = told.image + (told.is_asked and random.Random(f"hq:{seed}").random() < 0.5)
    (folder / "hq.sqlite").write_bytes(recording.images[image])
    with Store.open(path, clock=DayClock(), ids=SeededIds(-seed - 2)) as store:
        harness.judge(tally, name, harness.listen(told_by_seller(lines)), harness.look(path), set())
        judge_sync(tally, f"{name}, HQ {image}", told, store, folder / "hq.sqlite")
    if told.step:
        where = f"in {told.step}" + (", HQ asked" if told.is_asked else "")
        tally.where = Counter({where: 1})
    return tally


def told_by_seller(lines: list[str]) -> Iterator[str]:
    return (line for line in lines if line.partition(" ")[0] not in WORDS)


# ------------------------------------------------------------------ the verdict


def judge_sync(tally: Tally, name: str, told: AgentTold, store: Store, hq_path: Path) -> None:
    """Against HQ at once, and again when the till has synced."""
    hq = Hq.open(Database.open(f"sqlite:///{hq_path}"), store.clock, SeededIds(-1))
    try:
        for kind, check in (("ahead", ahead), ("cursors", cursors), ("unequal", unequal)):
            found = check(store, hq, told)
            tally.fault(kind, len(found), f"{name}: {found}")
    finally:
        hq.database.close()


def ahead(store: Store, hq: Hq, told: AgentTold) -> list[str]:
    """What HQ has and the till has not; what the till takes for acknowledged that HQ has not, or has forgotten that it was."""
    own = {bytes(row[0]) for row in store.connection.execute("SELECT hash FROM journal")}
    at_hq = {row.epoch.hex(): (row.seq, row.hash) for row in rows(hq, "SELECT epoch, seq, hash FROM chains")}
    found = [f"HQ holds {epoch} up to {seq}" for epoch, (seq, head) in at_hq.items() if head not in own]
    for chain in sync_state.chains(store.connection):
        epoch = chain.epoch.hex()
        if not told.acked.get(epoch, 0) <= chain.seq <= at_hq.get(epoch, (0,))[0]:
            found.append(f"mark of {epoch} at {chain.seq}, told {told.acked.get(epoch)}, HQ {at_hq.get(epoch)}")
    return found


def cursors(store: Store, hq: Hq, told: AgentTold) -> list[str]:
    """Where rows, or what they do, are not exactly what HQ has published up to the cursor."""
    found = []
    seen = hq_rows.cursors(store.connection)
    for topic in {row.topic for row in rows(hq, "SELECT topic FROM topics")} | told.pulled.keys():
        at = seen.get(topic, hq_rows.NOWHERE)
        kept = kept_rows(store, topic)
        news = {key for key, (rev, _) in published(hq, topic).items() if rev > at.rev}  # what was there before is gone from HQ
        due = {key: row for key, row in published(hq, topic).items() if row[0] <= at.rev and row[1] is not None}
        is_kept = {key: row for key, row in kept.items() if key not in news} == due
        if not is_kept or any(rev > at.rev for rev, _ in kept.values()) or at.rev < told.pulled.get(topic, 0):
            found.append(f"{topic} at {at.rev}, told {told.pulled.get(topic)}: {kept}, HQ {due}")
    return found + [f"{key} not as its row says" for key in untaken(store)]


def untaken(store: Store) -> list[str]:
    """Goods whose rows are kept and whose code or price at the lane is another; a higher price may wait for its shelf tag."""
    sql = (
        "SELECT ifnull(t.price_fen, i.price_fen), b.code FROM items i JOIN barcodes b ON b.item_id = i.id "
        "LEFT JOIN price_tasks t USING (sku) WHERE i.sku = ?"
    )
    wrong = []
    for key, (_, body) in kept_rows(store, CATALOGUE).items():
        good, sku = json.loads(body), key.removeprefix(OWN)
        if [tuple(row) for row in store.connection.execute(sql, (sku,))] != [(good["price_fen"], good["codes"][0])]:
            wrong.append(sku)
    return wrong


def unequal(store: Store, hq: Hq, told: AgentTold) -> list[str]:
    """What differs when the till has synced again."""
    settle(store, hq)
    connection, own = store.connection, hq_rows.cursors(store.connection)
    pairs = {
        "events": (plain(connection.execute("SELECT uid, hash FROM journal")), plain(rows(hq, "SELECT uid, hash FROM log"))),
        "receipts": (
            plain(connection.execute(PAID)), plain(rows(hq, "SELECT uid, total_fen FROM receipts WHERE kind = 'sale'")),
        ),
        "days": (plain(connection.execute(f"SELECT count(*), ifnull(sum(total_fen), 0) FROM ({PAID})")), plain(rows(hq, DAYS))),
        "stock": (
            plain(connection.execute("SELECT sku, sum(quantity) FROM stock_moves GROUP BY sku")),
            plain(rows(hq, "SELECT sku, quantity FROM stock")),
        ),
    }  # fmt: skip
    for topic in {row.topic for row in rows(hq, "SELECT topic FROM topics")} | own.keys():
        there = {key: row for key, row in published(hq, topic).items() if row[1] is not None}
        pairs[topic] = (sorted(kept_rows(store, topic).items()), sorted(there.items()))
    found = [f"{what}: here {here}, HQ {there}" for what, (here, there) in pairs.items() if here != there]
    problems = verify(connection).problems + [f"{row}" for row in rows(hq, "SELECT * FROM quarantine")]
    return found + problems + untaken(store)


PAID = "SELECT j.uid, r.total_fen FROM receipts r JOIN journal j ON j.id = r.journal_id WHERE r.state = 'paid'"
DAYS = "SELECT ifnull(sum(sales), 0), ifnull(sum(sales_fen), 0) FROM store_days"


def settle(store: Store, hq: Hq) -> None:
    """Push and pull until nothing is left, then prove. AssertionError when it does not come to that."""
    link = Link(store, httpx.Client(transport=InlineTransport(make_app(hq, run=run_inline)), base_url=syncing.URL))
    agent = Agent(store, link, random=random.Random(1), takers=take_topics.takers({}))
    for _ in range(ROUNDS_MAX):
        steps = agent.push_once(), agent.pull_once()
        if not any(step.more or step.done or step.wait_ms for step in steps):
            break
    proved = agent.prove_once()
    assert proved.done and not proved.trouble, (steps, proved)


# ------------------------------------------------------------------ rows


def rows(hq: Hq, sql: str) -> list[Any]:
    with hq.database.read() as connection:
        return list(run(connection, sql))


def plain(found: Iterable[Any]) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in found)


def published(hq: Hq, topic: str) -> dict[str, tuple[int, bytes | None]]:
    """key as it travels -> (rev, body)."""
    found = rows(hq, f"SELECT store, key, rev, body FROM feed WHERE topic = '{topic}'")
    return {(OWN if row.store else "") + row.key: (row.rev, row.body) for row in found}


def kept_rows(store: Store, topic: str) -> dict[str, tuple[int, bytes]]:
    found = store.connection.execute("SELECT key, rev, body FROM hq_rows WHERE topic = ?", (topic,))
    return {row[0]: (row[1], bytes(row[2])) for row in found}
