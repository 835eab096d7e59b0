"""Every trace of the engine is accepted by a checker that shares no code with it, and none that was tampered with."""

import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from pos_app.domain.pricing.checker import check
from pos_app.domain.pricing.engine import price
from pos_app.domain.pricing.model import LOWEST, PRIORITY, Priced
from tests.domain.pricing.judge import priced_of
from tests.domain.pricing.mutate import mutations
from tests.domain.pricing.worked import asked, own_cases
from tests.domain.pricing.worlds import World, a_big_world, a_world

WORLDS, MUTANTS, EACH = 1_000, 1_000, 4


def worlds(count: int, first: int) -> Iterator[World]:
    """Small worlds; every fourth in the order that the chain set."""
    for seed in range(first, first + count):
        world = a_world(random.Random(seed))
        yield world._replace(package=world.package._replace(policy=PRIORITY if seed % 4 == 0 else LOWEST))


def wrong(world: World, priced: Priced) -> tuple[str, ...]:
    return check(*world, priced)


def test_every_trace_of_the_engine_is_accepted():
    refused = [(seed, found) for seed, world in enumerate(worlds(WORLDS, 0)) if (found := wrong(world, priced_of(world)))]
    assert refused == []


def test_an_answer_without_any_promotion_is_accepted():
    """Its sums are carried over from basket to basket, on a way of its own."""
    bare = [world._replace(package=world.package._replace(promotions=())) for world in worlds(300, 0)]
    assert [found for world in bare if (found := wrong(world, priced_of(world)))] == []


@pytest.mark.parametrize("case", own_cases("baskets"), ids=lambda case: str(case["id"]))
def test_the_trace_of_a_worked_case_is_accepted(case: dict[str, Any]):
    package, a = asked(case)
    priced = price(a.basket, a.customer, package, a.now_ms, a.codes, used=a.used)
    assert check(a.basket, a.customer, package, a.now_ms, a.codes, a.used, priced) == ()


def test_a_trace_of_a_large_basket_is_accepted():
    for seed in range(3):
        world = a_big_world(random.Random(seed), 20, 100)
        assert wrong(world, priced_of(world)) == ()


def test_a_thousand_of_a_thousand_tampered_traces_are_refused():
    """Four mutants of each answer, of 250 worlds; the seeds are told by the position."""
    missed, seen = [], 0
    for seed, world in enumerate(worlds(MUTANTS // EACH, 50_000)):
        for mutant in islice(mutations(priced_of(world), random.Random(seed)), EACH):
            seen += 1
            if not wrong(world, mutant):
                missed.append((seed, mutant))
    assert (seen, missed) == (MUTANTS, [])


@pytest.mark.parametrize("seed", range(60_000, 60_004))
def test_a_mutant_is_never_the_answer_itself(seed: int):
    priced = priced_of(a_world(random.Random(seed)))
    mutants = list(islice(mutations(priced, random.Random(seed)), 50))
    assert all(repr(mutant) != repr(priced) for mutant in mutants)
    assert len({repr(mutant) for mutant in mutants}) > 15
