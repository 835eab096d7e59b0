"""fixed_price_bundle: a set of components for one price (套餐价; 任选3件50元)."""

from typing import NamedTuple

from pos_app.domain.pricing.mechanics.sets import SetShape, Slot
from pos_app.domain.pricing.model import Scope


class FixedPriceBundle(NamedTuple):
    """Stage 1. Components of 28.00 and 22.00 for 45.00: 5.00 off; never dearer than its parts."""

    price_fen: int
    components: tuple[Slot, ...]

    def shape(self, scope: Scope) -> SetShape:
        return SetShape(self.components, price_fen=self.price_fen)
