"""nth_unit_percent_off: of every n units the cheapest at so many percent less (第二件半价)."""

from typing import NamedTuple

from pos_app.domain.pricing.mechanics.sets import SetShape, Slot
from pos_app.domain.pricing.model import Scope


class NthUnitPercentOff(NamedTuple):
    """Stage 1. n 2, 50 percent, two units of 59.00: 29.50 off."""

    n: int
    percent: int

    def shape(self, scope: Scope) -> SetShape:
        return SetShape((Slot(scope, self.n),), cheapest=1, percent=self.percent)
