"""points_earn: points on what is left after discounts and redemption (1元1积分; 生日周双倍)."""

from typing import NamedTuple


class PointsEarn(NamedTuple):
    """Stage 7. 88.80, 1 point a yuan, twice: 177.6 points, and one floor over all earning rules at the end.

    `multiplier_percent` 200 is twice. `adds` False: the largest multiplier of such rules counts, not their sum.
    """

    points_per_yuan: int = 1
    multiplier_percent: int = 100
    adds: bool = False

    @property
    def rate(self) -> int:
        """Points for 10,000 fen: 1 a yuan, twice, is 200."""
        return self.points_per_yuan * self.multiplier_percent
