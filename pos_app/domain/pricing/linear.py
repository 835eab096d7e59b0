"""A plan of the later stages as a linear bound over the sets: weights, caps, and what a value of the sets means in fen."""

from collections.abc import Sequence

from pos_app.domain.pricing.by_row import numbered
from pos_app.domain.pricing.later_stages import Cell
from pos_app.domain.pricing.mechanics.rounding import remains_fen
from pos_app.domain.pricing.model import NET_DOWN, NET_HALF_UP, NET_UP
from pos_app.domain.pricing.plans import Plan, Threshold
from pos_app.domain.pricing.set_search import Cap
from pos_app.domain.pricing.set_stage import SetRules
from pos_app.domain.pricing.shelf_stage import Piece, kind_of


class Linear:
    """A plan over the classes of the sets, in whole numbers of 1/scale fen: weights, caps, and what is left without any sets.

    `slack` covers the roundings: a percentage of a line that sets may touch takes up to half a fen (rounding down: a fen) more
    than its linear part. Lines that no set touches are rounded as they are.
    """

    def __init__(
        self, plan: Plan, cells: Sequence[Cell], begin: Sequence[int], fixed_fen: int, pieces: Sequence[Piece], sets: SetRules,
        rounding: str,
    ) -> None:  # fmt: skip
        self.plan, self.rounding, self.floor_fen = plan, rounding, fixed_fen
        self.scale: int = 100 ** len(plan.percents + plan.spend_percents)
        self.of_class = [pieces[piece].row for piece in sets.pieces]
        self.touched = {self.of_class[c] for offer in sets.offers for slot in offer.slots for c in slot}
        self.first = {cell.row: self._factor(cell.row, plan.percents) for cell in cells}
        last = {cell.row: self._factor(cell.row, plan.spend_percents) for cell in cells}
        is_split = any(kind_of(p) for p in sets.promotions) or any(p.kind for _, p in numbered(pieces))
        self.slack = self._slack(is_split)
        self.is_exact = not (self.slack or is_split or plan.coupons)  # the best sets by the plan are then the best there are
        left = [self._left(cell.row, fen) for cell, fen in zip(cells, begin, strict=True)]
        self.start: int = sum(fen * last[cell.row] // self.scale for cell, fen in zip(cells, left, strict=True))
        self.start += self.scale * (fixed_fen - plan.fixed_fen)
        self.weights = tuple(self.first[row] * last[row] // self.scale for row in self.of_class)
        before = [fen * self.scale for fen in begin]
        self.caps = tuple(self._cap(threshold, cells, left if threshold.is_after else before) for threshold in plan.thresholds)
        self.is_reachable = all(cap.cap >= 0 for cap in self.caps)

    def _factor(self, row: int, percents: Sequence[tuple[int, int]]) -> int:
        factor = self.scale
        for rows, percent in percents:
            if rows >> row & 1:
                factor = factor * (100 - percent) // 100
        return factor

    def _left(self, row: int, fen: int) -> int:
        """A cell after stage 2: linear where sets may touch it, else exactly."""
        if row in self.touched:
            return fen * self.first[row]
        for rows, percent in self.plan.percents:
            if rows >> row & 1:
                fen = remains_fen(fen, percent, self.rounding)
        return fen * self.scale

    def _slack(self, is_split: bool) -> int:
        """A row may end in two parts that are rounded by themselves where something does not count to spend."""
        rounded = sum(2 if is_split else 1 for rows, _ in self.plan.percents for n in self.touched if rows >> n & 1)
        unit = {NET_HALF_UP: self.scale // 2, NET_DOWN: self.scale, NET_UP: 0}[self.rounding]
        return rounded * unit + len(self.plan.spend_percents) * self.scale

    def _cap(self, threshold: Threshold, cells: Sequence[Cell], left: Sequence[int]) -> Cap:
        """What sets may take off the rows of a threshold before it is missed; a fen a rounding is not held against them."""
        total = sum(fen for cell, fen in zip(cells, left, strict=True) if threshold.rows >> cell.row & 1)
        factors = [self.first[row] if threshold.is_after else self.scale for row in self.of_class]
        weights = tuple(factor if threshold.rows >> row & 1 else 0 for row, factor in zip(self.of_class, factors, strict=True))
        roundings = len(self.touched) * 2 * len(self.plan.percents) * self.scale
        return Cap(weights, total - threshold.need_fen * self.scale + roundings)

    def most(self, saving_max_fen: int) -> int:
        """No sets that save so much at most have a larger value."""
        return saving_max_fen * self.scale

    def total_fen(self, value: int) -> int:
        """The lower bound on the total when no sets have a larger value."""
        return max(self.floor_fen, -(-(self.start - value - self.slack) // self.scale))

    def wanted(self, total_fen: int) -> int:
        """The value that sets must exceed to end below a total."""
        return self.start - self.slack - total_fen * self.scale
