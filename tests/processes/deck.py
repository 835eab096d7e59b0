"""Chance without bad luck: what must happen comes from a shuffled deck and not from dice."""

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def dealt(cards: Sequence[T], chance: random.Random) -> Iterator[T]:
    """Each card once, in random order; then all of them again in another, without end."""
    while True:
        yield from chance.sample(cards, len(cards))
