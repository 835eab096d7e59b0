"""Near misses: one more of this, so much more spent, a gift that the lower price loses; each proved by pricing the change."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from pos_app.domain.basket import LINES_MAX, QUANTITY_MAX, Basket, Line
from pos_app.domain.goods import Item, may_be_discounted
from pos_app.domain.pricing.engine import EFFORT, NOTHING_USED, price
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.mechanics.quantity_percent_tiers import QuantityPercentTiers
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers
from pos_app.domain.pricing.model import (
    COUPON,
    GIFT,
    SETS,
    SHELF,
    SPEND,
    Customer,
    Hint,
    Package,
    Priced,
    Promotion,
    Refused,
    Used,
)
from pos_app.domain.pricing.rows import Row, book_of, canonical_rows, scopes_of

TRIALS_MAX = 20
UNIT_TRIALS_MAX = 10
FILLER_SKU = "\0filler"


class _Case(NamedTuple):
    """What is asked about, and its price as it stands."""

    basket: Basket
    customer: Customer
    package: Package
    now_ms: int
    codes: frozenset[str]
    used: Mapping[str, Used]
    effort: int
    priced: Priced

    def price(self, basket: Basket, package: Package | None = None) -> Priced:
        return price(basket, self.customer, package or self.package, self.now_ms, self.codes, self.effort, self.used)


def hints(
    basket: Basket,
    customer: Customer,
    package: Package,
    now_ms: int,
    codes: frozenset[str] = frozenset(),
    used: Mapping[str, Used] = NOTHING_USED,
    effort: int = EFFORT,
) -> tuple[Hint, ...]:
    """The near misses of a basket, those that cost nothing first, then by what they save; at most 20 trial prices.

    99.00 with 满100减20: spend 1.00 more, save 20.00 (`pay_fen` -1900).
    """
    near = search(basket, customer, package, now_ms, codes, used, effort)
    while near.trials:
        near = advanced(near)
    return near.found


class Search(NamedTuple):
    """Trial prices that are still to be made, and the hints they proved so far."""

    trials: tuple["_OneMore | _SpendMore | _KeepGift", ...] = ()
    found: tuple[Hint, ...] = ()


NO_SEARCH = Search()


def search(
    basket: Basket,
    customer: Customer,
    package: Package,
    now_ms: int,
    codes: frozenset[str] = frozenset(),
    used: Mapping[str, Used] = NOTHING_USED,
    effort: int = EFFORT,
) -> Search:
    """The trials of a basket, none of them made: a lane makes one at a time, between two scans."""
    if not package.promotions or not basket.lines:
        return Search()
    priced = price(basket, customer, package, now_ms, codes, effort, used)
    case = _Case(basket, customer, package, now_ms, codes, used, effort, priced)
    trials: list[_OneMore | _SpendMore | _KeepGift] = [*_unit_trials(case), *_spend_trials(case), *_gift_trials(case)]
    return Search(tuple(trials[:TRIALS_MAX]))


def advanced(near: Search) -> Search:
    """One trial price further."""
    hint = near.trials[0]()
    known = {(one.promotion, one.loses) for one in near.found}
    if hint is None or (hint.promotion, hint.loses) in known:
        return Search(near.trials[1:], near.found)
    found = sorted((*near.found, hint), key=lambda h: (h.pay_fen > 0, -h.extra_saving_fen, h.promotion, h.sku))
    return Search(near.trials[1:], tuple(found))


def _saved_fen(priced: Priced) -> int:
    return priced.list_fen - priced.after_coupons_fen


# ------------------------------------------------------------------ one more unit


def _unit_trials(case: _Case) -> Iterator["_OneMore"]:
    """One more of each good that a promotion by the piece looks at, in canonical order."""
    rows = canonical_rows(case.basket.lines, case.customer.is_member)
    book = book_of(case.package)
    by_piece = {
        row
        for n in sorted(book.touching(rows))
        if book.stages[n] in (SETS, GIFT) or isinstance(book.promotions[n].rule, QuantityPercentTiers)
        for scope in scopes_of(book.promotions[n])
        for row in rows.within(scope)
    }
    seen = set()
    for n, row in enumerate(rows):
        if row.sku in seen or n not in by_piece or not _can_grow(row):
            continue
        seen.add(row.sku)
        if len(seen) <= UNIT_TRIALS_MAX:
            yield _OneMore(case, row.line)


def _can_grow(row: Row) -> bool:
    return row.units > 0 and row.is_open and not row.is_asked and not row.is_labelled and row.units < QUANTITY_MAX


class _OneMore(NamedTuple):
    case: _Case
    line: Line

    def __call__(self) -> Hint | None:
        lines = tuple(replace(one, quantity=one.quantity + 1) if one is self.line else one for one in self.case.basket.lines)
        then = self.case.price(replace(self.case.basket, lines=lines))
        now = self.case.priced
        grown = _grown(now, then)
        pay_fen, extra_fen = then.after_coupons_fen - now.after_coupons_fen, _saved_fen(then) - _saved_fen(now)
        if grown is None or pay_fen >= self.line.item.price_fen or extra_fen <= 0:
            return None
        return Hint(grown, need_units=1, sku=self.line.item.sku, pay_fen=pay_fen, extra_saving_fen=extra_fen)


def _grown(now: Priced, then: Priced) -> str | None:
    """The promotion whose saving grew most; a shelf price that any unit has does not count as news."""
    before, after = _savings(now), _savings(then)
    grown = {name: fen - before.get(name, 0) for name, fen in after.items()}
    best = max(sorted(grown), key=lambda name: grown[name], default=None)
    return best if best is not None and grown[best] > 0 else None


def _savings(priced: Priced) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in priced.applied:
        if one.stage <= COUPON:
            found[one.promotion] = found.get(one.promotion, 0) + one.saving_fen
    return found


# ------------------------------------------------------------------ spend so much more


def _spend_trials(case: _Case) -> Iterator["_SpendMore"]:
    """Thresholds that are missed by no more than the basket costs, the nearest first."""
    book = book_of(case.package)
    known = {promotion.id: promotion for promotion in book.promotions}
    needs = [
        (int(refused.need) - int(refused.have), refused.promotion) for refused in case.priced.refused if refused.reason == "spend"
    ]
    for one in case.priced.applied:
        rule = known[one.promotion].rule
        if one.stage == SPEND and isinstance(rule, SpendSaveTiers):
            next_fen = rule.next_spend_fen(one.before_fen)
            if next_fen is not None:
                needs.append((next_fen - one.before_fen, one.promotion))
    for need_fen, name in sorted(needs):
        if 0 < need_fen <= case.priced.list_fen and len(case.basket.lines) < LINES_MAX:
            yield _SpendMore(case, known[name], need_fen)


class _SpendMore(NamedTuple):
    case: _Case
    promotion: Promotion
    need_fen: int

    def __call__(self) -> Hint | None:
        """A good of the missing amount is laid into the basket; it belongs to the promotion's scope and to no other good's."""
        scope = self.promotion.scope
        item = Item(
            scope.skus[0] if scope.skus else FILLER_SKU,
            "",
            self.need_fen,
            category=scope.categories[0] if scope.categories else "",
        )
        if not may_be_discounted(item):
            return None
        line = Line(self.case.basket.next_line_id + 1_000_000, item, "")
        then = self.case.price(replace(self.case.basket, lines=(*self.case.basket.lines, line)))
        now = self.case.priced
        extra_fen = _saved_fen(then) - _saved_fen(now)
        pay_fen = then.after_coupons_fen - now.after_coupons_fen
        gives = {one.promotion for one in then.applied} - {one.promotion for one in now.applied}
        saves = _savings(then).get(self.promotion.id, 0) > _savings(now).get(self.promotion.id, 0) and extra_fen > 0
        if not saves and not (self.promotion.id in gives and extra_fen >= 0):
            return None
        return Hint(self.promotion.id, need_fen=self.need_fen, pay_fen=pay_fen, extra_saving_fen=extra_fen)


# ------------------------------------------------------------------ cheaper, but loses a gift


def _gift_trials(case: _Case) -> Iterator["_KeepGift"]:
    """Gifts whose threshold the list amounts reach and the lowest price does not."""
    known = {promotion.id: promotion for promotion in case.package.promotions}
    for refused in case.priced.refused:
        promotion = known[refused.promotion]
        if isinstance(promotion.rule, GiftRule) and _was_within_reach(refused, case.priced):
            yield _KeepGift(case, promotion)


def _was_within_reach(refused: Refused, priced: Priced) -> bool:
    return refused.reason == "spend" and int(refused.need) <= priced.list_fen


class _KeepGift(NamedTuple):
    case: _Case
    promotion: Promotion

    def __call__(self) -> Hint | None:
        """The cheapest price that keeps the gift by leaving out one promotion that applied, or all optional ones."""
        applied = {one.promotion for one in self.case.priced.applied if SHELF < one.stage <= COUPON}
        prices = []
        for left_out in (*({name} for name in sorted(applied)), applied):
            kept = tuple(p for p in self.case.package.promotions if p.id not in left_out)
            then = self.case.price(self.case.basket, self.case.package._replace(promotions=kept))
            if any(gift.promotion == self.promotion.id for gift in then.gifts):
                prices.append(then.after_coupons_fen)
        if not prices:
            return None
        more_fen = min(prices) - self.case.priced.after_coupons_fen
        return Hint(self.promotion.id, pay_fen=more_fen, loses=self.promotion.rule.gift_sku) if more_fen > 0 else None
