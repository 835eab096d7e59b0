"""Stages 2 to 4 on what the sets left: which promotions, coupons in which order, so that least is due.

Promotions that can never meet on a line are separate questions (`split`); within one all legal choices are tried.
"""

from collections.abc import Mapping, Sequence
from operator import sub
from typing import NamedTuple, TypeVar

from pos_app.domain.pricing.by_row import ByRow, numbered
from pos_app.domain.pricing.conditions import NOT_USED, budget_left_fen
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers
from pos_app.domain.pricing.model import COUPON, GROUP, ON_LIST, SPEND, Promotion, Used
from pos_app.domain.pricing.rows import Rows, share
from pos_app.domain.pricing.shelf_stage import NO_SPEND

DEFAULT_GROUP = "basket"
ONE = ord("1")
T = TypeVar("T")


class Cell(NamedTuple):
    """A part of a line that later stages treat alike: its row, what may still be done with it, its list amount."""

    row: int
    kind: int
    list_fen: int


class LaterOffer(NamedTuple):
    """A promotion of stages 2 to 4 in this basket: the rows of its scope as a bit mask and as numbers, what its budget leaves."""

    promotion: Promotion
    stage: int
    rows: int
    reach: Sequence[int]
    budget_fen: int | None


class Step(NamedTuple):
    """One application: what its threshold was measured on, the tier and how often; the cells it touched, in ascending order,

    with what was in each before and the share taken off it.
    """

    offer: LaterOffer
    measured_fen: int
    tier: int
    times: int
    cells: Sequence[int]
    befores: Sequence[int]
    fens: Sequence[int]

    @property
    def saving_fen(self) -> int:
        return sum(self.fens)


class Later(NamedTuple):
    """A legal choice: what is left in every cell, the applications in order; `key` is the objective (smaller is better)."""

    amounts: tuple[int, ...]
    steps: tuple[Step, ...]
    is_whole: bool = True  # False: not every legal choice was tried

    @property
    def coupons(self) -> int:
        return sum([step.offer.stage == COUPON for step in self.steps])

    @property
    def key(self) -> tuple[int, int, int, tuple[str, ...]]:
        return sum(self.amounts), self.coupons, len(self.steps), tuple(sorted(s.offer.promotion.id for s in self.steps))


class Rules(NamedTuple):
    """The package's settings that this stage needs."""

    rounding: str
    leftover: str


def later_offers(rows: Rows, promotions: Sequence[tuple[Promotion, int]], used: Mapping[str, Used]) -> list[LaterOffer]:
    """The promotions of stages 2 to 4 that have a line here, in order of id."""
    found = []
    for promotion, stage in promotions:
        reach = rows.reach(promotion)
        if reach:
            budget_fen = budget_left_fen(promotion, used.get(promotion.id, NOT_USED))
            found.append(LaterOffer(promotion, stage, mask_of(reach), reach, budget_fen))
    return found


def is_on_everything(offer: LaterOffer, rows: Rows) -> bool:
    """Whether it is for every row that may be discounted."""
    return len(offer.reach) == len(rows) - len(rows.shut)


def mask_of(numbers: Sequence[int]) -> int:
    """A bit for each of some numbers, which are ascending and none twice."""
    if len(numbers) == numbers[-1] + 1:
        return (1 << len(numbers)) - 1
    bits = bytearray(b"0") * (numbers[-1] + 1)
    for n in numbers:
        bits[n] = ONE
    return int(bits[::-1], 2)


def split(offers: Sequence[LaterOffer]) -> list[list[LaterOffer]]:
    """Groups of offers that share rows, directly or through others."""
    groups: list[tuple[int, list[LaterOffer]]] = []
    for offer in offers:
        touched = [group for group in groups if group[0] & offer.rows]
        rest = [group for group in groups if not group[0] & offer.rows]
        mask, members = offer.rows, [offer]
        for other_mask, others in touched:
            mask, members = mask | other_mask, others + members
        groups = [*rest, (mask, members)]
    return [sorted(members, key=lambda o: (o.stage, o.promotion.id)) for _, members in groups]


def stage_order(step: Step) -> tuple[int, str]:
    """By stage, then id; coupons stay in the order they were taken off."""
    return step.offer.stage, "" if step.offer.stage == COUPON else step.offer.promotion.id


def _conflict(one: LaterOffer, other: LaterOffer, cells: Sequence[Cell], begin: Sequence[int]) -> bool:
    """Whether two promotions of one group would share a line that has something left."""
    shared = one.rows & other.rows
    if not shared or one.promotion.group != other.promotion.group:
        return False
    return any(amount and shared >> cell.row & 1 and not _is_shut(one, cell) for cell, amount in zip(cells, begin, strict=True))


