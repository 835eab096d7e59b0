"""The search for item sets against one that tries everything, on small baskets drawn at random."""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import combinations_with_replacement, product

import pytest

from pos_app.domain.money import share_fen
from pos_app.domain.pricing import packing, packing_sharp, set_search
from pos_app.domain.pricing.mechanics.sets import SetShape, Slot
from pos_app.domain.pricing.model import EVERYTHING, NET_DOWN, NET_HALF_UP, NET_UP
from pos_app.domain.pricing.set_columns import Goods, Source
from pos_app.domain.pricing.set_search import Cap, Chosen, SetOffer, Sets, UnitClass, best_sets

PLENTY = 1_000_000


def slots(*units: int) -> tuple[Slot, ...]:
    return tuple(Slot(EVERYTHING, n) for n in units)


def any_shape(rng: random.Random) -> SetShape:
    kind = rng.randrange(6)
    if kind == 0:
        n = rng.randint(1, 3)
        return SetShape(slots(n), cheapest=rng.randint(1, n), percent=rng.choice([30, 50, 100]))
    if kind == 1:
        return SetShape(slots(rng.randint(1, 2), rng.randint(1, 2)), percent=rng.choice([33, 50, 100]))
    sizes = [rng.randint(1, 2) for _ in range(rng.randint(1, 3))]
    if kind in (2, 3):
        return SetShape(slots(*sizes), price_fen=rng.choice([0, 10, 25, 40, 60, 90]))
    return SetShape(slots(*sizes), amount_fen=rng.choice([1, 3, 10, 30, 70]))


@pytest.mark.parametrize("shape", [SetShape(slots(2, 1), percent=50), SetShape(slots(3), cheapest=1, percent=50)])
def test_what_an_application_comes_to_at_whole_prices_is_whole(shape: SetShape) -> None:
    """A bound in floats is a gap in floats, and of large baskets a wrong one."""
    goods = Goods([UnitClass(900, 3), UnitClass(700, 2)], NET_HALF_UP)
    most, _ = Source(0, SetOffer(shape, ((0, 1),) * len(shape.slots)), goods).best([5, 3], 60)
    assert type(most) is int


class Basket:
    """A small random basket under overlapping promotions."""

    def __init__(self, seed: int, caps: bool = True) -> None:
        rng = random.Random(seed)
        prices = rng.choice([[10, 20, 30, 40], [7, 11, 13, 29, 31], [1, 2, 3, 50], range(1, 99)])
        self.classes = [UnitClass(rng.choice(prices), rng.choice([1, 1, 1, 2, 3])) for _ in range(rng.randint(1, 4))]
        self.offers = [self.any_offer(rng) for _ in range(rng.randint(0, 4))]
        self.rounding = rng.choice([NET_HALF_UP, NET_DOWN, NET_UP])
        size = len(self.classes)
        self.weights = rng.choice([(1,) * size, (100,) * size, tuple(rng.choice([0, 90, 100]) for _ in range(size))])
        self.caps = [self.any_cap(rng) for _ in range(rng.choice([0, 0, 1, 2]))] if caps else []

    def any_offer(self, rng: random.Random) -> SetOffer:
        shape = any_shape(rng)
        everything = range(len(self.classes))
        scopes = tuple(tuple(c for c in everything if rng.random() < 0.7) or (rng.choice(everything),) for _ in shape.slots)
        times = rng.choice([None, None, None, 1, 2])
        return SetOffer(shape, scopes, times, rng.choice([None, None, None, 15, 60]))

    def any_cap(self, rng: random.Random) -> Cap:
        return Cap(tuple(rng.choice([0, 1, 1]) for _ in self.classes), rng.choice([0, 5, 20, 60]))

    def best(self, effort: int = PLENTY, wanted: int | None = None) -> Sets:
        return best_sets(self.classes, self.offers, self.weights, self.caps, self.rounding, effort, wanted)


