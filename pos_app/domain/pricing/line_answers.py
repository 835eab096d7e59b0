"""A price's lines one by one, as they are asked for: a lane shows some twenty of five hundred, and a scan changes them all."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property
from operator import itemgetter

from pos_app.domain.as_asked import AsAsked
from pos_app.domain.basket import Line
from pos_app.domain.pricing.choice import Choice
from pos_app.domain.pricing.model import Applied, LineShare, PricedLine
from pos_app.domain.pricing.rows import Row, Rows
from pos_app.domain.pricing.shelf_stage import Piece, pieces_of

BY_PROMOTION = "promotion"  # the source of a line that a promotion of stage 0 made cheaper
SKU = itemgetter(1)
SHOWN = 32


def line_shares(trace: Iterable[Applied]) -> dict[int, tuple[LineShare, ...]]:
    """What each promotion took off each line; the applications of one stand together in a trace."""
    shares: dict[int, tuple[LineShare, ...]] = {}
    for applied in trace:
        name = applied.promotion
        for line_id, _, fen in applied.shares:
            if fen and line_id not in shares:
                shares[line_id] = (LineShare(name, fen),)
            elif fen:
                *others, last = shares[line_id]
                more = [LineShare(name, last.fen + fen)] if last.promotion == name else [last, LineShare(name, fen)]
                shares[line_id] = (*others, *more)
    return shares


class LineAnswers:
    """What is known of every line once a basket is priced. `before` and `behind` are the trace around stages 2 to 4."""

    def __init__(
        self, lines: Sequence[Line], rows: Rows, pieces: Sequence[Piece], with_audience: bool, amounts: Sequence[int],
        choice: Choice, before: Iterable[Applied], behind: Iterable[Applied],
    ) -> None:  # fmt: skip
        self.lines, self.rows, self.pieces, self.with_audience = lines, rows, pieces, with_audience
        self.amounts, self.choice = amounts, choice
        self.before, self.behind = line_shares(before), line_shares(behind)

    def every(self) -> tuple[PricedLine, ...]:
        """In the order of the basket."""
        units: dict[int, int] = {}
        promoted = set()
        for n, _, unit_fen, _, _, promotion in self.pieces:
            if n not in units or unit_fen < units[n]:
                units[n] = unit_fen
            if promotion is not None:
                promoted.add(n)
        found = {row.line.line_id: self._answer(n, row, units[n], n in promoted) for n, row in enumerate(self.rows)}
        return tuple([found[line.line_id] for line in self.lines])

    def as_asked(self) -> Sequence[PricedLine]:
        """The same, each made when it is asked for; of so few that a screen shows them all, all."""
        return AsAsked(len(self.lines), self._one) if len(self.lines) > SHOWN else self.every()

    def _one(self, position: int) -> PricedLine:
        line = self.lines[position]
        n = bisect_left(self.rows, line.item.sku, key=SKU)
        while self.rows[n].line.line_id != line.line_id:
            n += 1
        pieces = pieces_of(n, self.pieces)
        unit_fen = min([piece.unit_fen for piece in pieces])
        return self._answer(n, self.rows[n], unit_fen, any(piece.promotion for piece in pieces))

    def _answer(self, n: int, row: Row, unit_fen: int, is_promoted: bool) -> PricedLine:
        shelf, line_id = row.shelf if self.with_audience else row.open_shelf, row.line.line_id
        shares: tuple[LineShare, ...] = ()
        if self._steps:
            shares = tuple([LineShare(promotion, fens[n]) for promotion, fens in self._steps if fens[n]])
        if line_id in self.before or line_id in self.behind:
            shares = (*self.before.get(line_id, ()), *shares, *self.behind.get(line_id, ()))
        source = BY_PROMOTION if is_promoted else shelf.source
        return PricedLine(line_id, unit_fen, shelf.list_fen, self.amounts[n], source, shares)

    @cached_property
    def _steps(self) -> list[tuple[str, Sequence[int]]]:
        """What each application of stages 2 to 4 took off every row."""
        return [(step.offer.promotion.id, self.choice.by_row(step, len(self.rows))) for step in self.choice.later.steps]
