"""punch_card: stamps over many visits; a full card opens a coupon (咖啡买5送1, 半年有效)."""

from typing import NamedTuple


class PunchCard(NamedTuple):
    """Stage 9. One stamp for every unit of the promotion's scope; `stamps` of them are a full card and issue `coupon`.

    Stamps live `life_days`. Three stamps and three units with 5 stamps a card: one full card, one stamp left.
    """

    stamps: int
    coupon: str
    life_days: int = 183

    def punch(self, had: int, units: int) -> tuple[int, int]:
        """(full cards, stamps left)."""
        return divmod(had + units, self.stamps)
