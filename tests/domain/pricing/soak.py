"""Long runs of the engine against enumeration: `python -m tests.domain.pricing.soak --n 20000 --first 0`.

One line at the end: worlds, wrong ones, ties in amount and coupons that ended otherwise. Each wrong seed is printed with the
smallest world that is still wrong; ends with 1 then.
"""

import argparse
import random
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from pos_app.domain.basket import Line
from tests.domain.pricing.judge import TIE, judge, smaller
from tests.domain.pricing.worlds import World, a_world

SHOWN, LIKE = 10, 6


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.domain.pricing.soak", description="the engine against enumeration")
    parser.add_argument("--n", type=int, default=20_000, help="how many worlds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    asked = parser.parse_args(arguments)
    found = list(odd_worlds(asked.first, asked.n))
    wrong = [one for one in found if not is_tie(one[2])]
    for seed, world, sentences in wrong[:SHOWN]:
        print(f"seed {seed}: {'; '.join(sentences)}\n{told(smaller(world, sentences[-1][:LIKE]))}", flush=True)
    seeds = [seed for seed, *_ in wrong[:50]]
    print(f"worlds {asked.first}..{asked.first + asked.n - 1}: {len(wrong)} wrong {seeds}, {len(found) - len(wrong)} ties")
    return 1 if wrong else 0


def odd_worlds(first: int, count: int) -> Iterator[tuple[int, World, list[str]]]:
    """Seed, world and sentences of every world with something to say of it."""
    for seed in range(first, first + count):
        world = a_world(random.Random(seed))
        if sentences := judge(world):
            yield seed, world, sentences


def is_tie(sentences: Iterable[str]) -> bool:
    return all(sentence.startswith(TIE) for sentence in sentences)


def told(world: World) -> str:
    """A world in lines that can be read: what is as usual is left out."""
    rows = [f"{plain(line)}" for line in world.basket.lines] + [plain(promotion) for promotion in world.package.promotions]
    package = world.package
    rows += [f"{plain(world.customer)} {sorted(world.codes)} {world.used} {package.rounding} {package.leftover}"]
    return "\n".join(f"  {row}" for row in [*rows, *(f"-> {sentence}" for sentence in judge(world))])


def plain(value: Any) -> str:
    """A value with what differs from its defaults."""
    if isinstance(value, Line):
        rest = {"quantity": value.quantity, "weight_g": value.weight_g, "label_fen": value.label_fen}
        return f"line {value.line_id}: {rest} {plain(value.item)}"
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return f"({', '.join(map(plain, value))})"
    if not hasattr(value, "_fields"):
        return repr(value)
    usual = value._field_defaults
    kept = {name: item for name, item in value._asdict().items() if name not in usual or usual[name] != item}
    return f"{type(value).__name__}({', '.join(f'{name}={plain(item)}' for name, item in kept.items() if name != 'name')})"


if __name__ == "__main__":
    sys.exit(main())
