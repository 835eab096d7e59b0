"""A legal choice of stages 1 to 4."""

from typing import NamedTuple

from pos_app.domain.pricing.later_stages import Cell, Later
from pos_app.domain.pricing.set_search import Chosen


class Choice(NamedTuple):
    """A legal choice of stages 1 to 4. `fixed_fen` is what no later stage may touch; `bound_fen`: no choice ends lower."""

    chosen: tuple[Chosen, ...]
    cells: tuple[Cell, ...]
    begin: tuple[int, ...]
    later: Later
    fixed: tuple[tuple[int, int], ...]  # (row, fen)
    bound_fen: int = 0

    @property
    def total_fen(self) -> int:
        return sum(self.later.amounts) + sum([fen for _, fen in self.fixed])

    @property
    def key(self) -> tuple[int, int, int, int]:
        """The objective: amount, coupons, the larger saving of stage 1, applications; promotion ids come last."""
        saving_fen = sum([chosen.saving_fen * chosen.times for chosen in self.chosen])
        times = sum([chosen.times for chosen in self.chosen])
        return self.total_fen, self.later.coupons, -saving_fen, len(self.later.steps) + times
