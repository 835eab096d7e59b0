"""A basket in parts that no promotion joins: each is a question of its own, and the answers add up."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pos_app.domain.pricing.choice import Choice
from pos_app.domain.pricing.later_stages import Cell, Later, LaterOffer, Step, is_on_everything, stage_order
from pos_app.domain.pricing.rows import Rows
from pos_app.domain.pricing.set_parts import is_usable
from pos_app.domain.pricing.set_search import Chosen, SetOffer
from pos_app.domain.pricing.set_stage import SetRules
from pos_app.domain.pricing.shelf_stage import Piece

NO_SETS = SetRules((), (), (), ())


class Part(NamedTuple):
    """Some rows with all that may happen to them. `classes` and `offers` say which of the basket's the part's own are.

    `size` is how much there is for sets to choose: pieces times offers.
    """

    pieces: Sequence[Piece]
    sets: SetRules
    groups: list[Sequence[LaterOffer]]
    classes: Sequence[int]
    offers: Sequence[int]
    size: int

    def in_basket(self, one: Chosen) -> Chosen:
        """An application by the basket's numbers."""
        classes, (offer, slots, saving_fen, shares, times) = self.classes, one
        return Chosen(
            self.offers[offer], tuple([tuple([(classes[c], units) for c, units in slot]) for slot in slots]), saving_fen,
            tuple([(classes[c], fen) for c, fen in shares]), times,
        )  # fmt: skip


class Parts(NamedTuple):
    """The parts in which something may be chosen, small ones first, so that a hard one takes no effort from them.

    `plain` are the pieces that no later stage looks at, in no part or in one of sets alone.
    """

    parts: list[Part]
    plain: Sequence[Piece]


def parts_of(rows: Rows, pieces: Sequence[Piece], sets: SetRules, groups: Sequence[Sequence[LaterOffer]]) -> Parts:
    """The parts of a basket. An offer whose slots cannot be filled joins nothing."""
    usable = [n for n, offer in enumerate(sets.offers) if is_usable(offer, sets.classes)]
    if any(is_on_everything(offer, rows) for group in groups for offer in group):  # it joins everything
        own = sets._replace(
            offers=tuple([sets.offers[n] for n in usable]), promotions=tuple([sets.promotions[n] for n in usable])
        )
        return Parts([Part(pieces, own, list(groups), range(len(sets.classes)), usable, len(usable) * len(pieces))], ())
    rows_of = [pieces[piece].row for piece in sets.pieces]
    offer_rows = [[rows_of[c] for slot in sets.offers[n].slots for c in slot] for n in usable]
    group_rows = [_rows_of(group, rows) for group in groups]
    roots = _roots(len(rows), [*offer_rows, *group_rows])
    found: dict[int, _Members] = {}
    for group, mine in zip(groups, group_rows, strict=True):
        found.setdefault(roots[mine[0]], _Members([], [], [], [])).groups.append(group)
    for n, mine in zip(usable, offer_rows, strict=True):
        found.setdefault(roots[mine[0]], _Members([], [], [], [])).offers.append(n)
    plain = []
    for n, piece in enumerate(pieces):
        members = found.get(roots[piece.row])
        if members is not None:
            members.numbers.append(n)
            members.pieces.append(piece)
        if members is None or not members.groups:
            plain.append(piece)
    return Parts(sorted([_part(members, sets) for members in found.values()], key=lambda part: part.size), plain)


class _Members(NamedTuple):
    """What falls into a part: pieces with their numbers, numbers of set offers, groups of later ones."""

    numbers: list[int]
    pieces: list[Piece]
    offers: list[int]
    groups: list[Sequence[LaterOffer]]


def _rows_of(group: Sequence[LaterOffer], rows: Rows) -> list[int]:
    return sorted({n for offer in group for n in rows.reach(offer.promotion)})


def _roots(row_count: int, joined: Iterable[Sequence[int]]) -> list[int]:
    """Of every row the first of those it is joined with."""
    root = list(range(row_count))

    def find(n: int) -> int:
        while root[n] != n:
            n = root[n]
        return n

    for rows in joined:
        tops = {find(n) for n in rows} if len(rows) > 1 else ()
        if len(tops) > 1:
            first = min(tops)
            for top in tops:
                root[top] = first
    for n, top in enumerate(root):  # a top is never behind what it stands for
        root[n] = root[top]
    return root


def _part(members: _Members, sets: SetRules) -> Part:
    numbers, pieces, offers, groups = members
    if not offers:  # nothing for sets to take
        return Part(pieces, NO_SETS, groups, (), (), 0)
    own_offers = [sets.offers[n] for n in offers]
    classes = sorted({c for offer in own_offers for slot in offer.slots for c in slot})
    own_of = {c: n for n, c in enumerate(classes)}
    place_of = {number: n for n, number in enumerate(numbers)}
    own = SetRules(
        tuple([sets.classes[c] for c in classes]),
        tuple([place_of[sets.pieces[c]] for c in classes]),
        tuple([
            SetOffer(shape, tuple([tuple([own_of[c] for c in slot]) for slot in slots]), times, budget_fen)
            for shape, slots, times, budget_fen in own_offers
        ]),
        tuple([sets.promotions[n] for n in offers]),
    )  # fmt: skip
    return Part(pieces, own, groups, classes, offers, len(offers) * len(pieces))


def put_together(plain: Choice, found: Sequence[Choice]) -> Choice:
    """The choice of the basket: what no later stage looks at, and the parts, in canonical order."""
    chosen = tuple(sorted([one for choice in found for one in choice.chosen]))
    bound_fen = plain.bound_fen + sum([choice.bound_fen for choice in found])
    choices = [choice for choice in (plain, *found) if choice.cells or choice.fixed]
    if len(choices) == 1:
        return choices[0]._replace(chosen=chosen, bound_fen=bound_fen)
    of_cells = [
        (cell, begin, left)
        for choice in choices
        for cell, begin, left in zip(choice.cells, choice.begin, choice.later.amounts, strict=True)
    ]
    of_cells.sort()
    cells = tuple([cell for cell, _, _ in of_cells])
    place = {cell: n for n, cell in enumerate(cells)} if any(choice.later.steps for choice in choices) else {}
    steps = [_placed(step, choice.cells, place) for choice in choices for step in choice.later.steps]
    later = Later(
        tuple([left for _, _, left in of_cells]),
        tuple(sorted(steps, key=stage_order)),
        all(choice.later.is_whole for choice in choices),
    )
    fixed = tuple(sorted([one for choice in choices for one in choice.fixed]))
    return Choice(chosen, cells, tuple([begin for _, begin, _ in of_cells]), later, fixed, bound_fen)


def _placed(step: Step, cells: Sequence[Cell], place: Mapping[Cell, int]) -> Step:
    return step._replace(cells=tuple([place[cells[n]] for n in step.cells]))
