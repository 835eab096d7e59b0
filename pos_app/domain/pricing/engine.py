"""`price(...)`: pure, whole fen, the same bytes for every order of the same input.

Stages run in one order: shelf price, item sets, member and group, spend-and-save, coupons, points, points earned, gifts, events.
The rules are in docs/pricing.md; each stage has its module, each mechanic its own in `mechanics`.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pos_app.domain.basket import Basket, Line
from pos_app.domain.pricing import after_stages, reasons
from pos_app.domain.pricing.choice import Choice
from pos_app.domain.pricing.choose import choose, choose_by_priority
from pos_app.domain.pricing.conditions import Moment, moment_of, why_not
from pos_app.domain.pricing.later_stages import LaterOffer, Rules, is_on_everything, later_offers, split
from pos_app.domain.pricing.line_answers import LineAnswers
from pos_app.domain.pricing.model import (
    COUPON,
    EARN,
    EVENT,
    GIFT,
    GROUP,
    POINTS,
    PRIORITY,
    SETS,
    SHELF,
    SPEND,
    Applied,
    Customer,
    Package,
    Priced,
    Promotion,
    Refused,
    TaxShare,
    Used,
)
from pos_app.domain.pricing.remembered import Memory, Remembered
from pos_app.domain.pricing.rows import Book, Rows, book_of, canonical_rows
from pos_app.domain.pricing.scanned_gifts import with_scanned_gifts
from pos_app.domain.pricing.set_stage import SetRules, set_rules
from pos_app.domain.pricing.shelf_only import shelf_only, taxes_of
from pos_app.domain.pricing.shelf_stage import Piece, shelf_stage
from pos_app.domain.pricing.trace import trace_of

EFFORT = 20_000
NOTHING_USED: Mapping[str, Used] = MappingProxyType({})


def price(
    basket: Basket,
    customer: Customer,
    package: Package,
    now_ms: int,
    codes: frozenset[str] = frozenset(),
    effort: int = EFFORT,
    used: Mapping[str, Used] = NOTHING_USED,
) -> Priced:
    """What the basket costs this customer at a moment, under a package, with coupon codes and what was used before.

    `effort` bounds the search in steps, never in time. The sum of the lines' net is the total, and each tax share is
    computed on the sum of the net shares of its code: 2 x 3.50 at 13 % is 7.00 with 0.81 VAT inside.
    """
    return _price(basket, customer, package, now_ms, codes, effort, used, None, True)


def price_again(
    basket: Basket, customer: Customer, package: Package, now_ms: int, codes: frozenset[str], effort: int,
    used: Mapping[str, Used], last: Remembered, is_whole: bool = True,
) -> tuple[Priced, Remembered]:  # fmt: skip
    """The same price, byte for byte, with what the last one left of work done; and what this one leaves.

    Where it need not be whole, its lines and shares are made as they are asked for.
    """
    memory = Memory(last, package, customer.is_member)
    return _price(basket, customer, package, now_ms, codes, effort, used, memory, is_whole), memory.remembered()


def _price(
    basket: Basket, customer: Customer, package: Package, now_ms: int, codes: frozenset[str], effort: int,
    used: Mapping[str, Used], memory: Memory | None, is_whole: bool,
) -> Priced:  # fmt: skip
    if not package.promotions:
        return shelf_only(basket.lines, customer.is_member)
    book, moment = book_of(package), moment_of(now_ms, package)

    whole_rows = memory.rows_of(basket.lines) if memory else canonical_rows(basket.lines, customer.is_member)

    def price_of(some: Basket) -> Priced:
        rows = whole_rows if some is basket else canonical_rows(some.lines, customer.is_member, whole_rows)
        offers = _sorted_out(book, rows, moment, customer, codes, used)
        chosen = _best_variant(rows, offers, package, used, effort, memory)
        return _answer(some.lines, rows, offers, chosen, customer, package, codes, used, is_whole)

    return with_scanned_gifts(basket, whole_rows, price_of(basket), book, price_of)


# ------------------------------------------------------------------ which promotions may apply


class _Offers(NamedTuple):
    """The promotions whose conditions hold and whose goods are here, by stage and in order of id; and why the others not."""

    book: Book
    by_stage: dict[int, list[Promotion]]
    refused: list[Refused]

    def of(self, *stages: int) -> list[tuple[Promotion, int]]:
        return [(promotion, stage) for stage in stages for promotion in self.by_stage.get(stage, ())]


_Verdicts = list[Refused | None]
_judged: tuple[tuple[object, ...], _Verdicts] = ((), [])


def _verdicts(book: Book, moment: Moment, customer: Customer, codes: frozenset[str], used: Mapping[str, Used]) -> _Verdicts:
    """Per promotion why its conditions fail, or None. Kept while minute, shopper and codes are the same: scan after scan."""
    global _judged
    key = (book, moment, customer, codes, dict(used))
    if _judged[0] != key:
        _judged = key, [why_not(promotion, moment, customer, codes, used) for promotion in book.promotions]
    return _judged[1]


def _sorted_out(
    book: Book, rows: Rows, moment: Moment, customer: Customer, codes: frozenset[str], used: Mapping[str, Used]
) -> _Offers:
    touching, verdicts = book.touching(rows), _verdicts(book, moment, customer, codes, used)
    by_stage: dict[int, list[Promotion]] = {}
    for n in sorted(touching):
        if verdicts[n] is None:
            by_stage.setdefault(book.stages[n], []).append(book.promotions[n])
    refused = [failed or book.no_goods[n] for n, failed in enumerate(verdicts) if failed or n not in touching]
    return _Offers(book, by_stage, refused)


# ------------------------------------------------------------------ the choice


class _Chosen(NamedTuple):
    """A choice of stages 1 to 4 on the pieces of stage 0."""

    with_audience: bool
    pieces: Sequence[Piece]
    sets: SetRules
    later: list[LaterOffer]
    choice: Choice
    rules: Rules


def _best_variant(
    rows: Rows, offers: _Offers, package: Package, used: Mapping[str, Used], effort: int, memory: Memory | None
) -> _Chosen:
    """Audience prices all or none, whichever ends lower: so a member never pays more than a stranger."""
    shelf = offers.by_stage.get(SHELF, [])
    with_audience = shelf_stage(rows, shelf, used, package.rounding, True)
    best = _choose(True, with_audience, rows, offers, package, used, effort, memory)
    if package.policy == PRIORITY:
        return best
    if not rows.for_members and all(promotion.is_for_anyone for promotion in shelf):
        return best
    without = shelf_stage(rows, shelf, used, package.rounding, False)
    if without == with_audience:
        return best
    other = _choose(False, without, rows, offers, package, used, effort, memory)
    bound_fen = min(best.choice.bound_fen, other.choice.bound_fen)
    best = other if other.choice.total_fen < best.choice.total_fen else best
    return best._replace(choice=best.choice._replace(bound_fen=bound_fen))


def _choose(
    with_audience: bool, pieces: Sequence[Piece], rows: Rows, offers: _Offers, package: Package,
    used: Mapping[str, Used], effort: int, memory: Memory | None,
) -> _Chosen:  # fmt: skip
    rules = Rules(package.rounding, package.leftover)
    later = later_offers(rows, offers.of(GROUP, SPEND, COUPON), used)
    if not any(is_on_everything(offer, rows) for offer in later):  # many parts: every piece is looked at
        pieces = list(pieces)
    sets = set_rules(rows, pieces, offers.by_stage.get(SETS, []), offers.book.shapes, used)
    if package.policy == PRIORITY:
        choice = choose_by_priority(rows, pieces, sets, later, rules, effort)
    else:
        choice = choose(rows, pieces, sets, split(later), rules, effort, memory)
    return _Chosen(with_audience, pieces, sets, later, choice, rules)


# ------------------------------------------------------------------ the answer


def _answer(
    lines: Sequence[Line], rows: Rows, offers: _Offers, chosen: _Chosen, customer: Customer, package: Package,
    codes: frozenset[str], used: Mapping[str, Used], is_whole: bool,
) -> Priced:  # fmt: skip
    after_four = _row_amounts(rows, chosen.choice)
    points_offers = offers.by_stage.get(POINTS, [])
    redeemed = after_stages.redeem_points(rows, after_four, points_offers, customer.points, package.leftover, used)
    given = after_stages.give(rows, after_four, offers.of(GIFT, EVENT), customer)
    earning = after_stages.earning_rules(rows, redeemed.amounts, offers.by_stage.get(EARN, []))
    of_choice = trace_of(chosen.choice, chosen.sets, rows, chosen.pieces, is_whole)
    trace = (*of_choice, *redeemed.applied, *given.applied)
    answers = LineAnswers(
        lines, rows, chosen.pieces, chosen.with_audience, redeemed.amounts, chosen.choice,
        (one for one in of_choice if one.stage <= SETS), redeemed.applied,
    )  # fmt: skip
    list_fen, total_fen = rows.totals.list_fen, sum(redeemed.amounts)
    after_coupons_fen = sum(after_four)
    return Priced(
        lines=answers.every() if is_whole else answers.as_asked(),
        list_fen=list_fen,
        discount_fen=list_fen - total_fen,
        total_fen=total_fen,
        item_count=rows.totals.quantity,
        taxes=_tax_shares(rows, redeemed.amounts),
        proved=chosen.choice.bound_fen >= after_coupons_fen,
        gap_fen=after_coupons_fen - min(chosen.choice.bound_fen, after_coupons_fen),
        after_coupons_fen=after_coupons_fen,
        applied=trace,
        refused=_refused(rows, offers, chosen, trace, (*redeemed.refused, *given.refused)),
        gifts=given.gifts,
        rewards=given.rewards,
        raised=given.raised,
        stamps=given.stamps,
        coupons=_coupons(chosen.choice, codes),
        points_spent=redeemed.points,
        points_earned=after_stages.points_earned(rows, redeemed.amounts, earning),
    )


def _row_amounts(rows: Rows, choice: Choice) -> list[int]:
    """What is left of each row after stage 4."""
    if choice.is_cell_a_row:
        return list(choice.later.amounts)
    amounts = [0] * len(rows)
    for n, fen in zip(choice.rows, choice.later.amounts, strict=True):
        amounts[n] += fen
    for n, fen in choice.fixed:
        amounts[n] += fen
    return amounts


def _tax_shares(rows: Rows, amounts: Sequence[int]) -> tuple[TaxShare, ...]:
    return taxes_of({tax: sum([amounts[n] for n in numbers]) for tax, numbers in rows.by_tax.items()})


def _coupons(choice: Choice, codes: frozenset[str]) -> tuple[str, ...]:
    """The codes of the coupons that were used."""
    used = {step.offer.promotion.code for step in choice.later.steps if step.offer.stage == COUPON}
    return tuple(sorted(used & codes))


def _refused(
    rows: Rows, offers: _Offers, chosen: _Chosen, trace: Iterable[Applied], more: Iterable[Refused]
) -> tuple[Refused, ...]:
    applied = {one.promotion for one in trace}
    found = [
        *offers.refused,
        *reasons.shelf_reasons(offers.by_stage.get(SHELF, []), applied, rows, chosen.with_audience),
        *reasons.set_reasons(offers.by_stage.get(SETS, []), applied, chosen.sets, rows, chosen.pieces),
        *reasons.later_reasons(offers.of(GROUP, SPEND, COUPON), chosen.later, rows, chosen.choice, chosen.rules),
        *more,
    ]
    return tuple(sorted(found))
