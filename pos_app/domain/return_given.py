"""Gifts, coupons and stamps of a sale whose goods come back: brought back, made void, or taken off the refund."""

from collections import Counter
from collections.abc import Iterable, Mapping

from pos_app.domain.events import Sale
from pos_app.domain.pricing.model import EVENT
from pos_app.domain.return_terms import carried, is_all_back, stamps_back
from pos_app.domain.return_values import Before, CardBack, CouponNow, Facts, GiftDue, Units


def gifts_due(sale: Sale, before: Before, brought: Mapping[str, int], facts: Facts, units: Units) -> tuple[GiftDue, ...]:
    """Gifts that are no longer carried; what is not brought back is worth its stated value.

    A cup from 200.00 on, worth 19.90, and 195.00 kept: the cup, or 19.90.
    """
    found = []
    for gift in sale.gifts or ():
        over = gift.quantity - carried(sale, facts.terms.get(gift.promotion), gift.quantity, units)
        due = max(0, over - before.gifts.get(gift.promotion, 0))
        back = max(0, min(brought.get(gift.promotion, 0), due))
        if due:
            found.append(GiftDue(gift.promotion, gift.sku, back, due - back, (due - back) * gift.value_fen))
    return tuple(found)


def cards_back(sale: Sale, before: Before, facts: Facts, units: Units) -> tuple[CardBack, ...]:
    """Stamps taken back; where too few are left on the card, an unspent coupon of a full card counts as its stamps again.

    Five stamps a card: six coffees gave one coupon and left one stamp. Two come back: the coupon is void, four stamps are left.
    """
    found = []
    for one in sale.stamps or ():
        term = facts.terms.get(one.promotion)
        taken = stamps_back(sale, term, one.stamps, units) - stamps_back(sale, term, one.stamps, before.units)
        if not taken or not sale.customer:
            continue
        size = term.card_stamps if term else 0
        short = max(0, taken - max(0, facts.stamps.get(one.card, 0)))
        undone = min(-(-short // size), _undoable(sale, before, facts, one.promotion)) if size else 0
        found.append(CardBack(one.card, taken, undone, size))
    return tuple(found)


def _undoable(sale: Sale, before: Before, facts: Facts, promotion: str) -> int:
    """Full cards of the sale whose coupons are unspent."""
    term = facts.terms[promotion]
    full = sum(one.full for one in sale.stamps or () if one.promotion == promotion)
    unspent = sum(not now.is_void and not now.is_spent for now in _coupons_of(sale, facts, term.coupon))
    return min(full - _undone_before(before, term.card_stamps, promotion), unspent)


def _undone_before(before: Before, card_stamps: int, card: str) -> int:
    return before.card_stamps.get(card, 0) // card_stamps


def coupons_back(
    sale: Sale, before: Before, facts: Facts, units: Units, cards: Iterable[CardBack]
) -> tuple[tuple[str, ...], int]:
    """(codes to make void, what spent ones saved) of the coupons that the goods kept no longer carry."""
    over = Counter({card.card: card.undone for card in cards})
    wanted: Counter[str] = Counter()
    for name, term in facts.terms.items():
        if term.card_stamps:
            wanted[term.coupon] += over[name] + _undone_before(before, term.card_stamps, name)
        elif term.coupon:
            given = sum(offer.times for offer in sale.offers or () if (offer.stage, offer.promotion) == (EVENT, name))
            wanted[term.coupon] += given - carried(sale, term, given, units)
    if not facts.terms and is_all_back(sale, units):
        wanted.update(issued.promotion for issued in sale.issued or ())
    gone = [coupon for name in sorted(wanted) for coupon in _coupons_of(sale, facts, name)[: wanted[name]]]
    void = tuple(coupon.code for coupon in gone if not coupon.is_void and not coupon.is_used_up)
    return void, sum(coupon.saved_fen for coupon in gone)


def _coupons_of(sale: Sale, facts: Facts, promotion: str) -> list[CouponNow]:
    """The coupons of a sale that open a promotion, in the order in which they go back: void, unspent, spent."""
    now = {coupon.code: coupon for coupon in facts.coupons}
    found = [now.get(issued.code, CouponNow(issued.code)) for issued in sale.issued or () if issued.promotion == promotion]
    return sorted(found, key=lambda coupon: (not coupon.is_void, coupon.is_spent, coupon.saved_fen, coupon.code))
