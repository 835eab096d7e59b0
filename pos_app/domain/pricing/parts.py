"""A basket in parts that no promotion joins: each is a question of its own, and the answers add up."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pos_app.domain.pricing.later_stages import Cell, Later, LaterOffer, Step, is_on_everything, stage_order
from pos_app.domain.pricing.rows import Rows
from pos_app.domain.pricing.set_parts import is_usable
from pos_app.domain.pricing.set_search import Chosen, SetOffer
from pos_app.domain.pricing.set_stage import SetRules, is_for_sets
from pos_app.domain.pricing.shelf_stage import Piece

ALONE = -1  # rows that nothing can happen to are one part together
NO_SETS = SetRules((), (), (), ())


class Part(NamedTuple):
    """Some rows with all that may happen to them. `classes` and `offers` say which of the basket's the part's own are.

    `size` is how much there is for sets to choose: pieces times offers.
    """

    pieces: Sequence[Piece]
    sets: SetRules
    groups: list[Sequence[LaterOffer]]
    classes: tuple[int, ...]
    offers: tuple[int, ...]
    size: int = 0

    def in_basket(self, one: Chosen) -> Chosen:
        """An application by the basket's numbers."""
        classes, (offer, slots, saving_fen, shares, times) = self.classes, one
        return Chosen(
            self.offers[offer], tuple([tuple([(classes[c], units) for c, units in slot]) for slot in slots]), saving_fen,
            tuple([(classes[c], fen) for c, fen in shares]), times,
        )  # fmt: skip


def parts_of(rows: Rows, pieces: Sequence[Piece], sets: SetRules, groups: Sequence[Sequence[LaterOffer]]) -> list[Part]:
    """The parts, small ones first, so that a hard one takes no effort from them."""
    if any(is_on_everything(offer, rows) for group in groups for offer in group):  # it joins everything
        size = len(sets.offers) * len(pieces)
        return [Part(pieces, sets, list(groups), tuple(range(len(sets.classes))), tuple(range(len(sets.offers))), size)]
    class_of = {piece: c for c, piece in enumerate(sets.pieces)}
    rows_of = [pieces[piece].row for piece in sets.pieces]
    offer_rows = [[rows_of[c] for slot in offer.slots for c in slot] for offer in sets.offers]
    group_rows = [_rows_of(group, rows) for group in groups]
    roots = _roots(len(rows), [*offer_rows, *group_rows])
    offers: dict[int, list[int]] = {}
    for n, mine in enumerate(offer_rows):
        offers.setdefault(roots[mine[0]], []).append(n)
    of_root: dict[int, list[Sequence[LaterOffer]]] = {}
    for group, mine in zip(groups, group_rows, strict=True):
        of_root.setdefault(roots[mine[0]], []).append(group)
    busy = of_root.keys() | {
        root for root, mine in offers.items() if len(mine) > 1 or is_usable(sets.offers[mine[0]], sets.classes)
    }
    members: dict[int, list[int]] = {}
    for n, piece in enumerate(pieces):
        root = roots[piece.row]
        members.setdefault(root if root in busy else ALONE, []).append(n)
    found = [
        _part(numbers, offers.get(root, ()), of_root.get(root, []), pieces, sets, class_of, rows)
        for root, numbers in members.items()
    ]
    return sorted(found, key=lambda part: part.size)


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


def _part(
    numbers: Sequence[int], offers: Sequence[int], groups: list[Sequence[LaterOffer]], pieces: Sequence[Piece], sets: SetRules,
    class_of: Mapping[int, int], rows: Rows,
) -> Part:  # fmt: skip
    mine = [pieces[n] for n in numbers]
    if not offers:  # nothing for sets to take
        return Part(mine, NO_SETS, groups, (), ())
    places = [n for n, number in enumerate(numbers) if number in class_of]
    classes = tuple([class_of[numbers[n]] for n in places])
    own_of = {c: n for n, c in enumerate(classes)}
    own_offers = [
        SetOffer(shape, tuple([tuple(map(own_of.__getitem__, slot)) for slot in slots]), times, budget_fen)
        for shape, slots, times, budget_fen in [sets.offers[n] for n in offers]
    ]
    own = SetRules(
        tuple([sets.classes[c] for c in classes]), tuple(places), tuple(own_offers), tuple([sets.promotions[n] for n in offers])
    )
    size = len(offers) * sum([n in class_of or is_for_sets(pieces[n], rows) for n in numbers])
    return Part(mine, own, groups, classes, tuple(offers), size)


def put_together(
    laters: Sequence[tuple[Sequence[Cell], tuple[int, ...], Later]],
) -> tuple[Sequence[Cell], tuple[int, ...], Later]:
    """Cells, what they held and what later stages made of them, of all parts, in canonical order."""
    with_cells = [one for one in laters if one[0]]
    if len(with_cells) == 1 and all(later.is_whole for _, _, later in laters):
        return with_cells[0]
    found = [
        (cell, begin, left)
        for cells, begins, later in laters
        for cell, begin, left in zip(cells, begins, later.amounts, strict=True)
    ]
    found.sort()
    cells = tuple([cell for cell, _, _ in found])
    place = {cell: n for n, cell in enumerate(cells)} if any(later.steps for _, _, later in laters) else {}
    steps = [_placed(step, own, place) for own, _, later in laters for step in later.steps]
    later = Later(
        tuple([left for _, _, left in found]),
        tuple(sorted(steps, key=stage_order)),
        all(later.is_whole for _, _, later in laters),
    )
    return cells, tuple([begin for _, begin, _ in found]), later


def _placed(step: Step, cells: Sequence[Cell], place: Mapping[Cell, int]) -> Step:
    return step._replace(cells=tuple([place[cells[n]] for n in step.cells]))
