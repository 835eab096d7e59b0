"""All ways to lay sets, counted by hand; the best of them against the one that looks at less."""

import pytest

from pos_app.domain.money import share_fen
from pos_app.domain.pricing.best_few import best_few
from pos_app.domain.pricing.few_sets import counted, every_way
from pos_app.domain.pricing.mechanics.sets import SetShape, Slot
from pos_app.domain.pricing.model import EVERYTHING
from pos_app.domain.pricing.set_search import Chosen, SetOffer, UnitClass
from tests.domain.pricing.test_set_search import Basket

HALF = SetShape((Slot(EVERYTHING, 2),), cheapest=1, percent=50)


def ways(units: int, *offers: SetOffer, most: int = 100) -> list[list[tuple[int, int]]] | None:
    """Each way as (offer, times)."""
    found = every_way([UnitClass(5_900, units)], offers, [0] * len(offers), "net_half_up", share_fen, most, 1_000)
    return None if found is None else sorted([(one.offer, one.times) for one in counted(way)] for way in found)


def test_five_equal_units_make_no_pair_one_or_two() -> None:
    assert ways(5, SetOffer(HALF, ((0,),))) == [[], [(0, 1)], [(0, 2)]]


def test_a_limit_and_a_budget_end_the_pairs() -> None:
    assert ways(5, SetOffer(HALF, ((0,),), max_applications=1)) == [[], [(0, 1)]]
    assert ways(5, SetOffer(HALF, ((0,),), budget_fen=2_949)) == [[]]


def test_two_offers_that_leave_the_same_are_one_way_by_the_first() -> None:
    assert ways(2, SetOffer(HALF, ((0,),)), SetOffer(HALF, ((0,),))) == [[], [(0, 1)]]


def test_too_many_ways_are_none() -> None:
    assert ways(99, SetOffer(HALF, ((0,),)), most=10) is None
    assert best_few([UnitClass(5_900, 99)], [SetOffer(HALF, ((0,),))], "net_half_up", share_fen, 10, 1_000) is None


def objective(chosen: tuple[Chosen, ...]) -> tuple[int, int, list[int]]:
    """What makes one choice better than another: the larger saving, fewer applications, the first offers."""
    offers = sorted(one.offer for one in chosen for _ in range(one.times))
    return -sum(one.saving_fen * one.times for one in chosen), len(offers), offers


@pytest.mark.parametrize("chunk", range(10))
def test_the_best_choice_is_the_best_of_all_ways(chunk: int) -> None:
    for seed in range(chunk * 100, chunk * 100 + 100):
        basket = Basket(seed, caps=False)
        kinds, most = [0] * len(basket.offers), 100_000
        all_ways = every_way(basket.classes, basket.offers, kinds or [0], basket.rounding, share_fen, most, most)
        best = best_few(basket.classes, basket.offers, basket.rounding, share_fen, most, most)
        assert all_ways is not None and best is not None
        assert objective(best.chosen) == min(objective(counted(way)) for way in all_ways), seed
