"""The lowest legal price: sets of stage 1 and choices of stages 2 to 4 together, with the proof or the gap.

The sets that save most are tried first. Where a later stage could gain more than they lose (a tier that is missed, W36), each
plan of the later stages is searched for better sets; every set of sets that is met is judged by the real later stages.
"""

from collections.abc import Sequence

from pos_app.domain.pricing.best_few import best_few
from pos_app.domain.pricing.choice import Choice
from pos_app.domain.pricing.few_sets import Way, counted, every_way
from pos_app.domain.pricing.later_search import best_later, best_later_within, live
from pos_app.domain.pricing.later_stages import Later, LaterOffer, Rules, later_by_priority
from pos_app.domain.pricing.linear import Linear
from pos_app.domain.pricing.parts import Part, parts_of, put_together
from pos_app.domain.pricing.plans import Left, Plan, combined, options_of, relaxed
from pos_app.domain.pricing.remembered import Memory, Solved, key_of, moved
from pos_app.domain.pricing.rows import Rows, share_of
from pos_app.domain.pricing.set_alone import best_alone
from pos_app.domain.pricing.set_search import Accept, Cap, Chosen, SetOffer, Sets, UnitClass, best_sets
from pos_app.domain.pricing.set_stage import SetRules, cells_of, left_cells
from pos_app.domain.pricing.shelf_stage import Piece, kind_of

LATER_EFFORT = 3_000
PARTS_OF_EFFORT = 8  # a search gives half of its effort to a part of it: one that used less than an eighth missed nothing
FEW_WAYS, WAYS_MAX = 48, 1_000  # so many choices of sets are all tried: at once, or when a search has proved nothing
FEW_LOOKS, LOOKS_MAX = 24, 4_000  # out of so many applications
NOTHING_LATER = Later((), ())


def choose(
    rows: Rows,
    pieces: Sequence[Piece],
    sets: SetRules,
    groups: Sequence[Sequence[LaterOffer]],
    rules: Rules,
    effort: int,
    memory: Memory | None = None,
) -> Choice:
    """The choice with the lowest amount after stage 4, and the bound that no choice goes below."""
    parts, plain = parts_of(rows, pieces, sets, groups)
    found: list[Choice] = []
    for part in parts:
        choice, used = _solve(part, rows, rules, effort, memory)
        found.append(choice._replace(chosen=tuple([part.in_basket(one) for one in choice.chosen])))
        effort -= used
    of_sets = [one for part, choice in zip(parts, found, strict=True) if not part.groups for one in choice.chosen]
    cells, begin, fixed = cells_of(of_sets, sets, rows, pieces, plain)
    return put_together(Choice((), cells, begin, Later(begin, ()), fixed, sum(begin) + sum([fen for _, fen in fixed])), found)


def _solve(part: Part, rows: Rows, rules: Rules, effort: int, memory: Memory | None) -> tuple[Choice, int]:
    """The choice of a part and the effort it took, out of what is remembered where that holds."""
    if memory is None:
        search = _search(part, rows, rules, effort)
        return search.run(), effort - search.effort
    key = key_of(part)
    solved = memory.solved(key, part, rows, effort)
    if solved:
        solved = solved._replace(pieces=part.pieces, rows=rows, choice=moved(solved, part))
    else:
        search = _search(part, rows, rules, effort)
        choice, used = search.run(), effort - search.effort
        solved = Solved(part.pieces, rows, choice, effort, max(search.ways_effort, PARTS_OF_EFFORT * used + 1), used)
    memory.parts[key] = solved
    return solved.choice, solved.used


def _search(part: Part, rows: Rows, rules: Rules, effort: int) -> "_SetSearch":
    return (_Search if part.groups else _SetSearch)(rows, part.pieces, part.sets, part.groups, rules, effort)


def choose_by_priority(
    rows: Rows, pieces: Sequence[Piece], sets: SetRules, later: Sequence[LaterOffer], rules: Rules, effort: int
) -> Choice:
    """The order the chain set: each promotion takes the best it can from what is left; nothing is to be proved."""
    left = list(sets.classes)
    chosen: list[Chosen] = []
    numbers = range(len(sets.offers))
    for n in sorted(numbers, key=lambda n: (sets.promotions[n].priority, sets.promotions[n].id)):
        found = best_sets(
            tuple(left),
            (sets.offers[n],),
            (1,) * len(left),
            (),
            rules.rounding,
            effort,
            share=share_of(rules.leftover),
        )
        for one in found.chosen:
            chosen.append(one._replace(offer=n))
            for slot in one.slots:
                for c, units in slot:
                    left[c] = left[c]._replace(count=left[c].count - units * one.times)
    cells, begin, fixed = left_cells(chosen, sets, rows, pieces)
    choice = Choice(tuple(chosen), cells, begin, later_by_priority(later, cells, begin, rules), fixed)
    return choice._replace(bound_fen=choice.total_fen)


