"""Each rule of the protocol is needed: without it a pinned seed of the simulation fails, and with it the seed is clean.

It fails by an invariant; a mutation that makes the code throw has shown nothing, unless a constraint is the defence.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shop_kit import ROOT
from tests.sim.check import THROWN
from tests.sim.mutations import DEFENDED, MUTATIONS, Mutation, mutated
from tests.sim.run import folder, play

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def where() -> Iterator[Path]:
    made = folder()
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_broken_rule_is_caught_by_its_seed(mutation: Mutation, where: Path) -> None:
    clean = play(mutation.seed, where, options=mutation.faults)
    assert not clean.sort, clean.text
    with mutated(mutation):
        broken = play(mutation.seed, where, options=mutation.faults)
    assert broken.sort, f"{mutation.name} is not noticed by seed {mutation.seed}"
    assert (broken.sort == THROWN) == (mutation.name in DEFENDED), f"{mutation.name}: {broken.text}"


def test_the_handbook_lists_every_mutation() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert len(MUTATIONS) >= 30
    assert not [mutation.name for mutation in MUTATIONS if mutation.name not in text]
