"""Power cuts while a till syncs: nothing acknowledged is lost, HQ is never ahead, and both are equal again afterwards."""

from pathlib import Path

import pytest

from tests.kill import power_sync
from tests.kill.power_sync import SyncRecording, cut_often

pytestmark = [pytest.mark.power, pytest.mark.usefixtures("tracing")]

CUTS, SHARES = 300, 2
CONTROL_CUTS = 40


@pytest.fixture(scope="session")
def day(tracing: None, built: Path, tmp_path_factory: pytest.TempPathFactory) -> SyncRecording:
    """25 orders with the agent's steps between them, recorded once a session."""
    return power_sync.record(built, tmp_path_factory.mktemp("day") / "run")


def test_a_recording_replayed_to_its_end_gives_the_files_that_were_there(day: SyncRecording) -> None:
    """Byte for byte; HQ's own files are no part of it, and the agent has done all of its steps."""
    assert day.disk(len(day.ops)).whole() == day.after
    told = day.told(len(day.ops))
    assert {f"step {name}" for name in ("push", "pull", "prove", "fold", "checkpoint")} < set(told)
    assert any(line.startswith("acked") for line in told) and any(line.startswith("pulled") for line in told)


@pytest.mark.parametrize("share", range(SHARES))
def test_after_a_power_cut_nothing_is_lost_hq_is_not_ahead_and_the_next_sync_makes_both_equal(
    share: int, day: SyncRecording, memory: Path
) -> None:
    """300 seeded cuts under the pragmas of the product."""
    tally = cut_often(day, memory, range(share, CUTS * SHARES, SHARES)[: CUTS // SHARES])
    print(f"{tally.line()}; {tally.blows()}")
    assert not tally.notes
    assert tally.runs == CUTS // SHARES


def test_a_store_that_syncs_at_checkpoints_only_is_seen_to_lose_sales_that_hq_has(
    built: Path, tmp_path: Path, memory: Path
) -> None:
    """The control: the same day at synchronous=NORMAL."""
    tally = cut_often(power_sync.record(built, tmp_path / "run", synchronous="NORMAL"), memory, range(CONTROL_CUTS))
    print(f"{tally.line()}; {tally.blows()}")
    assert tally.faults["lost"] > 0
    assert tally.faults["ahead"] > 0
