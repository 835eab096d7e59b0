"""Paths over rows with cuts: what a way is said to lose is what it loses."""

import random
from collections.abc import Sequence

from pos_app.domain.pricing.packing_cuts import Cut, Cuts
from pos_app.domain.pricing.packing_effort import Effort
from pos_app.domain.pricing.packing_paths import Paths
from pos_app.domain.pricing.packing_prices import Column, whole_prices


def any_columns(rng: random.Random, capacities: Sequence[int]) -> list[Column]:
    found = set()
    for _ in range(rng.randint(2, 8)):
        rows = sorted(rng.sample(range(len(capacities)), rng.randint(1, min(3, len(capacities)))))
        found.add(Column(rng.randint(1, 60), tuple([(row, rng.randint(1, min(3, capacities[row]))) for row in rows])))
    return sorted(found)


def any_cut(rng: random.Random, rows: int) -> Cut:
    whole = rng.randint(2, 6)
    parts = [(row, rng.randrange(whole)) for row in range(rows)]
    return Cut(tuple([(row, part) for row, part in parts if part]) or ((0, 1),), whole)


def best_value(columns: Sequence[Column], left: tuple[int, ...]) -> int:
    """By trying everything."""
    if not columns:
        return 0
    first, rest = columns[0], columns[1:]
    best = best_value(rest, left)
    taken = list(left)
    for row, amount in first.rows:
        taken[row] -= amount
    if min(taken) >= 0:
        best = max(best, first.value + best_value(columns, tuple(taken)))
    return best


def test_the_shortest_way_is_the_best_choice_and_loses_what_it_is_said_to_lose_whatever_the_cuts() -> None:
    for seed in range(300):
        rng = random.Random(seed)
        capacities = [rng.randint(1, 5) for _ in range(rng.randint(1, 4))]
        columns = any_columns(rng, capacities)
        cuts = Cuts(len(capacities), capacities)
        cuts.found = list(dict.fromkeys(any_cut(rng, len(capacities)) for _ in range(rng.randint(0, 3))))
        prices = [rng.randint(0, 30) for _ in capacities] + [rng.randint(1, 20) for _ in cuts.found]
        extended = cuts.extended(columns, prices)
        prices = whole_prices(prices, extended)
        paths = Paths(capacities, len(capacities), extended, prices, 1 << 40, cuts.found, Effort(1_000_000))
        found = paths.shortest()
        assert found is not None
        value = sum(column.value * n for column, n in found.items())
        assert value == paths.worth(capacities) - paths.waiting, seed
        assert value == best_value(columns, tuple(capacities)), seed
