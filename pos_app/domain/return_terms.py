"""What a sale gave beside its price (gifts, coupons, stamps), and how much of it the goods that are kept still carry.

A sale of 210.00 gave a cup from 200.00 on. 15.00 of it come back: 195.00 are kept, the cup comes back too.
"""

from collections.abc import Mapping

from pos_app.domain.events import Sale, SaleLine
from pos_app.domain.goods import Item, may_be_discounted
from pos_app.domain.pricing.mechanics.coupon_reward import CouponReward
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.mechanics.punch_card import PunchCard
from pos_app.domain.pricing.model import EVENT, GIFT, ON_LIST, POINTS, Package, Promotion
from pos_app.domain.pricing.shelf import LABEL
from pos_app.domain.return_values import Term, Units


def terms_of(sale: Sale, package: Package | None, items: Mapping[str, Item]) -> dict[str, Term]:
    """The terms of everything that a sale gave, by promotion, under the package it was priced with.

    Without that package there are none: what was given then stays given while anything is kept.
    """
    given = {offer.promotion for offer in sale.offers or () if offer.stage in (GIFT, EVENT)}
    if package is None or not given:
        return {}
    return {p.id: _term(p, _reach(sale, p, items)) for p in package.promotions if p.id in given}


def _reach(sale: Sale, promotion: Promotion, items: Mapping[str, Item]) -> tuple[int, ...]:
    """The lines of a sale that a promotion looks at; a good that left the catalogue has no category any more."""
    return tuple(n for n, line in enumerate(sale.lines) if _is_in(promotion, line, items.get(line.sku)))


def _is_in(promotion: Promotion, line: SaleLine, item: Item | None) -> bool:
    scope = promotion.scope
    categories = item.category.split(";") if item else ()
    named = scope.is_all or line.sku in scope.skus or any(category in scope.categories for category in categories)
    may = (item is None or may_be_discounted(item)) and not (promotion.price_once and line.source == LABEL)
    return named and may and line.sku not in scope.without_skus


def _term(promotion: Promotion, lines: tuple[int, ...]) -> Term:
    rule = promotion.rule
    term = Term(lines, promotion.min_spend_fen, promotion.threshold_on == ON_LIST)
    if isinstance(rule, GiftRule):
        return term._replace(per_units=rule.per_units, quantity=rule.quantity)
    if isinstance(rule, CouponReward):
        return term._replace(coupon=rule.coupon)
    if isinstance(rule, PunchCard):
        return term._replace(coupon=rule.coupon, card_stamps=rule.stamps)
    return term


# ------------------------------------------------------------------ parts of a line


def part_fen(amount_fen: int, quantity: int, units: int) -> int:
    """What the last units of a line carry: equal shares, the fen left to the first. 1.00 over three units, the last: 0.33."""
    each, extra = divmod(amount_fen, quantity)
    kept = quantity - units
    return amount_fen - kept * each - min(kept, extra)


def points_fen(sale: Sale, line: SaleLine) -> int:
    """What points paid of a line."""
    spent = {offer.promotion for offer in sale.offers or () if offer.stage == POINTS}
    return sum(share.fen for share in line.shares or () if share.promotion in spent)


def is_all_back(sale: Sale, units: Units) -> bool:
    return all(units.get(n, 0) == line.quantity for n, line in enumerate(sale.lines))


# ------------------------------------------------------------------ what is still carried


def carried(sale: Sale, term: Term | None, given: int, units: Units) -> int:
    """How many of `given` the goods kept still carry, by the threshold and the count they were given for."""
    if term is None:
        return 0 if is_all_back(sale, units) else given
    kept = [n for n in term.lines if units.get(n, 0) < sale.lines[n].quantity]
    if not kept or sum(_kept_fen(sale, n, term, units) for n in kept) < term.need_fen:
        return 0
    return min(given, kept_units(sale, term, units) // term.per_units * term.quantity) if term.per_units else given


def kept_units(sale: Sale, term: Term, units: Units) -> int:
    """Units that are kept of the lines a term looks at; a weighed line counts none."""
    return sum(sale.lines[n].quantity - units.get(n, 0) for n in term.lines if sale.lines[n].weight_g is None)


def _kept_fen(sale: Sale, n: int, term: Term, units: Units) -> int:
    """What is kept of a line as its threshold was measured: before points, or at list prices."""
    line = sale.lines[n]
    amount_fen = line.list_fen if term.on_list else line.net_fen + points_fen(sale, line)
    return amount_fen - part_fen(amount_fen, line.quantity, units.get(n, 0))


def stamps_back(sale: Sale, term: Term | None, stamps: int, units: Units) -> int:
    """Stamps of a sale that the returned units no longer carry. Five coffees, two come back: two."""
    if term is None:
        return stamps if is_all_back(sale, units) else 0
    return stamps - min(stamps, kept_units(sale, term, units))
