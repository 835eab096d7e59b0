"""points_redeem: points as a discount, in whole blocks (100积分抵10元)."""

from typing import NamedTuple


class PointsRedeem(NamedTuple):
    """Stage 5. 350 points, blocks of 100 worth 10.00, 180.00 due: three blocks, 30.00 off."""

    block_points: int
    block_fen: int
    blocks_max: int | None = None

    def blocks(self, points: int, amount_fen: int) -> int:
        """The smaller of the blocks the member has and the blocks that fit the amount (rule 6)."""
        fit = min(points // self.block_points, amount_fen // self.block_fen)
        return fit if self.blocks_max is None else min(fit, self.blocks_max)
