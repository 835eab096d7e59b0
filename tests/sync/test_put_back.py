"""PostgreSQL comes back older under processes of HQ that go on: nobody says so, and no till keeps what it had seen since."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import psycopg
import pytest

from pos_app.domain.errors import StoreError
from store_db.system import SystemIds
from sync.hq_server import feed, snapshots
from sync.hq_server.database import Database, check_commits
from sync.hq_server.hq import REV_FLOOR, Hq, read_meta
from sync.protocol import Pull, Pulled, SnapshotWanted
from tests.sync import postgres as server
from tests.sync.feed_kit import TILL, publish
from tests.sync.hq_kit import make_hq, open_hq
from tests.sync.postgres import Cluster, as_postgres

TOPIC = "prices"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One of its own: others would not like to be put back."""
    if server.binaries() is None:
        pytest.skip("postgresql is not installed")
    with server.running() as cluster:
        yield cluster


@dataclass
class Office:
    """Two nodes on one database, and how that is copied and put back."""

    cluster: Cluster
    url: str = ""
    nodes: list[Hq] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.url = self.cluster.new_database()
        make_hq(self.url).database.close()
        self.nodes = [open_hq(self.url) for _ in range(2)]
        publish(self.nodes[0], TOPIC, {"A": {"fen": 1}})

    @property
    def name(self) -> str:
        return self.url.split("@/")[1].split("?")[0]

    def copy(self, how: str) -> None:
        if how == "directory":
            self.cluster.back_up()
        elif how == "database":
            self._hang_up()
            self.cluster.execute(f"CREATE DATABASE {self.name}_copy TEMPLATE {self.name}")
        else:
            as_postgres("pg_dump", *self._place(), "-Fc", "-f", self.cluster.folder / "dump", self.name)

    def put_back(self, how: str) -> None:
        if how == "directory":
            self.cluster.put_back()
        elif how == "database":
            self._hang_up()
            self.cluster.execute(f"DROP DATABASE {self.name}")
            self.cluster.execute(f"ALTER DATABASE {self.name}_copy RENAME TO {self.name}")
        else:
            as_postgres("psql", *self._place(), "-d", self.name, "-c", "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            as_postgres("pg_restore", *self._place(), "-d", self.name, self.cluster.folder / "dump")

    def _place(self) -> tuple[object, ...]:
        return "-h", self.cluster.folder, "-p", self.cluster.port, "-U", "postgres"

    def _hang_up(self) -> None:
        """PostgreSQL neither copies nor drops a database that somebody is in."""
        for node in self.nodes:
            node.database.engine.dispose()

    def floor(self) -> int:
        with self.nodes[0].database.read() as connection:
            return int.from_bytes(read_meta(connection, REV_FLOOR), "big")


@pytest.fixture
def office(cluster: Cluster) -> Iterator[Office]:
    made = Office(cluster)
    yield made
    for node in made.nodes:
        node.database.close()


@dataclass
class Cursor:
    """What a till has, and how far it is."""

    rows: dict[str, bytes | None] = field(default_factory=dict)
    rev: int = 0
    newest: int = 0

    def pull(self, hq: Hq) -> Pulled:
        with hq.database.read() as connection:
            generation = hq.generation(connection)
        asked = Pull(generation=generation, cursors={TOPIC: self.rev}, newest={TOPIC: self.newest} if self.newest else {})
        pulled = feed.pull(hq, TILL, asked)
        for page in (page for page in pulled.pages if page.topic == TOPIC):
            self.rows |= {row.key: row.body for row in page.rows}
            self.rev, self.newest = page.rev, page.newest
        return pulled


@pytest.mark.parametrize("how", ["directory", "database", "dump"])
def test_a_price_that_changes_after_hq_was_put_back_reaches_a_till_that_had_seen_more(office: Office, how: str) -> None:
    """As many rows are published again as were lost: a count alone would take the till's cursor for one of its own."""
    one, other = office.nodes
    till = Cursor()
    office.copy(how)
    publish(one, TOPIC, {"B": {"fen": 2}})
    till.pull(other)
    assert till.rows.keys() == {"A", "B"}
    office.put_back(how)
    publish(other, TOPIC, {"A": {"fen": 99}})
    assert till.pull(one).gone == [TOPIC]


def test_a_postgresql_that_is_only_started_again_costs_no_till_its_cursor_and_one_node_begins_a_run(office: Office) -> None:
    before, till = office.floor(), Cursor()
    till.pull(office.nodes[0])
    office.cluster.stop()
    office.cluster.start()
    assert till.pull(office.nodes[1]).gone == []
    topics = [TOPIC, *(f"topic{n}" for n in range(7))]
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(publish, office.nodes[n % 2], topic, {"B": {"fen": 2}}) for n, topic in enumerate(topics)]
        revs = [one.result(timeout=60) for one in asked]
    floor = office.floor()
    assert before + feed.RUN_REVS <= floor < before + 2 * feed.RUN_REVS
    assert revs == [floor + 1] * 8
    assert publish(office.nodes[1], TOPIC, {"C": {}}) == floor + 2
    assert till.pull(office.nodes[0]).gone == [] and till.rows.keys() == {"A", "B", "C"}


@dataclass
class Meanwhile:
    """Random bytes; before any are drawn, something happens."""

    happens: Callable[[], None]

    def random(self, size: int) -> bytes:
        self.happens()
        return SystemIds().random(size)


def test_a_snapshot_of_what_hq_has_lost_is_offered_to_nobody(office: Office) -> None:
    """It was read before HQ was put back, and written down after."""
    one, other = office.nodes
    office.copy("database")
    publish(one, TOPIC, {"A": {"fen": 7}, "B": {"fen": 2}})
    wanted = SnapshotWanted(topic=TOPIC)
    lost = snapshots.offer(replace(one, ids=Meanwhile(lambda: office.put_back("database"))), TILL, wanted)
    now = publish(other, TOPIC, {"C": {"fen": 3}})
    offered = snapshots.offer(one, TILL, wanted)
    assert offered.rev == now > lost.rev
    assert snapshots.offer(other, TILL, wanted) == offered


# ------------------------------------------------------------------ durable


def test_hq_waits_for_the_disk_of_a_postgresql_that_is_set_not_to(office: Office) -> None:
    office.cluster.execute(f"ALTER DATABASE {office.name} SET synchronous_commit = off")
    database = Database.open(office.url)
    with database.read() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
    database.close()


def test_a_line_that_would_not_wait_for_the_disk_is_not_used(office: Office) -> None:
    office.cluster.execute(f"ALTER DATABASE {office.name} SET synchronous_commit = off")
    place = f"host={office.cluster.folder} port={office.cluster.port} user=postgres dbname={office.name}"
    with psycopg.connect(place) as line, pytest.raises(StoreError, match="POS-1003"):
        check_commits(line, None)
