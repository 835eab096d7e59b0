"""A scanned unit of a gift's product becomes the gift, instead of a second unit being handed out (stage 8)."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pos_app.domain.basket import Basket, Line
from pos_app.domain.pricing.after_stages import scope_units
from pos_app.domain.pricing.model import GIFT, Priced, PricedLine, Promotion, Use
from pos_app.domain.pricing.rows import Book, Row, Rows, canonical_rows
from pos_app.domain.pricing.shelf import LIST

Uses = dict[str, tuple[Use, ...]]  # by gift promotion: the scanned units it took


def with_scanned_gifts(basket: Basket, rows: Rows, priced: Priced, book: Book, price_of: Callable[[Basket], Priced]) -> Priced:
    """The price of a basket whose gifts already lie in it: that of the rest of it.

    Gifts in order of id. Each takes as many scanned units of its product as the rest still earns, the cheapest first, unless
    the rest without them were dearer. A cup from 200.00 on, 230.00 of goods and a cup of 19.90 scanned: 230.00 are due.
    """
    if not priced.gifts:
        return priced
    wanted = {gift.promotion for gift in priced.gifts if gift.sku in rows.by_sku}
    rest, taken = basket, Uses()
    for promotion in (one for one in book.promotions if one.id in wanted):
        for uses in _ways(promotion, canonical_rows(rest.lines, False), _quantity(priced, promotion.id)):
            fewer = replace(rest, lines=without(rest.lines, uses))
            then = price_of(fewer)
            if then.after_coupons_fen <= priced.after_coupons_fen and _are_earned(then, taken | {promotion.id: uses}):
                rest, priced, taken[promotion.id] = fewer, then, uses
                break
    return _put_back(basket, priced, taken) if taken else priced


def scanned_gifts(priced: Priced) -> tuple[Use, ...]:
    """The scanned units that became gifts."""
    return tuple(use for one in priced.applied if one.stage == GIFT for use in one.uses)


def without(lines: Sequence[Line], uses: Sequence[Use]) -> tuple[Line, ...]:
    """The lines that are paid for, with the units that are."""
    units = _units_by_line(uses)
    left = ((line, line.quantity - units[line.line_id]) for line in lines)
    return tuple(replace(line, quantity=n) if n < line.quantity else line for line, n in left if n)


def _ways(promotion: Promotion, rows: Rows, earned: int) -> Iterator[tuple[Use, ...]]:
    """Scanned units that may become the gift, most first; counts that the rest has too few units for are left out."""
    here = [rows[n] for n in rows.by_sku.get(promotion.rule.gift_sku, ()) if rows[n].units and rows[n].is_open]
    reach = {rows[n].line.line_id for n in rows.reach(promotion)}
    for units in range(min(earned, sum(row.units for row in here)), 0, -1):
        uses = _first_units(here, units)
        counted = scope_units(promotion, rows) - sum(use.units for use in uses if use.line_id in reach)
        if promotion.rule.given(counted) >= units:
            yield uses


def _first_units(rows: Sequence[Row], units: int) -> tuple[Use, ...]:
    uses = []
    for row in rows:
        n = min(units, row.units)
        units -= n
        if n:
            uses.append(Use(row.line.line_id, n, row.unit_fen, n))
    return tuple(uses)


def _units_by_line(uses: Iterable[Use]) -> Counter[int]:
    units = Counter[int]()
    for use in uses:
        units[use.line_id] += use.units
    return units


def _quantity(priced: Priced, promotion: str) -> int:
    return sum(gift.quantity for gift in priced.gifts if gift.promotion == promotion)


def _are_earned(priced: Priced, taken: Mapping[str, Sequence[Use]]) -> bool:
    return all(_quantity(priced, name) >= sum(use.units for use in uses) for name, uses in taken.items())


def _put_back(basket: Basket, priced: Priced, taken: Uses) -> Priced:
    """The answer for the whole basket: what became a gift stands at its line, and is no part of its money."""
    paid = {line.line_id: line for line in priced.lines}
    units = _units_by_line(use for uses in taken.values() for use in uses)
    lines = (paid.get(one.line_id, PricedLine(one.line_id, 0, 0, 0, LIST)) for one in basket.lines)
    scanned = {name: sum(use.units for use in uses) for name, uses in taken.items()}
    return priced._replace(
        lines=tuple(line._replace(gift_units=units[line.line_id]) for line in lines),
        gifts=tuple(gift._replace(scanned=scanned.get(gift.promotion, 0)) for gift in priced.gifts),
        applied=tuple(one._replace(uses=taken[one.promotion]) if one.stage == GIFT and one.promotion in taken else one
                      for one in priced.applied),
    )  # fmt: skip
