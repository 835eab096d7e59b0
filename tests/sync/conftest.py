"""HQ on both databases."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sync.hq_server.hq import Hq
from tests.sync import postgres as server
from tests.sync.hq_kit import client_of, make_hq, sqlite_url


@pytest.fixture(scope="session")
def postgres() -> Iterator[server.Cluster]:
    """One PostgreSQL for all tests of a run."""
    if server.binaries() is None:
        pytest.skip("postgresql is not installed")
    with server.running() as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgres"])
def hq_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, of each kind in turn."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    return str(request.getfixturevalue("postgres").new_database())


@pytest.fixture
def hq(hq_url: str) -> Iterator[Hq]:
    made = make_hq(hq_url)
    yield made
    made.database.close()


@pytest.fixture
def client(hq: Hq) -> httpx.Client:
    return client_of(hq)