def trials(basket: Basket) -> Iterator[tuple[int, Counter[int], int, dict[int, int]]]:
    """Every application there is: offer, units of each class, saving, shares. Without any thought."""
    for number, offer in enumerate(basket.offers):
        choices = [
            combinations_with_replacement(scope, slot.units) for scope, slot in zip(offer.slots, offer.shape.slots, strict=True)
        ]
        for chosen in product(*choices):
            used = Counter(c for slot in chosen for c in slot)
            if any(n > basket.classes[c].count for c, n in used.items()):
                continue
            prices = [[basket.classes[c].price_fen for c in slot] for slot in chosen]
            saving_fen = offer.shape.saving_fen(prices, basket.rounding)
            if saving_fen:
                yield number, used, saving_fen, shares_of(basket, used, saving_fen)


def shares_of(basket: Basket, used: Counter[int], saving_fen: int) -> dict[int, int]:
    units = sorted(used.elements())
    shares: Counter[int] = Counter()
    for c, fen in zip(units, share_fen(saving_fen, [basket.classes[c].price_fen for c in units]), strict=True):
        shares[c] += fen
    return dict(shares)


def everything_tried(basket: Basket) -> tuple[int, int, int]:
    """(value, saving, applications below zero) of the best legal choice."""
    columns = []
    for number, used, saving_fen, shares in trials(basket):
        value = sum(basket.weights[c] * fen for c, fen in shares.items())
        weighed = tuple(sum(cap.weights[c] * fen for c, fen in shares.items()) for cap in basket.caps)
        columns.append((number, tuple(used[c] for c in range(len(basket.classes))), saving_fen, value, weighed))
    columns = sorted(set(columns))
    endless = 1 << 40
    times = tuple(endless if o.max_applications is None else o.max_applications for o in basket.offers)
    budgets = tuple(endless if o.budget_fen is None else o.budget_fen for o in basket.offers)
    known: dict[object, tuple[int, int, int]] = {}

    def best(n, units, times, budgets, caps):  # type: ignore[no-untyped-def]
        if n == len(columns):
            return (0, 0, 0)
        key = (n, units, times, budgets, caps)
        if key not in known:
            found = best(n + 1, units, times, budgets, caps)
            number, used, saving_fen, value, weighed = columns[n]
            left = tuple(a - b for a, b in zip(units, used, strict=True))
            less = tuple(a - b for a, b in zip(caps, weighed, strict=True))
            budget = budgets[number] - saving_fen
            if min(left) >= 0 and times[number] and budget >= 0 and min(less, default=0) >= 0:
                fewer = (*times[:number], times[number] - 1, *times[number + 1 :])
                spent = (*budgets[:number], budget, *budgets[number + 1 :])
                rest = best(n, left, fewer, spent, less)
                found = max(found, (rest[0] + value, rest[1] + saving_fen, rest[2] - 1))
            known[key] = found
        return known[key]

    return best(0, tuple(unit.count for unit in basket.classes), times, budgets, tuple(cap.cap for cap in basket.caps))