def _coupons_conflict(one: LaterOffer, other: LaterOffer, cells: Sequence[Cell], begin: Sequence[int]) -> bool:
    return one.promotion.group != DEFAULT_GROUP and _conflict(one, other, cells, begin)


def _is_shut(offer: LaterOffer, cell: Cell) -> bool:
    return offer.stage == SPEND and cell.kind == NO_SPEND


def reached(offer: LaterOffer, cells: Sequence[Cell]) -> Sequence[int]:
    """Numbers of the cells that a promotion may touch, ascending."""
    found = named(offer, cells)
    shut = {n for n, cell in numbered(cells) if cell.kind == NO_SPEND} if offer.stage == SPEND else ()
    return [n for n in found if n not in shut] if shut else found


def named(offer: LaterOffer, cells: Sequence[Cell]) -> Sequence[int]:
    """Numbers of the cells of a promotion's rows, ascending."""
    if not cells:
        return ()
    if isinstance(cells, ByRow):
        return range(len(cells)) if len(offer.reach) == cells.row_count else cells.numbers(offer.reach)
    bits = f"{offer.rows:0{cells[-1].row + 1}b}"[::-1]
    if "0" not in bits:
        return range(len(cells))
    return [n for n, cell in enumerate(cells) if bits[cell.row] == "1"]


def picked(values: Sequence[T], numbers: Sequence[int]) -> Sequence[T]:
    """The values with these numbers, which are ascending: all of them, if there are as many."""
    return values if len(numbers) == len(values) else [values[n] for n in numbers]


def apply_offer(
    offer: LaterOffer, cells: Sequence[Cell], reach: Sequence[int], begin: Sequence[int], amounts: Sequence[int], rules: Rules
) -> Step | None:
    """The application of a promotion on what is left at its turn, its threshold measured at the stage's beginning.

    `reach` are the cells it may touch. None where it is not legal (threshold, budget) or changes nothing.
    """
    promotion = offer.promotion
    begin_fen = sum(picked(begin, reach))
    measured_fen = sum([cell.list_fen for cell in picked(cells, reach)]) if promotion.threshold_on == ON_LIST else begin_fen
    befores = picked(amounts, reach)
    if measured_fen < promotion.min_spend_fen or not any(befores):
        return None
    if not all(befores):
        reach, befores = [n for n in reach if amounts[n]], [fen for fen in befores if fen]
    tier, times, fens = _saving(offer, measured_fen, begin_fen, befores, rules)
    saving_fen = sum(fens)
    if saving_fen <= 0 or (offer.budget_fen is not None and saving_fen > offer.budget_fen):
        return None
    return Step(offer, measured_fen, tier, times, reach, befores, fens)


def _saving(
    offer: LaterOffer, measured_fen: int, begin_fen: int, befores: Sequence[int], rules: Rules
) -> tuple[int, int, Sequence[int]]:
    """(tier, times, fen per cell)."""
    rule, left_fen = offer.promotion.rule, sum(befores)
    if offer.stage == GROUP:
        return 0, 1, [rule.saving_fen(before, rules.rounding) for before in befores]
    if isinstance(rule, SpendSaveTiers):
        reached = rule.saving(measured_fen, begin_fen, rules.rounding)
        return reached.tier, max(1, reached.times), share(min(reached.saving_fen, left_fen), befores, rules.leftover)
    return 0, 1, share(rule.saving_fen(left_fen, rules.rounding), befores, rules.leftover)


def after(step: Step, amounts: Sequence[int]) -> Sequence[int]:
    """What is left when an application has been taken off."""
    if len(step.cells) == len(amounts):
        return list(map(sub, amounts, step.fens))
    left = list(amounts)
    for n, fen in zip(step.cells, step.fens, strict=True):
        left[n] -= fen
    return left


def later_by_priority(offers: Sequence[LaterOffer], cells: Sequence[Cell], amounts: Sequence[int], rules: Rules) -> Later:
    """The order the chain set: each promotion takes what it can, none is left out for another."""
    steps: list[Step] = []
    for stage in (GROUP, SPEND, COUPON):
        begin, taken = amounts, list[LaterOffer]()
        conflict = _coupons_conflict if stage == COUPON else _conflict
        for offer in sorted((o for o in offers if o.stage == stage), key=lambda o: (o.promotion.priority, o.promotion.id)):
            if any(conflict(offer, other, cells, begin) for other in taken):
                continue
            step = apply_offer(offer, cells, reached(offer, cells), begin, amounts, rules)
            if step is not None:
                steps.append(step)
                taken.append(offer)
                amounts = after(step, amounts)
    return Later(tuple(amounts), tuple(steps))
