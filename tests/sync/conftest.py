"""HQ on both databases. Making tables takes PostgreSQL a second, so its tests share a database and begin with it empty."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pos_app.demo.day import DayClock
from sync.hq_server.hq import Hq
from tests.sync import postgres as server
from tests.sync.agent_kit import HeadOffice, Machine
from tests.sync.hq_kit import client_of, empty, make_hq, open_hq, sqlite_url, with_first_revs


@pytest.fixture(scope="session")
def postgres() -> Iterator[server.Cluster]:
    """One PostgreSQL for all tests of a run."""
    if server.binaries() is None:
        pytest.skip("postgresql is not installed")
    with server.running() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def _postgres_hq(postgres: server.Cluster) -> Iterator[Hq]:
    made = make_hq(postgres.new_database())
    yield made
    made.database.close()


@pytest.fixture(scope="session")
def _sqlite_hq(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_hq(sqlite_url(folder := tmp_path_factory.mktemp("hq")))
    made.database.close()
    return folder / "hq.sqlite"


@pytest.fixture(params=["sqlite", "postgres"])
def hq(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hq]:
    """A new HQ, on each kind of database in turn."""
    if request.param == "postgres":
        made: Hq = request.getfixturevalue("_postgres_hq")
        empty(made)
        yield with_first_revs(open_hq(made.database))
        return
    shutil.copyfile(request.getfixturevalue("_sqlite_hq"), tmp_path / "hq.sqlite")
    opened = with_first_revs(open_hq(sqlite_url(tmp_path)))
    yield opened
    opened.database.close()


@pytest.fixture
def hq_url(hq: Hq) -> str:
    """Where that HQ is: for another process or node on it."""
    return hq.database.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def client(hq: Hq) -> httpx.Client:
    return client_of(hq)


# ------------------------------------------------------------------ an agent and its HQ


@pytest.fixture
def office(tmp_path: Path) -> Iterator[HeadOffice]:
    made = HeadOffice(tmp_path, DayClock())
    yield made
    made.hq.database.close()


@pytest.fixture
def till(office: HeadOffice, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(office, tmp_path / "till.sqlite")
    yield machine
    machine.close()