class _SetSearch:
    """The sets that save most, where no later stage looks at their lines; and what every search needs."""

    def __init__(
        self, rows: Rows, pieces: Sequence[Piece], sets: SetRules, groups: Sequence[Sequence[LaterOffer]],
        rules: Rules, effort: int,
    ) -> None:  # fmt: skip
        self.rows, self.pieces, self.sets, self.groups, self.rules = rows, pieces, sets, groups, rules
        self.effort = self._first_effort = effort
        self.ways_effort = 0  # with less than so much fewer ways would be met
        self._share = share_of(rules.leftover)

    def run(self) -> Choice:
        """The sets alone: `bound_fen` is what might still be saved, below zero. Cells are laid for all such parts together."""
        best = self._best_few(3 * FEW_WAYS, 3 * FEW_LOOKS) if len(self.sets.offers) > 1 else self._best_alone()
        if best is not None:
            return self._choice(best, 0)
        found = self._best_sets((1,) * len(self.sets.classes), (), None, None)
        return self._choice(found.chosen, found.bound - found.value)

    def _best_alone(self) -> tuple[Chosen, ...] | None:
        """The sets of an offer that nothing else touches, at the price of a step."""
        if self.effort < 1:
            return None
        found = best_alone(self.sets.classes, self.sets.offers[0], self.rules.rounding, self._share)
        self.effort -= found is not None
        return found

    def _choice(self, chosen: tuple[Chosen, ...], gap_fen: int) -> Choice:
        return Choice(chosen, (), (), NOTHING_LATER, (), -gap_fen)

    def _set_ids(self, chosen: tuple[Chosen, ...]) -> list[str]:
        return sorted([self.sets.promotions[one.offer].id for one in chosen for _ in range(one.times)])

    def _best_few(self, ends_max: int, looks_max: int) -> tuple[Chosen, ...] | None:
        """The best choice of sets, where there are so few."""
        ends_max = self._ways_max(ends_max)
        best = best_few(self.sets.classes, self.sets.offers, self.rules.rounding, self._share, ends_max, looks_max)
        self.effort -= ends_max if best is None else best.looked_at
        return best.chosen if best else None

    def _ways_max(self, wanted: int) -> int:
        """How many ways may be looked at, which is noted."""
        self.ways_effort = max(self.ways_effort, self._first_effort - self.effort + wanted)
        return min(wanted, self.effort)

    def _every_way(self, ways_max: int, looks_max: int) -> list[Way] | None:
        """All choices of sets, where there are so few."""
        ways_max = self._ways_max(ways_max)
        kinds = [kind_of(promotion) for promotion in self.sets.promotions]
        ways = every_way(self.sets.classes, self.sets.offers, kinds, self.rules.rounding, self._share, ways_max, looks_max)
        self.effort -= ways_max if ways is None else len(ways)
        return ways

    def _best_sets(self, weights: Sequence[int], caps: Sequence[Cap], wanted: int | None, accept: Accept | None) -> Sets:
        found = best_sets(
            self.sets.classes, self.sets.offers, weights, caps, self.rules.rounding, self.effort, wanted, accept,
            self._share,
        )  # fmt: skip
        self.effort = max(0, self.effort - found.steps)
        return found


