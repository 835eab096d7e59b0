"""The lowest legal price: sets of stage 1 and choices of stages 2 to 4 together, with the proof or the gap.

The sets that save most are tried first. Where a later stage could gain more than they lose (a tier that is missed, W36), each
plan of the later stages is searched for better sets; every set of sets that is met is judged by the real later stages.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pos_app.domain.pricing.conditions import NOT_USED, budget_left_fen, times_left
from pos_app.domain.pricing.later_stages import Cell, Later, LaterOffer, Rules, best_later, later_by_priority
from pos_app.domain.pricing.mechanics.sets import SetShape
from pos_app.domain.pricing.model import ON_LIST, Promotion, Used
from pos_app.domain.pricing.plans import Left, Plan, Threshold, plans_of
from pos_app.domain.pricing.rows import Rows
from pos_app.domain.pricing.set_search import Cap, Chosen, SetOffer, UnitClass, best_sets
from pos_app.domain.pricing.shelf_stage import SHUT, Piece, kind_of

LATER_EFFORT = 3_000


class SetRules(NamedTuple):
    """Stage 1 in this basket: the classes of equal units (each a piece), the offers and whose they are."""

    classes: tuple[UnitClass, ...]
    pieces: tuple[int, ...]  # class -> piece
    offers: tuple[SetOffer, ...]
    promotions: tuple[Promotion, ...]


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
        return sum(self.later.amounts) + sum(fen for _, fen in self.fixed)

    @property
    def key(self) -> tuple[int, int, int, int]:
        """The objective: amount, coupons, the larger saving of stage 1, applications; ids last, by the order of the search."""
        saving_fen = sum(chosen.saving_fen * chosen.times for chosen in self.chosen)
        times = sum(chosen.times for chosen in self.chosen)
        return self.total_fen, self.later.coupons, -saving_fen, len(self.later.steps) + times


def set_rules(rows: Rows, pieces: Sequence[Piece], promotions: Sequence[Promotion], used: Mapping[str, Used]) -> SetRules:
    """The units that sets may take, and what each promotion may take of them; in order of id."""
    numbers = [
        n for n, piece in enumerate(pieces) if piece.units and piece.unit_fen and piece.kind != SHUT and rows[piece.row].is_open
    ]
    classes = tuple(UnitClass(pieces[n].unit_fen, pieces[n].units) for n in numbers)
    of_row: dict[int, list[int]] = {}
    for c, n in enumerate(numbers):
        of_row.setdefault(pieces[n].row, []).append(c)
    offers, owners = [], []
    for promotion in promotions:
        if not _reaches(promotion, rows, pieces):
            continue
        offer = _set_offer(promotion, rows, of_row, used)
        if offer is not None:
            offers.append(offer)
            owners.append(promotion)
    return SetRules(classes, tuple(numbers), tuple(offers), tuple(owners))


def _reaches(promotion: Promotion, rows: Rows, pieces: Sequence[Piece]) -> bool:
    """Whether a set promotion's own threshold is reached when its stage begins."""
    return promotion.min_spend_fen == 0 or measured_fen(promotion, rows, pieces) >= promotion.min_spend_fen


def measured_fen(promotion: Promotion, rows: Rows, pieces: Sequence[Piece]) -> int:
    """What is left (or the list amount) in a promotion's scope when stage 1 begins."""
    within = set(rows.within(promotion.scope))
    found = [piece for piece in pieces if piece.row in within and piece.kind != SHUT]
    return sum(piece.base_fen if promotion.threshold_on == ON_LIST else piece.amount_fen for piece in found)


def _set_offer(promotion: Promotion, rows: Rows, of_row: Mapping[int, list[int]], used: Mapping[str, Used]) -> SetOffer | None:
    shape: SetShape = promotion.rule.shape(promotion.scope)
    slots = tuple(
        tuple(c for n in rows.within(slot.scope) if not (promotion.price_once and rows[n].is_labelled) for c in of_row.get(n, ()))
        for slot in shape.slots
    )
    if not all(slots):
        return None
    had = used.get(promotion.id, NOT_USED)
    return SetOffer(shape, slots, times_left(promotion, had), budget_left_fen(promotion, had))


# ------------------------------------------------------------------ what sets leave


def judge(
    chosen: tuple[Chosen, ...], sets: SetRules, rows: Rows, pieces: Sequence[Piece],
    groups: Sequence[Sequence[LaterOffer]], rules: Rules,
) -> Choice:  # fmt: skip
    """Sets with the best that later stages can make of what they leave."""
    cells, begin, fixed = left_cells(chosen, sets, rows, pieces)
    later = best_later(groups, cells, begin, rules, LATER_EFFORT)
    return Choice(chosen, cells, begin, later, fixed)


