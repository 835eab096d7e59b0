"""One small store a session, copied for each run; tracing where this machine allows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kill import power, traced
from tests.kill.harness import build_store


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_store(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="session")
def tracing() -> None:
    """Skips what needs strace where it cannot be had."""
    if reason := traced.why_not():
        pytest.skip(reason)


@pytest.fixture
def memory() -> Iterator[Path]:
    with power.quick_folder() as folder:
        yield Path(folder)
