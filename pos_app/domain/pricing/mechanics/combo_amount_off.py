"""combo_amount_off: so much off a set of components (咖啡+蛋糕立减5元)."""

from typing import NamedTuple

from pos_app.domain.pricing.mechanics.sets import SetShape, Slot
from pos_app.domain.pricing.model import Scope


class ComboAmountOff(NamedTuple):
    """Stage 1. Coffee 28.00 and cake 22.00, 5.00 off: 45.00."""

    amount_fen: int
    components: tuple[Slot, ...]

    def shape(self, scope: Scope) -> SetShape:
        return SetShape(self.components, amount_fen=self.amount_fen)
