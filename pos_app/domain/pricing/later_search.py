"""The best legal choice of stages 2 to 4 on what the sets left: every choice, but for those that cannot beat the best one known.

What the promotions still ahead could take off at most, each by itself on what is left now, bounds a choice from below: savings
never grow when less is left. 230.00 with 满100减20, 满200减50 and a coupon of 20.00 cannot end below 160.00.
"""

from collections.abc import Iterable, Sequence

from pos_app.domain.pricing.later_stages import (
    DEFAULT_GROUP,
    Cell,
    Later,
    LaterOffer,
    Rules,
    Step,
    after,
    apply_offer,
    picked,
    reached,
    stage_order,
)
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers
from pos_app.domain.pricing.model import COUPON, GROUP, ON_LIST, SPEND

STAGES = (GROUP, SPEND, COUPON)
Amounts = Sequence[int]
Rank = tuple[int, list[str]]  # applications and their promotions


def best_later(
    groups: Sequence[Sequence[LaterOffer]], cells: Sequence[Cell], amounts: Amounts, rules: Rules, effort: int
) -> Later:
    """The best legal choice of stages 2 to 4, each group by itself; at most `effort` steps a group."""
    return best_later_within(groups, cells, amounts, rules, effort, sum(amounts)) or Later(tuple(amounts), ())


def best_later_within(
    groups: Sequence[Sequence[LaterOffer]], cells: Sequence[Cell], amounts: Amounts, rules: Rules, effort: int, most_fen: int
) -> Later | None:
    """The same, or None when no choice leaves `most_fen` or less: that is seen long before all are tried."""
    searches = [_Search(group, cells, rules, effort) for group in groups]
    savings = [search.most_fen(amounts) for search in searches]
    steps: list[Step] = []
    left, is_whole = amounts, True
    for n, search in enumerate(searches):
        best = search.run(left, most_fen + sum(savings[n + 1 :]))
        if best is None:
            return None
        left, is_whole = best.amounts, is_whole and best.is_whole
        steps += best.steps
    if is_whole and sum(left) > most_fen:
        return None
    return Later(tuple(left), tuple(sorted(steps, key=stage_order)), is_whole)


def live(
    groups: Sequence[Sequence[LaterOffer]], cells: Sequence[Cell], amounts: Amounts, rules: Rules
) -> list[Sequence[LaterOffer]]:
    """The groups that can take off anything; one that cannot now will not when sets have left less."""
    return [group for group in groups if any(_Ahead(offer, cells, rules).most_fen(amounts, amounts) for offer in group)]


class _Ahead:
    """A promotion that may still come, and the cells it can reach."""

    def __init__(self, offer: LaterOffer, cells: Sequence[Cell], rules: Rules) -> None:
        self.offer, self.promotion, self.rules = offer, offer.promotion, rules
        self.chain = self.percent_fen = 0
        self.asked: Amounts | None = None
        self.group = offer.promotion.group
        self.reach, self.cells = reached(offer, cells), cells
        is_list = self.promotion.threshold_on == ON_LIST
        self.list_fen = sum([cell.list_fen for cell in picked(cells, self.reach)]) if is_list else None

    def meets(self, other: "_Ahead", begin: Amounts) -> bool:
        """Whether it and another of its stage and group reach a row that has something left as the stage begins."""
        if self.group != other.group or not self.offer.rows & other.offer.rows:
            return False
        few, many = (self, other.offer.rows) if len(self.reach) < len(other.reach) else (other, self.offer.rows)
        return any(begin[n] and many >> few.cells[n].row & 1 for n in few.reach)

    def most_fen(self, begin: Amounts, amounts: Amounts) -> int:
        """The most it can take off, now or when less is left; `begin` is what its stage began with, or more."""
        rule, rounding = self.promotion.rule, self.rules.rounding
        left = picked(amounts, self.reach)
        left_fen = sum(left)
        begin_fen = left_fen if begin is amounts else sum(picked(begin, self.reach))
        measured_fen = begin_fen if self.list_fen is None else self.list_fen
        if not left_fen or measured_fen < self.promotion.min_spend_fen:
            return 0
        if self.offer.stage == GROUP:
            if self.asked is not amounts:  # one after the other of the same amounts, cell by cell
                self.asked, self.percent_fen = amounts, sum([rule.saving_fen(fen, rounding) for fen in left])
            saving_fen = self.percent_fen
        elif isinstance(rule, SpendSaveTiers):
            saving_fen = _best_tier_fen(rule, measured_fen, begin_fen, rounding)
        else:
            saving_fen = rule.saving_fen(left_fen, rounding)
        budget_fen = self.offer.budget_fen
        return int(min(saving_fen, left_fen) if budget_fen is None else min(saving_fen, left_fen, budget_fen))


def _best_tier_fen(rule: SpendSaveTiers, measured_fen: int, begin_fen: int, rounding: str) -> int:
    """The largest saving of any tier that is reached: when less is left a lower tier counts, which may save more."""
    tiers = [rule._replace(tiers=(tier,)) for tier in rule.tiers if tier.spend_fen <= measured_fen]
    return max((tier.saving(measured_fen, begin_fen, rounding).saving_fen for tier in tiers), default=0)


