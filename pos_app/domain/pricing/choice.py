"""A legal choice of stages 1 to 4."""

from collections.abc import Sequence
from typing import NamedTuple

from pos_app.domain.pricing.by_row import ByRow
from pos_app.domain.pricing.later_stages import Cell, Later, Step
from pos_app.domain.pricing.set_search import Chosen


class Choice(NamedTuple):
    """A legal choice of stages 1 to 4. `fixed_fen` is what no later stage may touch; `bound_fen`: no choice ends lower."""

    chosen: tuple[Chosen, ...]
    cells: Sequence[Cell]
    begin: tuple[int, ...]
    later: Later
    fixed: tuple[tuple[int, int], ...]  # (row, fen)
    bound_fen: int = 0

    @property
    def total_fen(self) -> int:
        return sum(self.later.amounts) + sum([fen for _, fen in self.fixed])

    @property
    def is_cell_a_row(self) -> bool:
        """Whether cells are rows, number by number."""
        return not self.fixed and (not self.cells or len(self.cells) == self.cells[-1].row + 1)

    def by_row(self, step: Step, row_count: int) -> Sequence[int]:
        """What a step took off each row of the basket."""
        if len(step.cells) == row_count and self.is_cell_a_row:
            return step.fens
        fens, rows = [0] * row_count, self.rows
        for n, fen in zip(step.cells, step.fens, strict=True):
            fens[rows[n]] += fen
        return fens

    @property
    def rows(self) -> list[int]:
        """The row of every cell."""
        return self.cells.rows if isinstance(self.cells, ByRow) else [cell.row for cell in self.cells]

    @property
    def key(self) -> tuple[int, int, int, int]:
        """The objective: amount, coupons, the larger saving of stage 1, applications; promotion ids come last."""
        saving_fen = sum([chosen.saving_fen * chosen.times for chosen in self.chosen])
        times = sum([chosen.times for chosen in self.chosen])
        return self.total_fen, self.later.coupons, -saving_fen, len(self.later.steps) + times