def assert_legal(basket: Basket, sets: Sets) -> None:
    """Units, limits, budgets and caps are kept, savings and shares are what the rules say, and the value is their sum."""
    units: Counter[int] = Counter()
    weighed = [0] * len(basket.caps)
    spent: Counter[int] = Counter()
    often: Counter[int] = Counter()
    value = 0
    for one in sets.chosen:
        offer = basket.offers[one.offer]
        used: Counter[int] = Counter()
        prices = []
        for scope, slot, taken in zip(offer.slots, offer.shape.slots, one.slots, strict=True):
            assert sum(n for _, n in taken) == slot.units
            assert {c for c, _ in taken} <= set(scope)
            used.update(dict(taken))
            prices.append([basket.classes[c].price_fen for c, n in taken for _ in range(n)])
        assert one.saving_fen == offer.shape.saving_fen(prices, basket.rounding) > 0
        assert dict(one.shares) == shares_of(basket, used, one.saving_fen)
        assert sum(fen for _, fen in one.shares) == one.saving_fen
        units.update({c: n * one.times for c, n in used.items()})
        spent[one.offer] += one.saving_fen * one.times
        often[one.offer] += one.times
        value += sum(basket.weights[c] * fen for c, fen in one.shares) * one.times
        for n, cap in enumerate(basket.caps):
            weighed[n] += sum(cap.weights[c] * fen for c, fen in one.shares) * one.times
    assert all(n <= basket.classes[c].count for c, n in units.items())
    for n, offer in enumerate(basket.offers):
        assert offer.max_applications is None or often[n] <= offer.max_applications
        assert offer.budget_fen is None or spent[n] <= offer.budget_fen
    assert all(fen <= cap.cap for fen, cap in zip(weighed, basket.caps, strict=True))
    assert sets.value == value <= sets.bound


def key_of(sets: Sets) -> tuple[int, int, int]:
    saving_fen = sum(one.saving_fen * one.times for one in sets.chosen)
    return sets.value, saving_fen, -sum(one.times for one in sets.chosen)


@pytest.mark.parametrize("block", range(16))
def test_the_search_finds_and_proves_what_trying_everything_finds(block: int) -> None:
    for seed in range(block * 100, block * 100 + 100):
        basket = Basket(seed)
        sets = basket.best()
        assert_legal(basket, sets)
        assert key_of(sets) == everything_tried(basket), seed
        assert sets.proved, seed


@pytest.mark.parametrize("seed_step", [3, 7])
def test_without_its_short_cuts_the_search_finds_the_same(seed_step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cuts, stretches and offers over several weights are for large baskets; small ones are enough to see them go wrong."""
    monkeypatch.setattr(packing, "FEW", -1)
    monkeypatch.setattr(packing, "SPAN", 2 if seed_step == 7 else packing.SPAN)
    monkeypatch.setattr(set_search, "LISTED_MAX", -1)
    for seed in range(0, 1600, seed_step):
        basket = Basket(seed)
        sets = basket.best()
        assert_legal(basket, sets)
        assert sets.proved
        assert key_of(sets) == everything_tried(basket), seed


class Dense(Basket):
    """Ten lines under thirty promotions: too many choices to try, enough for cuts of every kind."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.classes = [UnitClass(rng.randrange(300, 3000, 10), rng.choice([1, 1, 2, 3])) for _ in range(10)]
        self.offers = [self.any_offer(rng) for _ in range(30)]
        self.rounding, self.weights, self.caps = NET_HALF_UP, (1,) * 10, []

    def any_offer(self, rng: random.Random) -> SetOffer:
        scope = tuple(sorted(rng.sample(range(10), rng.randint(2, 6))))
        n = rng.randint(2, 4)
        if rng.random() < 0.6:
            return SetOffer(SetShape(slots(n), cheapest=1, percent=rng.choice([30, 50, 100])), (scope,))
        other = tuple(sorted(rng.sample(range(10), rng.randint(2, 4))))
        return SetOffer(SetShape(slots(1, 1), amount_fen=rng.randrange(100, 300, 10)), (scope, other))


def test_cuts_leave_the_best_choice_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(40):
        basket = Dense(seed)
        monkeypatch.setattr(packing, "FEW", 1_000_000)
        monkeypatch.setattr(packing, "SPAN", 100)
        without_cuts = basket.best()
        monkeypatch.setattr(packing, "FEW", -1)
        monkeypatch.setattr(packing, "SPAN", 14)
        sets = basket.best()
        assert_legal(basket, sets)
        assert sets.proved
        assert without_cuts.proved
        assert key_of(sets) == key_of(without_cuts), seed


def test_where_too_many_columns_would_have_to_be_looked_at_the_bound_still_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "FEW", -1)
    monkeypatch.setattr(packing, "COLUMNS_MAX", 4)
    monkeypatch.setattr(packing_sharp, "COLUMNS_MAX", 4)
    for seed in range(0, 1600, 5):
        basket = Basket(seed)
        sets = basket.best()
        assert_legal(basket, sets)
        assert sets.bound >= everything_tried(basket)[0], seed


