"""What a price leaves for the next one of nearly the same basket: its rows, and the parts of it that were solved.

A value that is passed in and given back, no more than a saving of work: the answer is the same, byte for byte, without it.
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from pos_app.domain.basket import Line
from pos_app.domain.pricing.choice import Choice
from pos_app.domain.pricing.grown_rows import rows_after
from pos_app.domain.pricing.later_stages import Cell, LaterOffer
from pos_app.domain.pricing.model import Package
from pos_app.domain.pricing.parts import Part
from pos_app.domain.pricing.rows import Rows
from pos_app.domain.pricing.shelf_stage import Piece, amount_fen

Key = tuple[object, ...]
VALUES = itemgetter(1, 2, 3, 5)  # of a piece: all that does not follow from its row


class Solved(NamedTuple):
    """A part's pieces, with the rows they are of, and its choice. It was looked for with `effort`, and with `needs` or more

    it is the same whatever the effort.
    """

    pieces: Sequence[Piece]
    rows: Rows
    choice: Choice
    effort: int
    needs: int
    used: int

    def holds_for(self, effort: int) -> bool:
        return effort == self.effort or self.needs <= min(effort, self.effort)

    def is_of(self, pieces: Sequence[Piece], rows: Rows) -> bool:
        """Whether these pieces are the same but for the numbers of their rows."""
        return (
            len(pieces) == len(self.pieces)
            and list(map(VALUES, pieces)) == list(map(VALUES, self.pieces))
            and [rows[piece.row].line for piece in pieces] == [self.rows[piece.row].line for piece in self.pieces]
        )


NO_ROWS = Rows(())


class Remembered(NamedTuple):
    """Under which package, for a member or not: lines with their canonical rows, and what was solved."""

    package: Package | None = None
    is_member: bool = False
    lines: Sequence[Line] = ()
    rows: Rows = NO_ROWS
    parts: Mapping[Key, Solved] = MappingProxyType({})


NOTHING_REMEMBERED = Remembered()


class Memory:
    """What is known as a price begins, and what is to be known afterwards."""

    def __init__(self, last: Remembered, package: Package, is_member: bool) -> None:
        self.known = last.parts if last.package is package else {}
        self.last, self.package, self.is_member = last, package, is_member
        self.lines: Sequence[Line] = ()
        self.rows = NO_ROWS
        self.parts: dict[Key, Solved] = {}

    def remembered(self) -> Remembered:
        return Remembered(self.package, self.is_member, self.lines, self.rows, self.parts)

    def rows_of(self, lines: Sequence[Line]) -> Rows:
        """The rows of the basket, which are known from now on."""
        known = self.last if self.last.is_member == self.is_member else NOTHING_REMEMBERED
        self.lines, self.rows = lines, rows_after(known.rows, known.lines, lines, self.is_member)
        return self.rows

    def solved(self, key: Key, part: Part, rows: Rows, effort: int) -> Solved | None:
        found = self.parts.get(key) or self.known.get(key)
        return found if found is not None and found.holds_for(effort) and found.is_of(part.pieces, rows) else None


def key_of(part: Part) -> Key:
    """With its pieces all that a part's choice depends on under one package. What a promotion reaches follows from the lines.

    No two parts of a basket have a promotion in common; their amounts tell prices with and without an audience's apart.
    """
    return (
        amount_fen(part.pieces),
        tuple([
            (id(promotion), offer.max_applications, offer.budget_fen)
            for promotion, offer in zip(part.sets.promotions, part.sets.offers, strict=True)
        ]),
        tuple([tuple([(id(offer.promotion), offer.budget_fen) for offer in group]) for group in part.groups]),
    )  # fmt: skip


def moved(solved: Solved, part: Part) -> Choice:
    """The choice of a part that was solved, in the row numbers of this basket."""
    rows, known, choice = [piece.row for piece in part.pieces], [piece.row for piece in solved.pieces], solved.choice
    if rows == known:
        return choice
    place = dict(zip(known, rows, strict=True))
    offers: dict[str, LaterOffer] = {offer.promotion.id: offer for group in part.groups for offer in group}
    steps = tuple([step._replace(offer=offers[step.offer.promotion.id]) for step in choice.later.steps])
    return choice._replace(
        cells=tuple([Cell(place[row], kind, list_fen) for row, kind, list_fen in choice.cells]),
        later=choice.later._replace(steps=steps),
        fixed=tuple([(place[row], fen) for row, fen in choice.fixed]),
    )