class _Search(_SetSearch):
    """The same where later stages look on: the best choice so far, and what is known before any sets are taken."""

    def __init__(
        self, rows: Rows, pieces: Sequence[Piece], sets: SetRules, groups: Sequence[Sequence[LaterOffer]],
        rules: Rules, effort: int,
    ) -> None:  # fmt: skip
        super().__init__(rows, pieces, sets, groups, rules, effort)
        self.cells, self.begin, fixed = left_cells((), sets, rows, pieces)
        self.live = live(groups, self.cells, self.begin, rules)
        self.best = Choice((), self.cells, self.begin, best_later(self.live, self.cells, self.begin, rules, LATER_EFFORT), fixed)
        self.is_whole = self.best.later.is_whole
        self.fixed_fen = sum(fen for _, fen in self.best.fixed)
        self.bounds: dict[Plan, int] = {}

    def run(self) -> Choice:
        if not self.sets.offers:
            return self._ended(self.best.total_fen)
        if self._has_met_every_way(FEW_WAYS, FEW_LOOKS):
            return self._ended(self.best.total_fen)
        first = self._best_sets((1,) * len(self.sets.classes), (), None, None)
        self._meet(first.chosen)
        bound_fen = self._search_plans(options_of(self.groups, self._left(first.bound)), first.bound)
        if bound_fen < self.best.total_fen and self._has_met_every_way(WAYS_MAX, LOOKS_MAX):
            bound_fen = self.best.total_fen
        return self._ended(bound_fen)

    def _has_met_every_way(self, ways_max: int, looks_max: int) -> bool:
        """Whether there are so few choices of sets that all were met."""
        if not self.live:
            best = self._best_few(ways_max, looks_max)
            if best:
                self._meet(best)
            return best is not None
        ways = self._every_way(ways_max, looks_max)
        for way in ways or ():
            if way:  # the choice of none is the first that was met
                self._meet(counted(way))
        return ways is not None

    def _search_plans(self, options: list[list[Plan]], saving_max_fen: int) -> int:
        """Search what promises most, then drop what cannot win, then all that is left; the lower bound on every choice."""
        self._search_plan(combined([[max(group, key=_promise)] for group in options])[0], saving_max_fen)
        options = self._promising(options, saving_max_fen)
        if not all(options):  # whatever is done in some group, it loses to the best choice
            return self.best.total_fen
        plans = sorted(combined(options), key=lambda plan: (self._bound_fen(plan, saving_max_fen), plan.coupons))
        return min(self._search_plan(plan, saving_max_fen) for plan in plans)

    def _promising(self, options: list[list[Plan]], saving_max_fen: int) -> list[list[Plan]]:
        """Without the options of a group that lose to the best choice even if every other group reaches all it could."""
        kept = list(options)
        for n, group in enumerate(options):
            if len(group) > 1 and all(kept):
                others = combined([[relaxed(other)] for m, other in enumerate(kept) if m != n])[0]
                kept[n] = [plan for plan in group if self._may_win(others.joined(plan), saving_max_fen)]
        return kept

    def _may_win(self, plan: Plan, saving_max_fen: int) -> bool:
        return self._search_plan(plan, saving_max_fen) < self._below_fen(plan)

    def _below_fen(self, plan: Plan) -> int:
        """Where a plan has to end below: with fewer coupons the total of the best choice will do."""
        return self.best.total_fen + (plan.coupons < self.best.later.coupons)

    def _bound_fen(self, plan: Plan, saving_max_fen: int) -> int:
        """What is known of a plan: no choice that keeps to it ends lower."""
        if plan not in self.bounds:
            linear = self._linear(plan)
            self.bounds[plan] = linear.total_fen(linear.most(saving_max_fen)) if linear.is_reachable else self.best.total_fen
        return self.bounds[plan]

    def _search_plan(self, plan: Plan, saving_max_fen: int) -> int:
        """Search for sets that make a plan better than the best so far; the plan's lower bound afterwards."""
        bound_fen, linear = self._bound_fen(plan, saving_max_fen), self._linear(plan)
        is_first = not linear.caps and linear.scale == 1  # the sets that save most: they are known
        if bound_fen >= self._below_fen(plan) or self.effort <= 0 or is_first:
            return bound_fen

        def accept(chosen: tuple[Chosen, ...]) -> int:
            self._meet(chosen)
            return linear.wanted(self._below_fen(plan))

        wanted = linear.wanted(self._below_fen(plan))
        found = self._best_sets(linear.weights, linear.caps, wanted, None if linear.is_exact else accept)
        self._meet(found.chosen)
        self.bounds[plan] = max(bound_fen, linear.total_fen(found.bound))
        return self.bounds[plan]

    def _linear(self, plan: Plan) -> Linear:
        return Linear(plan, self.cells, self.begin, self.fixed_fen, self.pieces, self.sets, self.rules.rounding)

    def _meet(self, chosen: tuple[Chosen, ...]) -> None:
        """Judge some sets, unless no later stage makes them as good as the best so far."""
        cells, begin, fixed = left_cells(chosen, self.sets, self.rows, self.pieces)
        most_fen = self.best.total_fen - sum(fen for _, fen in fixed)
        later = best_later_within(self.live, cells, begin, self.rules, LATER_EFFORT, most_fen)
        if later is None:
            return
        choice = Choice(chosen, cells, begin, later, fixed)
        self.is_whole = self.is_whole and choice.later.is_whole
        if (choice.key, self._ids(choice)) < (self.best.key, self._ids(self.best)):
            self.best = choice

    def _ids(self, choice: Choice) -> list[str]:
        return sorted([*self._set_ids(choice.chosen), *(step.offer.promotion.id for step in choice.later.steps)])

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
        may_empty = any(_may_empty(offer, self.sets.classes) for offer in self.sets.offers)
        return Left(amounts, lists, saving_max_fen, may_empty or any(kind_of(promotion) for promotion in self.sets.promotions))


def _promise(plan: Plan) -> tuple[int, int]:
    """Which option of a group promises most."""
    return plan.fixed_fen, len(plan.percents) + len(plan.spend_percents)


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