def test_with_any_effort_the_choice_is_legal_and_the_bound_holds() -> None:
    for seed in range(300):
        basket = Basket(seed)
        best = everything_tried(basket)[0]
        for effort in (0, 1, 3, 10, 40):
            sets = basket.best(effort)
            assert_legal(basket, sets)
            assert sets.bound >= best, seed
            assert sets.steps <= effort


def test_a_search_for_more_than_is_wanted_ends_with_that_proved_or_with_the_best() -> None:
    for seed in range(300):
        basket = Basket(seed)
        best = everything_tried(basket)[0]
        for wanted in (best - 1, best, best + 1):
            sets = basket.best(wanted=wanted)
            assert_legal(basket, sets)
            assert best <= sets.bound <= max(best, wanted), seed
            assert sets.value == best or best <= wanted, seed


def test_the_same_input_gives_the_same_choice() -> None:
    for seed in range(40):
        assert Basket(seed).best() == Basket(seed).best()


def every_choice(basket: Basket) -> dict[tuple[object, ...], int]:
    """Every legal choice of a basket without caps, as (offer, units of each class, saving) in order, with its value."""
    columns = sorted(
        {
            (number, tuple(sorted(used.items())), saving_fen): sum(basket.weights[c] * fen for c, fen in shares.items())
            for number, used, saving_fen, shares in trials(basket)
        }.items()
    )
    found: dict[tuple[object, ...], int] = {}

    def extend(first: int, taken: tuple[object, ...], value: int, left: Counter[int], spent: Counter[int]) -> None:
        found[taken] = value
        for n in range(first, len(columns)):
            (number, used, saving_fen), more = columns[n]
            offer = basket.offers[number]
            often = sum(1 for one in taken if one[0] == number)  # type: ignore[index]
            fits = all(left[c] >= units for c, units in used)
            fits = fits and (offer.max_applications is None or often < offer.max_applications)
            if fits and (offer.budget_fen is None or spent[number] + saving_fen <= offer.budget_fen):
                extend(
                    n, (*taken, columns[n][0]), value + more, left - Counter(dict(used)), spent + Counter({number: saving_fen})
                )

    extend(0, (), 0, Counter({c: unit.count for c, unit in enumerate(basket.classes)}), Counter())
    return found


def name_of(chosen: tuple[Chosen, ...]) -> tuple[object, ...]:
    named = []
    for one in chosen:
        used: Counter[int] = Counter()
        for slot in one.slots:
            used.update(dict(slot))
        named += [(one.offer, tuple(sorted(used.items())), one.saving_fen)] * one.times
    return tuple(sorted(named))


def test_every_choice_worth_more_than_is_wanted_is_shown_once() -> None:
    for seed in range(400):
        basket = Basket(seed, caps=False)
        choices = every_choice(basket)
        best = max(choices.values())
        wanted = max(0, best - max(1, best // 8))
        shown: list[tuple[object, ...]] = []

        def accept(chosen: tuple[Chosen, ...], shown: list[tuple[object, ...]] = shown, wanted: int = wanted) -> int:
            shown.append(name_of(chosen))
            return wanted

        sets = best_sets(basket.classes, basket.offers, basket.weights, (), basket.rounding, PLENTY, wanted=wanted, accept=accept)
        expected = {name for name, value in choices.items() if value > wanted}
        assert set(shown) == expected, seed
        assert len(shown) <= len(expected) + 1, seed  # the best one comes first, and again in its turn
        assert sets.bound <= wanted or not expected, seed