def _chain(offers: Sequence[_Ahead]) -> None:
    """Number the offers so that of those with one number only one can count.

    That is so in one group when all that one reaches is reached by the other: they share a line, or the smaller takes nothing.
    """
    chains: list[_Ahead] = []  # the smallest of each so far
    for one in sorted(offers, key=lambda one: -one.offer.rows.bit_count()):
        is_alone = one.offer.stage == COUPON and one.group == DEFAULT_GROUP
        for n, last in enumerate(chains):
            is_within = last.offer.rows & one.offer.rows == one.offer.rows
            if not is_alone and is_within and (last.offer.stage, last.group) == (one.offer.stage, one.group):
                one.chain, chains[n] = n, one
                break
        else:
            one.chain = len(chains)
            chains.append(one)


def _most_fen(offers: Iterable[_Ahead], begin: Amounts, amounts: Amounts) -> int:
    """The most that all of them together can take off."""
    most: dict[int, int] = {}
    for one in offers:
        fen = one.most_fen(begin, amounts)
        if fen > most.get(one.chain, 0):
            most[one.chain] = fen
    return sum(most.values())


class _Search:
    """One group of promotions that meet on some line."""

    def __init__(self, offers: Iterable[LaterOffer], cells: Sequence[Cell], rules: Rules, effort: int) -> None:
        self.cells, self.rules, self.effort = cells, rules, effort
        ahead = [_Ahead(offer, cells, rules) for offer in offers]
        _chain(ahead)
        self.ahead = ahead
        self.stages = [[one for one in ahead if one.offer.stage == stage] for stage in STAGES]
        self.best: Later | None = None
        self.rank = (0, 0, 0)  # of the best: amount, coupons, applications
        self.seen: dict[tuple[int, Amounts], Rank] = {}

    def most_fen(self, amounts: Amounts) -> int:
        """The most that this group can take off."""
        return _most_fen(self.ahead, amounts, amounts)

    def run(self, amounts: Amounts, most_fen: int) -> Later | None:
        """The best choice that leaves `most_fen` or less, or None; the best of those that were tried when the effort ends."""
        self.rank = most_fen, len(self.ahead), len(self.ahead)
        self._begin(0, tuple(amounts), ())
        if self.effort <= 0:
            return (self.best or Later(tuple(amounts), ()))._replace(is_whole=False)
        return self.best

    def _begin(self, stage: int, begin: Amounts, steps: tuple[Step, ...]) -> None:
        """A stage on what the last one left; the same amounts are gone on with once, by the fewest applications."""
        rank = len(steps), sorted(step.offer.promotion.id for step in steps)
        while stage < len(STAGES) - 1 and not self.stages[stage]:
            stage += 1
        known = self.seen.get((stage, begin))
        if known is not None and known <= rank:
            return
        self.seen[stage, begin] = rank
        if stage == len(STAGES) - 1:
            self._order(self.stages[stage], begin, begin, steps, (), {})
        else:
            self._choose(stage, 0, begin, begin, steps, ())

    def _choose(
        self, stage: int, n: int, begin: Amounts, amounts: Amounts, steps: tuple[Step, ...], taken: tuple[_Ahead, ...]
    ) -> None:
        """Promotion n of a stage with and without, in order of id; `taken` are those of the stage that applied."""
        offers = self.stages[stage]
        if n == len(offers):
            self._begin(stage + 1, tuple(amounts), steps)
            return
        if self._is_hopeless(offers[n:], stage, begin, amounts, steps):
            return
        one = offers[n]
        if not any(one.meets(other, begin) for other in taken):
            step = apply_offer(one.offer, self.cells, one.reach, begin, amounts, self.rules)
            if step is not None:
                self._choose(stage, n + 1, begin, after(step, amounts), (*steps, step), (*taken, one))
        self._choose(stage, n + 1, begin, amounts, steps, taken)

    def _order(
        self, rest: Sequence[_Ahead], begin: Amounts, amounts: Amounts, steps: tuple[Step, ...], taken: tuple[_Ahead, ...],
        seen: dict[tuple[frozenset[str], Amounts], bool],
    ) -> None:  # fmt: skip
        """Coupons in every order; the same ones that left the same are gone on with once."""
        self._judge(amounts, steps)
        if not rest and not taken:
            self.effort -= 1
            return
        key = frozenset(one.promotion.id for one in taken), tuple(amounts)
        if key in seen or self._is_hopeless(rest, len(STAGES) - 1, begin, amounts, steps):
            return
        seen[key] = True
        for n, one in enumerate(rest):
            if one.group != DEFAULT_GROUP and any(one.meets(other, begin) for other in taken):
                continue
            step = apply_offer(one.offer, self.cells, one.reach, begin, amounts, self.rules)
            if step is not None:
                others = [*rest[:n], *rest[n + 1 :]]
                self._order(others, begin, after(step, amounts), (*steps, step), (*taken, one), seen)

    def _is_hopeless(self, rest: Sequence[_Ahead], stage: int, begin: Amounts, amounts: Amounts, steps: tuple[Step, ...]) -> bool:
        """Whether nothing that may still come makes this choice the best; also when the effort is spent."""
        self.effort -= 1
        if self.effort <= 0:
            return True
        most_fen = _most_fen(rest, begin, amounts)
        for later in self.stages[stage + 1 :]:
            most_fen += _most_fen(later, amounts, amounts)
        coupons = sum([step.offer.stage == COUPON for step in steps])
        return (sum(amounts) - most_fen, coupons, len(steps)) > self.rank

    def _judge(self, amounts: Amounts, steps: tuple[Step, ...]) -> None:
        """Keep a choice that is better than the best one so far; promotion ids decide last."""
        choice = Later(tuple(amounts), steps)
        rank = choice.key[:3]
        if rank < self.rank or (rank == self.rank and (self.best is None or choice.key < self.best.key)):
            self.best, self.rank = choice, rank
