"""The whole chain of programs, killed and cut off at random: at the end HQ holds every event of both tills exactly once."""

from pathlib import Path

import pytest

from tests.processes.run import run
from tests.sync import postgres

SECONDS, SEED = 40, 1
pytestmark = pytest.mark.processes


def test_killed_and_cut_off_at_random_everything_is_equal_at_the_end(tmp_path: Path) -> None:
    if postgres.binaries() is None:
        pytest.skip("postgresql is not installed")
    with postgres.running() as cluster:
        verdict, kills, paid = run(tmp_path, cluster.new_database(), SEED, SECONDS)
    print(f"{verdict.line()}; {len(paid)} called paid; killed: {kills}")
    assert verdict.is_whole, verdict
    assert 20 < len(paid) <= verdict.sales
    assert sum(kills.values()) > 5
