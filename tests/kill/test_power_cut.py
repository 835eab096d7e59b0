"""Power cuts: a recorded run's file operations, replayed up to any one with what was not synced dropped, torn or partly kept."""

from pathlib import Path

import pytest

from tests.kill import power
from tests.kill.disk import Truncate, Unlink
from tests.kill.power import Recording, cut_everywhere, cut_often

pytestmark = [pytest.mark.power, pytest.mark.usefixtures("tracing")]

CUTS, SHARES = 300, 2
CONTROL_CUTS = 60


@pytest.fixture(scope="session")
def day(tracing: None, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """25 orders, recorded once a session."""
    return power.record(built, tmp_path_factory.mktemp("day") / "run")


def test_a_recording_replayed_to_its_end_gives_the_files_that_were_there(day: Recording) -> None:
    """Byte for byte, so no operation is missed; and the recording has checkpoints, resets of the log and its removal."""
    assert day.disk(len(day.ops)).whole() == day.after
    assert day.checkpoints >= 5
    assert {Truncate, Unlink} < {type(op) for op in day.ops}


@pytest.mark.parametrize("share", range(SHARES))
def test_a_power_cut_loses_no_acknowledged_sale_halves_none_and_keeps_the_baskets(
    share: int, day: Recording, memory: Path
) -> None:
    """300 seeded cuts of a day under the pragmas of the product."""
    tally = cut_often(day, memory, range(share, CUTS * SHARES, SHARES)[: CUTS // SHARES])
    print(f"{tally.line()}; {tally.blows()}")
    assert not tally.notes
    assert tally.runs == CUTS // SHARES


def test_a_power_cut_after_any_file_operation_of_one_sale_loses_nothing(built: Path, tmp_path: Path, memory: Path) -> None:
    """Every operation of the sale that is killed at each of them elsewhere, in all four ways to lose what was not synced."""
    tally = cut_everywhere(power.record(built, tmp_path / "run", orders=[0]), memory)
    print(f"{tally.line()}; {tally.blows()}")
    assert not tally.notes
    assert tally.in_tender > 0


def test_a_store_that_syncs_at_checkpoints_only_is_seen_to_lose_sales(built: Path, tmp_path: Path, memory: Path) -> None:
    """The control: the same day at synchronous=NORMAL."""
    tally = cut_often(power.record(built, tmp_path / "run", synchronous="NORMAL"), memory, range(CONTROL_CUTS))
    print(f"{tally.line()}; {tally.blows()}")
    assert tally.faults["lost"] > 0


def test_a_sale_called_paid_before_its_commit_is_seen_to_be_lost(built: Path, tmp_path: Path, memory: Path) -> None:
    """The control: the same day with a seller that speaks inside the transaction."""
    tally = cut_often(power.record(built, tmp_path / "run", is_early=True), memory, range(CONTROL_CUTS))
    print(f"{tally.line()}; {tally.blows()}")
    assert tally.faults["lost"] > 0
