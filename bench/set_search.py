"""How fast the best item sets are found and proved: dense random baskets, every offer overlapping others.

`python -m bench.set_search --lines 20 --offers 100 --n 100`. Prices 3.00 to 90.00, 5 to 12 categories; offers mixed: second or
third unit cheaper, buy so many get one, of three the cheapest free, bundles, combos, on a category or on some goods.
"""

import argparse
import random
import time
from collections.abc import Sequence

from pos_app.domain.pricing.mechanics.sets import SetShape, Slot
from pos_app.domain.pricing.model import EVERYTHING, NET_HALF_UP
from pos_app.domain.pricing.set_search import SetOffer, Sets, UnitClass, best_sets


class Dense:
    """A dense basket. `goods` are known to the shop, the first `lines` of them are in the basket."""

    def __init__(self, seed: int, lines: int, offers: int, goods: int) -> None:
        self.rng = rng = random.Random(seed)
        step = rng.choice([10, 50])
        self.lines, self.goods = lines, max(lines, goods)
        self.classes = [UnitClass(rng.randrange(300, 9001, step), rng.choice([1, 1, 1, 2, 2, 3])) for _ in range(lines)]
        categories = rng.randint(5, 12)
        self.category = [rng.randrange(categories) for _ in range(self.goods)]
        found = [self.any_offer() for _ in range(offers)]
        self.offers = [offer for offer in found if all(offer.slots)]

    def scope(self) -> tuple[int, ...]:
        """A category, or two to six goods."""
        if self.rng.random() < 0.3:
            category = self.rng.choice(self.category)
            return tuple(c for c in range(self.lines) if self.category[c] == category)
        return tuple(
            c for c in sorted(self.rng.sample(range(self.goods), self.rng.randint(2, min(6, self.goods)))) if c < self.lines
        )

    def any_offer(self) -> SetOffer:
        kind = self.rng.randrange(5)
        make = (self.nth_unit, self.buy_get, self.of_three, self.bundle, self.combo)[kind]
        return make()

    def nth_unit(self) -> SetOffer:
        n = self.rng.choice([2, 2, 3])
        return SetOffer(SetShape((Slot(EVERYTHING, n),), 1, self.rng.choice([30, 50, 60])), (self.scope(),))

    def buy_get(self) -> SetOffer:
        buy = self.rng.choice([1, 2, 5])
        if self.rng.random() < 0.5:
            return SetOffer(SetShape((Slot(EVERYTHING, buy + 1),), 1, 100), (self.scope(),))
        percent = self.rng.choice([50, 100])
        return SetOffer(SetShape((Slot(EVERYTHING, buy), Slot(EVERYTHING, 1)), 0, percent), (self.scope(), self.scope()))

    def of_three(self) -> SetOffer:
        return SetOffer(SetShape((Slot(EVERYTHING, 3),), 1, 100), (self.scope(),))

    def bundle(self) -> SetOffer:
        scopes = tuple(self.scope() for _ in range(self.rng.choice([2, 2, 3])))
        cost_fen = sum(self.typical_fen(scope) for scope in scopes)
        return SetOffer(SetShape((Slot(EVERYTHING, 1),) * len(scopes), price_fen=cost_fen * 85 // 1000 * 10), scopes)

    def combo(self) -> SetOffer:
        scopes = (self.scope(), self.scope())
        return SetOffer(SetShape((Slot(EVERYTHING, 1),) * 2, amount_fen=self.rng.randrange(100, 1501, 50)), scopes)

    def typical_fen(self, scope: Sequence[int]) -> int:
        return sum(self.classes[c].price_fen for c in scope) // max(1, len(scope))

    def solve(self, effort: int) -> Sets:
        return best_sets(self.classes, self.offers, (1,) * self.lines, (), NET_HALF_UP, effort)

    @property
    def amount_fen(self) -> int:
        return sum(unit.price_fen * unit.count for unit in self.classes)


def measure(lines: int, offers: int, goods: int, n: int, effort: int, first: int = 0, show: bool = False) -> None:
    times, steps, gaps, proved = [], [], [], 0
    for seed in range(first, first + n):
        basket = Dense(seed, lines, offers, goods)
        start = time.process_time()
        sets = basket.solve(effort)
        times.append((time.process_time() - start) * 1000)
        steps.append(sets.steps)
        proved += sets.proved
        gaps.append((sets.bound - sets.value) / basket.amount_fen)
        if show:
            print(f"seed {seed}: {times[-1]:7.1f} ms {sets.steps:6} steps value {sets.value} gap {sets.bound - sets.value}")
    times.sort()
    per_step = sum(times) / max(1, sum(steps)) * 1000
    print(
        f"{lines} lines x {offers} offers: proved {proved}/{n}, CPU ms median {times[n // 2]:.1f} p95 {times[int(n * 0.95)]:.1f} "
        f"p99 {times[int(n * 0.99)]:.1f} max {times[-1]:.1f}; steps max {max(steps)}, {per_step:.1f} us a step; "
        f"gap within 1 % of the basket {sum(gap <= 0.01 for gap in gaps)}/{n}, largest {max(gaps):.3%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=20)
    parser.add_argument("--offers", type=int, default=100)
    parser.add_argument("--goods", type=int, default=0)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--effort", type=int, default=20_000)
    parser.add_argument("--show", action="store_true")
    args = parser.parse_args()
    measure(args.lines, args.offers, args.goods, args.n, args.effort, args.first, args.show)


if __name__ == "__main__":
    main()
