"""buy_x_get_y: buy so many, get others free or cheaper (买5送1; 买A送B)."""

from typing import NamedTuple

from pos_app.domain.pricing.mechanics.sets import SetShape, Slot
from pos_app.domain.pricing.model import Scope


class BuyXGetY(NamedTuple):
    """Stage 1. Where both lists are the same goods, the units given are the cheapest ones of the set (rule 2)."""

    buy_units: int
    get_units: int
    percent: int = 100
    buy: Scope | None = None  # the promotion's scope unless named
    get: Scope | None = None  # as `buy` unless named

    def shape(self, scope: Scope) -> SetShape:
        buy = self.buy or scope
        get = self.get or buy
        if get.means_the_same_as(buy):
            return SetShape((Slot(buy, self.buy_units + self.get_units),), cheapest=self.get_units, percent=self.percent)
        return SetShape((Slot(buy, self.buy_units), Slot(get, self.get_units)), percent=self.percent)
