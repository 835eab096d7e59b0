"""No seed loses, doubles or leaves unequal anything: 500 fixed seeds, and 200 that each commit draws anew."""

import hashlib
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.shop_kit import ROOT
from tests.sim.run import folder, play

CHUNK = 10
FIXED, DRAWN = 500, 200

pytestmark = pytest.mark.sim


@cache
def drawn_from() -> int:
    """The first drawn seed: from the commit's hash, or from the program's files where there is no git."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    digest = hashlib.sha256(found.stdout.encode())
    if found.returncode:
        for path in sorted((ROOT / "sync").rglob("*.py")):
            digest.update(path.read_bytes())
    return 1_000_000 + int.from_bytes(digest.digest()[:4], "big")


@pytest.fixture(scope="session")
def world_folder() -> Iterator[Path]:
    """One folder in memory and one template for all seeds of a worker."""
    import shutil

    where = folder()
    yield where
    shutil.rmtree(where, ignore_errors=True)


@pytest.mark.parametrize("chunk", range((FIXED + DRAWN) // CHUNK))
def test_every_event_arrives_once_and_both_sides_are_equal(chunk: int, world_folder: Path) -> None:
    places = range(chunk * CHUNK, (chunk + 1) * CHUNK)
    seeds = [place if place < FIXED else drawn_from() + place - FIXED for place in places]
    failed = [outcome for seed in seeds if (outcome := play(seed, world_folder)).sort]
    assert not failed, "\n".join(f"python -m tests.sim.run --trace --seed {out.seed}: {out.text}" for out in failed)


def test_a_seed_is_the_same_each_time(world_folder: Path) -> None:
    """The same steps, faults and events: a failure can be looked at again."""
    first, second = (play(7, world_folder) for _ in range(2))
    assert (first.trace, first.events, first.faults) == (second.trace, second.events, second.faults)


def test_every_fault_happens() -> None:
    """A harness whose faults do not strike proves nothing."""
    from tests.sim.faults import ALL, HUB_FAULTS

    where, seen, wanted = folder(), set[str](), {*ALL, *HUB_FAULTS}
    for seed in range(2_000, 2_200):
        seen |= set(play(seed, where).faults)
        if seen == wanted:
            break
    assert seen == wanted
