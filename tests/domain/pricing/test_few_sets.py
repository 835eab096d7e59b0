"""All ways to lay sets, counted by hand."""

from pos_app.domain.money import share_fen
from pos_app.domain.pricing.few_sets import counted, every_way
from pos_app.domain.pricing.mechanics.sets import SetShape, Slot
from pos_app.domain.pricing.model import EVERYTHING
from pos_app.domain.pricing.set_search import SetOffer, UnitClass

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
