"""The shape every set promotion of stage 1 has: which units an application takes, and what they save together."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from pos_app.domain.pricing.mechanics.rounding import off_fen
from pos_app.domain.pricing.model import Scope


class Slot(NamedTuple):
    """`units` units out of a scope."""

    scope: Scope
    units: int


class SetShape(NamedTuple):
    """Slots, and one benefit: the `cheapest` units of the whole set at `percent` off; or, with `cheapest` 0 and a percent,

    the units of the last slot; or `amount_fen` off the set (never more than it costs); or the set for `price_fen`.
    """

    slots: tuple[Slot, ...]
    cheapest: int = 0
    percent: int = 0
    amount_fen: int | None = None
    price_fen: int | None = None

    def reduced(self, prices: Sequence[Sequence[int]]) -> list[int]:
        """The unit prices that are reduced, for sets with a percentage; all of them for the others."""
        if self.cheapest:
            return sorted(chain.from_iterable(prices))[: self.cheapest]
        return list(prices[-1] if self.percent else chain.from_iterable(prices))

    def saving_fen(self, prices: Sequence[Sequence[int]], rounding: str) -> int:
        """What one application saves on units of these prices, slot by slot; zero or more.

        Second at half price on 80.00 and 50.00: `saving_fen([[8000, 5000]], "net_half_up") == 2500`.
        """
        reduced = self.reduced(prices)
        if self.price_fen is not None:
            return max(0, sum(reduced) - self.price_fen)
        if self.amount_fen is not None:
            return min(self.amount_fen, sum(reduced))
        return sum([off_fen(price, self.percent, rounding) for price in reduced])
