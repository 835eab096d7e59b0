"""The OpenAPI document is true: schemathesis asks the real app all it can think of; no answer is one it does not allow."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.hq_server import operators
from sync.hq_server.api import ENDPOINTS
from sync.hq_server.app import make_app
from sync.hq_server.hq import Hq
from sync.hq_server.web import OPENAPI
from tests.sync.hq.projection_kit import Sender, event, sale
from tests.sync.hq.served import served
from tests.sync.hq_kit import make_hq, sqlite_url


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Hq]:
    """An HQ with a shop, a day and an exception."""
    hq = make_hq(sqlite_url(tmp_path))
    Sender(hq).tell(event("sale", sale(12_34)), event("sale", b"{}"))
    yield hq
    hq.database.close()


def _schemathesis(hq: Hq, token: str, folder: Path) -> subprocess.CompletedProcess[str]:
    with served(make_app(hq)) as address:
        command = [sys.executable, "-m", "schemathesis.cli", "run", address + OPENAPI, "-H", f"Authorization: Bearer {token}",
                   "--max-examples", "15", "--seed", "1", "--no-color", "--generation-database", "none"]  # fmt: skip
        return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)


@pytest.mark.slow
def test_every_answer_is_one_that_the_document_allows(told: Hq, tmp_path: Path) -> None:
    with told.database.write() as connection:
        token = operators.make_token(connection, told.ids, told.clock.wall_ms())
    done = _schemathesis(told, token, tmp_path)
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-1_000:]
    assert f"Tested: {len(ENDPOINTS)}" in done.stdout, done.stdout[-2_000:]
