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
from pos_app.domain.pricing.later_stages import LaterOffer, Rules, later_offers, split
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
    LineShare,
    Package,
    Priced,
    PricedLine,
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
BY_PROMOTION = "promotion"  # the source of a line that a promotion of stage 0 made cheaper


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
    return _price(basket, customer, package, now_ms, codes, effort, used, None)


def price_again(
    basket: Basket, customer: Customer, package: Package, now_ms: int, codes: frozenset[str], effort: int,
    used: Mapping[str, Used], last: Remembered,
) -> tuple[Priced, Remembered]:  # fmt: skip
    """The same price, byte for byte, with what the last one left of work done; and what this one leaves."""
    memory = Memory(last, package, customer.is_member)
    return _price(basket, customer, package, now_ms, codes, effort, used, memory), memory.remembered()


def _price(
    basket: Basket, customer: Customer, package: Package, now_ms: int, codes: frozenset[str], effort: int,
    used: Mapping[str, Used], memory: Memory | None,
) -> Priced:  # fmt: skip
    if not package.promotions:
        return shelf_only(basket.lines, customer.is_member)
    book, moment = book_of(package), moment_of(now_ms, package)

    def price_of(some: Basket) -> Priced:
        rows = canonical_rows(some.lines, customer.is_member, memory.known_rows if memory else ())
        if memory and some is basket:
            memory.rows = rows
        offers = _sorted_out(book, rows, moment, customer, codes, used)
        chosen = _best_variant(rows, offers, package, used, effort, memory)
        return _answer(some.lines, rows, offers, chosen, customer, package, codes, used)

    return with_scanned_gifts(basket, price_of(basket), book, price_of)


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
    pieces: list[Piece]
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
    if all(row.shelf == row.open_shelf for row in rows) and all(promotion.is_for_anyone for promotion in shelf):
        return best
    without = shelf_stage(rows, shelf, used, package.rounding, False)
    if without == with_audience:
        return best
    other = _choose(False, without, rows, offers, package, used, effort, memory)
    bound_fen = min(best.choice.bound_fen, other.choice.bound_fen)
    best = other if other.choice.total_fen < best.choice.total_fen else best
    return best._replace(choice=best.choice._replace(bound_fen=bound_fen))


def _choose(
    with_audience: bool, pieces: list[Piece], rows: Rows, offers: _Offers, package: Package,
    used: Mapping[str, Used], effort: int, memory: Memory | None,
) -> _Chosen:  # fmt: skip
    rules = Rules(package.rounding, package.leftover)
    sets = set_rules(rows, pieces, offers.by_stage.get(SETS, []), offers.book.shapes, used)
    later = later_offers(rows, offers.of(GROUP, SPEND, COUPON), used)
    if package.policy == PRIORITY:
        choice = choose_by_priority(rows, pieces, sets, later, rules, effort)
    else:
        choice = choose(rows, pieces, sets, split(later), rules, effort, memory)
    return _Chosen(with_audience, pieces, sets, later, choice, rules)


# ------------------------------------------------------------------ the answer


def _answer(
    lines: Sequence[Line], rows: Rows, offers: _Offers, chosen: _Chosen, customer: Customer, package: Package,
    codes: frozenset[str], used: Mapping[str, Used],
) -> Priced:  # fmt: skip
    after_four = _row_amounts(rows, chosen.choice)
    points_offers = offers.by_stage.get(POINTS, [])
    redeemed = after_stages.redeem_points(rows, after_four, points_offers, customer.points, package.leftover, used)
    given = after_stages.give(rows, after_four, offers.of(GIFT, EVENT), customer)
    earning = after_stages.earning_rules(rows, redeemed.amounts, offers.by_stage.get(EARN, []))
    trace = (*trace_of(chosen.choice, chosen.sets, rows, chosen.pieces), *redeemed.applied, *given.applied)
    priced_lines = _lines(lines, rows, chosen, redeemed.amounts, trace)
    list_fen, total_fen = sum([line.list_fen for line in priced_lines]), sum(redeemed.amounts)
    after_coupons_fen = sum(after_four)
    return Priced(
        lines=priced_lines,
        list_fen=list_fen,
        discount_fen=list_fen - total_fen,
        total_fen=total_fen,
        item_count=sum([line.quantity for line in lines]),
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
    amounts = [0] * len(rows)
    for cell, fen in zip(choice.cells, choice.later.amounts, strict=True):
        amounts[cell.row] += fen
    for n, fen in choice.fixed:
        amounts[n] += fen
    return amounts


def _lines(
    lines: Sequence[Line], rows: Rows, chosen: _Chosen, amounts: Sequence[int], trace: Iterable[Applied]
) -> tuple[PricedLine, ...]:
    """In the order of the basket."""
    shares = _line_shares(trace)
    units = {piece.row: piece.unit_fen for piece in chosen.pieces}  # the last piece of a row is its cheapest
    promoted = {piece.row for piece in chosen.pieces if piece.promotion is not None}
    answer: dict[int, PricedLine] = {}
    for n, (row, net_fen) in enumerate(zip(rows, amounts, strict=True)):
        line_id = row.line.line_id
        _, list_fen, _, source = row.shelf if chosen.with_audience else row.open_shelf
        source = BY_PROMOTION if n in promoted else source
        answer[line_id] = PricedLine(line_id, units[n], list_fen, net_fen, source, shares.get(line_id, ()))
    return tuple([answer[line.line_id] for line in lines])


def _line_shares(trace: Iterable[Applied]) -> dict[int, tuple[LineShare, ...]]:
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


def _tax_shares(rows: Rows, amounts: Sequence[int]) -> tuple[TaxShare, ...]:
    nets: dict[tuple[str, int], int] = {}
    for row, fen in zip(rows, amounts, strict=True):
        item = row.line.item
        key = item.tax_code, item.tax_bp
        nets[key] = nets.get(key, 0) + fen
    return taxes_of(nets)


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