def left_cells(
    chosen: Sequence[Chosen], sets: SetRules, rows: Rows, pieces: Sequence[Piece]
) -> tuple[tuple[Cell, ...], tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Cells and amounts for later stages, and (row, fen) that they may not touch."""
    left: dict[tuple[int, int], list[int]] = {}  # row, kind -> [fen, list fen]

    def put(row: int, kind: int, fen: int, list_fen: int) -> None:
        cell = left.setdefault((row, kind), [0, 0])
        cell[0] += fen
        cell[1] += list_fen

    for piece in pieces:
        kind = piece.kind if rows[piece.row].is_open else SHUT
        put(piece.row, kind, piece.amount_fen, piece.base_fen)
    for one in chosen:
        kind = kind_of(sets.promotions[one.offer])
        for slot in one.slots:
            for c, units in slot:
                piece = pieces[sets.pieces[c]]
                if kind > piece.kind:
                    fen, list_fen = units * one.times * piece.unit_fen, units * one.times * rows[piece.row].unit_fen
                    put(piece.row, piece.kind, -fen, -list_fen)
                    put(piece.row, kind, fen, list_fen)
        for c, fen in one.shares:
            piece = pieces[sets.pieces[c]]
            put(piece.row, max(kind, piece.kind), -fen * one.times, 0)
    open_cells = sorted(key for key in left if key[1] != SHUT)
    cells = tuple(Cell(row, kind, left[row, kind][1]) for row, kind in open_cells)
    fixed = tuple((row, left[row, kind][0]) for row, kind in sorted(left) if kind == SHUT)
    return cells, tuple(left[key][0] for key in open_cells), fixed


# ------------------------------------------------------------------ the search


def choose(
    rows: Rows,
    pieces: Sequence[Piece],
    sets: SetRules,
    groups: Sequence[Sequence[LaterOffer]],
    rules: Rules,
    effort: int,
) -> Choice:
    """The choice with the lowest amount after stage 4, and the bound that no choice goes below."""
    search = _Search(rows, pieces, sets, groups, rules, effort)
    return search.run()


def choose_by_priority(
    rows: Rows, pieces: Sequence[Piece], sets: SetRules, later: Sequence[LaterOffer], rules: Rules, effort: int
) -> Choice:
    """The order the chain set: each promotion takes the best it can from what is left; nothing is to be proved."""
    left = list(sets.classes)
    chosen: list[Chosen] = []
    numbers = range(len(sets.offers))
    for n in sorted(numbers, key=lambda n: (sets.promotions[n].priority, sets.promotions[n].id)):
        found = best_sets(tuple(left), (sets.offers[n],), (1,) * len(left), (), rules.rounding, effort)
        for one in found.chosen:
            chosen.append(one._replace(offer=n))
            for slot in one.slots:
                for c, units in slot:
                    left[c] = left[c]._replace(count=left[c].count - units * one.times)
    cells, begin, fixed = left_cells(chosen, sets, rows, pieces)
    choice = Choice(tuple(chosen), cells, begin, later_by_priority(later, cells, begin, rules), fixed)
    return choice._replace(bound_fen=choice.total_fen)


class _Search:
    """One basket's search: the best choice so far, the effort left, and what is known before any sets are taken."""

    def __init__(
        self, rows: Rows, pieces: Sequence[Piece], sets: SetRules, groups: Sequence[Sequence[LaterOffer]],
        rules: Rules, effort: int,
    ) -> None:  # fmt: skip
        self.rows, self.pieces, self.sets, self.groups, self.rules = rows, pieces, sets, groups, rules
        self.effort = effort
        self.best = judge((), sets, rows, pieces, groups, rules)
        self.is_whole = self.best.later.is_whole
        self.cells, self.begin = self.best.cells, self.best.begin
        self.fixed_fen = sum(fen for _, fen in self.best.fixed)

    def run(self) -> Choice:
        if not self.sets.offers:
            return self._ended(self.best.total_fen)
        first = best_sets(
            self.sets.classes, self.sets.offers, (1,) * len(self.sets.classes), (), self.rules.rounding, self.effort
        )
        self.effort = max(0, self.effort - first.steps)
        self._meet(first.chosen)
        if not self.groups:
            return self._ended(sum(self.begin) + self.fixed_fen - first.bound)
        plans = [_Linear(plan, self) for plan in plans_of(self.groups, self._left(first.bound))]
        plans.sort(key=lambda plan: (plan.total_fen(plan.most(first.bound)), plan.plan.coupons))
        return self._ended(min(self._search_plan(plan, first.bound) for plan in plans))

    def _search_plan(self, plan: "_Linear", saving_max_fen: int) -> int:
        """Search for sets that make a plan better than the best so far; the plan's lower bound afterwards."""
        bound_fen = plan.total_fen(plan.most(saving_max_fen))
        if not plan.is_reachable or bound_fen >= self.best.total_fen:
            return max(bound_fen, self.best.total_fen)

        def accept(chosen: tuple[Chosen, ...]) -> int:
            self._meet(chosen)
            return plan.wanted(self.best.total_fen)

        wanted = plan.wanted(self.best.total_fen)
        sets, effort = self.sets, self.effort
        found = best_sets(sets.classes, sets.offers, plan.weights, plan.caps, self.rules.rounding, effort, wanted, accept)
        self.effort = max(0, self.effort - found.steps)
        return max(bound_fen, plan.total_fen(found.bound))

    def _meet(self, chosen: tuple[Chosen, ...]) -> None:
        choice = judge(chosen, self.sets, self.rows, self.pieces, self.groups, self.rules)
        self.is_whole = self.is_whole and choice.later.is_whole
        if choice.key < self.best.key:
            self.best = choice

    def _ended(self, bound_fen: int) -> Choice:
        """Where later stages were not tried to their end nothing is proved of them."""
        best = self.best
        return best._replace(bound_fen=min(bound_fen, best.total_fen) if self.is_whole else self.fixed_fen)

    def _left(self, saving_max_fen: int) -> Left:
        """Rows as the sets find them."""
        amounts, lists = [0] * len(self.rows), [0] * len(self.rows)
        for cell, fen in zip(self.cells, self.begin, strict=True):
            amounts[cell.row] += fen
            lists[cell.row] += cell.list_fen
        return Left(amounts, lists, saving_max_fen, any(_may_empty(offer, self.sets.classes) for offer in self.sets.offers))


def _may_empty(offer: SetOffer, classes: Sequence[UnitClass]) -> bool:
    """Whether an application may leave a line with next to nothing: it takes off all, or nearly all, that its units cost."""
    shape = offer.shape
    cheapest_fen = sum(
        slot.units * min(classes[c].price_fen for c in members) for slot, members in zip(shape.slots, offer.slots, strict=True)
    )
    if shape.price_fen is not None:
        return shape.price_fen < 100
    if shape.amount_fen is not None:
        return shape.amount_fen > cheapest_fen - 100
    return cheapest_fen < 300 or shape.cheapest >= shape.slots[0].units


class _Linear:
    """A plan over the classes of the sets, in whole numbers of 1/scale fen: weights, caps, and what is left without any sets.

    `slack` covers the roundings: each percentage of a line may take up to a fen more than its linear part.
    """

    def __init__(self, plan: Plan, search: _Search) -> None:
        self.plan = plan
        percents = plan.percents + plan.spend_percents
        self.scale: int = 100 ** len(percents)
        amounts = [0] * len(search.rows)
        for cell, fen in zip(search.cells, search.begin, strict=True):
            amounts[cell.row] += fen
        factors = [self._factor(n, percents) for n in range(len(amounts))]
        halves = [self._factor(n, plan.percents) for n in range(len(amounts))]
        roundings = sum(1 for rows, _ in plan.percents for cell in search.cells if rows >> cell.row & 1)
        self.slack: int = (roundings + len(plan.spend_percents)) * self.scale
        self.start: int = sum(factor * fen for factor, fen in zip(factors, amounts, strict=True))
        self.start += self.scale * (search.fixed_fen - plan.fixed_fen)
        self.floor_fen: int = search.fixed_fen
        of_class = [search.pieces[piece].row for piece in search.sets.pieces]
        self.weights = tuple(factors[row] for row in of_class)
        self.caps = tuple(
            self._cap(threshold, halves if threshold.is_after else [self.scale] * len(amounts), amounts, of_class)
            for threshold in plan.thresholds
        )
        self.is_reachable = all(cap.cap >= 0 for cap in self.caps)

    def _factor(self, row: int, percents: Sequence[tuple[int, int]]) -> int:
        factor = self.scale
        for rows, percent in percents:
            if rows >> row & 1:
                factor = factor * (100 - percent) // 100
        return factor

    def _cap(self, threshold: Threshold, factors: Sequence[int], amounts: Sequence[int], of_class: Sequence[int]) -> Cap:
        """What sets may take off the rows of a threshold before it is missed."""
        inside = [factor if threshold.rows >> row & 1 else 0 for row, factor in enumerate(factors)]
        left = sum(factor * fen for factor, fen in zip(inside, amounts, strict=True))
        return Cap(tuple(inside[row] for row in of_class), left - threshold.need_fen * self.scale + self.slack)

    def most(self, saving_max_fen: int) -> int:
        """No sets that save so much at most have a larger value."""
        return saving_max_fen * self.scale

    def total_fen(self, value: int) -> int:
        """The lower bound on the total when no sets have a larger value."""
        return max(self.floor_fen, -(-(self.start - value - self.slack) // self.scale))

    def wanted(self, total_fen: int) -> int:
        """The value that sets must exceed to end below a total."""
        return self.start - self.slack - total_fen * self.scale
