"""What a price leaves for the next one of nearly the same basket: its rows, and the parts of it that were solved.

A value that is passed in and given back, no more than a saving of work: the answer is the same, byte for byte, without it.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pos_app.domain.basket import Line
from pos_app.domain.pricing.choice import Choice
from pos_app.domain.pricing.later_stages import Cell, LaterOffer
from pos_app.domain.pricing.model import Package
from pos_app.domain.pricing.parts import Part
from pos_app.domain.pricing.rows import Row, Rows

Key = tuple[object, ...]


class Solved(NamedTuple):
    """A part and its choice, by the rows that its pieces had. It was looked for with `effort`, and with `needs` or more it is

    the same whatever the effort. `lines` are those of the pieces: the key names them by identity, so they have to live.
    """

    rows: tuple[int, ...]
    lines: tuple[Line, ...]
    choice: Choice
    effort: int
    needs: int
    used: int

    def holds_for(self, effort: int) -> bool:
        return effort == self.effort or self.needs <= min(effort, self.effort)


class Remembered(NamedTuple):
    """Under which package, for a member or not: canonical rows, and what was solved."""

    package: Package | None = None
    is_member: bool = False
    rows: Sequence[Row] = ()
    parts: Mapping[Key, Solved] = MappingProxyType({})


NOTHING_REMEMBERED = Remembered()


class Memory:
    """What is known as a price begins, and what is to be known afterwards."""

    def __init__(self, last: Remembered, package: Package, is_member: bool) -> None:
        self.known = last.parts if last.package is package else {}
        self.known_rows = last.rows if last.is_member == is_member else ()
        self.package, self.is_member = package, is_member
        self.rows: Sequence[Row] = ()
        self.parts: dict[Key, Solved] = {}

    def remembered(self) -> Remembered:
        return Remembered(self.package, self.is_member, self.rows, self.parts)

    def solved(self, key: Key, effort: int) -> Solved | None:
        found = self.parts.get(key) or self.known.get(key)
        return found if found is not None and found.holds_for(effort) else None


def key_of(part: Part, rows: Rows) -> Key:
    """All that a part's choice depends on under one package. What a promotion reaches follows from the lines."""
    return (
        tuple([(id(rows[p.row].line), p.units, p.unit_fen, p.amount_fen, id(p.promotion)) for p in part.pieces]),
        tuple([
            (id(promotion), offer.max_applications, offer.budget_fen)
            for promotion, offer in zip(part.sets.promotions, part.sets.offers, strict=True)
        ]),
        tuple([tuple([(id(offer.promotion), offer.budget_fen) for offer in group]) for group in part.groups]),
    )  # fmt: skip


def moved(solved: Solved, part: Part) -> Choice:
    """The choice of a part that was solved, in the row numbers of this basket."""
    rows, choice = tuple([piece.row for piece in part.pieces]), solved.choice
    if rows == solved.rows:
        return choice
    place = dict(zip(solved.rows, rows, strict=True))
    offers: dict[str, LaterOffer] = {offer.promotion.id: offer for group in part.groups for offer in group}
    steps = tuple([step._replace(offer=offers[step.offer.promotion.id]) for step in choice.later.steps])
    return choice._replace(
        cells=tuple([Cell(place[row], kind, list_fen) for row, kind, list_fen in choice.cells]),
        later=choice.later._replace(steps=steps),
        fixed=tuple([(place[row], fen) for row, fen in choice.fixed]),
    )
