"""cheapest_free: of every n units the k cheapest are free (3件付2件)."""

from typing import NamedTuple

from pos_app.domain.pricing.mechanics.sets import SetShape, Slot
from pos_app.domain.pricing.model import Scope


class CheapestFree(NamedTuple):
    """Stage 1. n 3: units of 9.00, 7.00 and 5.00 cost 16.00."""

    n: int
    free: int = 1

    def shape(self, scope: Scope) -> SetShape:
        return SetShape((Slot(scope, self.n),), cheapest=self.free, percent=100)
