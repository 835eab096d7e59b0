"""What the goods that are kept are worth when others come back: their shares, or (`returns: reprice`) their price alone.

Priced again under the package of the sale, at its moment, for its shopper, with its codes. Buy three, pay two, at 10.00 each:
20.00 were paid. By shares the third carries 6.66 of it. Priced again, the two that are kept cost 20.00 alone, and nothing
goes back for the third; then 10.00 for the second and 10.00 for the first.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from pos_app.domain.basket import Basket, Line
from pos_app.domain.events import PricedFor, PricedGood, Sale, SaleLine
from pos_app.domain.goods import Item, may_be_discounted
from pos_app.domain.pricing.engine import EFFORT, price
from pos_app.domain.pricing.mechanics import stage_of
from pos_app.domain.pricing.model import COUPON, REPRICE, STRANGER, Customer, Package, Priced, Used
from pos_app.domain.return_terms import is_all_back, part_fen, points_fen
from pos_app.domain.return_values import Units

NO_PACKAGE, DIFFERS = "no_package", "differs"  # why shares are refunded although the sale's package prices again
NOT_USED = Used()
TaxCode = tuple[str, int]  # code, rate in basis points


class Kept(NamedTuple):
    """What is kept: `fen` of the money paid, and in which proportion each tax code holds it.

    `by_shares` says why it was not priced again where it should have been.
    """

    fen: int
    nets: Mapping[TaxCode, int]
    is_repriced: bool = False
    by_shares: str = ""


def kept_of(sale: Sale, package: Package | None, units: Units) -> Kept:
    """What is kept of a sale when `units` are back. `package` is the one it was priced with, None where it is not here.

    What points paid of the goods kept is no money: it stays with them by their shares. Where the package no longer gives the
    sale's own price (a later program, another reading of it), the price of a part of it would be no better.
    """
    asked = sale.priced_for
    if asked is None or is_all_back(sale, units):
        return _shares(sale, units)
    if package is None:
        return _shares(sale, units, NO_PACKAGE)
    whole = _priced(sale, asked, package, {})
    if whole is None or whole.total_fen != sale.total_fen + _points_kept_fen(sale, {}):
        return _shares(sale, units, DIFFERS)
    kept = _priced(sale, asked, package, units) or whole
    nets = {(tax.tax_code, tax.rate_bp): tax.net_fen for tax in kept.taxes}
    return Kept(max(0, kept.total_fen - _points_kept_fen(sale, units)), nets, is_repriced=True)


def _shares(sale: Sale, units: Units, why: str = "") -> Kept:
    """What the units kept carry of the price."""
    nets: Counter[TaxCode] = Counter()
    for n, line in enumerate(sale.lines):
        nets[line.tax_code, line.tax_bp] += line.net_fen - part_fen(line.net_fen, line.quantity, units.get(n, 0))
    return Kept(nets.total(), nets, by_shares=why)


def _points_kept_fen(sale: Sale, units: Units) -> int:
    amounts = ((points_fen(sale, line), line.quantity, units.get(n, 0)) for n, line in enumerate(sale.lines))
    return sum(fen - part_fen(fen, quantity, back) for fen, quantity, back in amounts)


# ------------------------------------------------------------------ the price of a part


def _priced(sale: Sale, asked: PricedFor, package: Package, units: Units) -> Priced | None:
    """The price of what is kept, up to stage 4: gifts, points and events follow the return. None: a line has no record."""
    if len(asked.goods) != len(sale.lines):
        return None
    lines = (
        _line(n, line, good, line.quantity - units.get(n, 0))
        for n, (line, good) in enumerate(zip(sale.lines, asked.goods, strict=True))
    )
    basket = Basket(lines=tuple(line for line in lines if line.quantity))
    offers = tuple(promotion for promotion in package.promotions if stage_of(promotion.rule) <= COUPON)
    codes, used = frozenset(asked.codes or ()), dict(asked.used or ())
    return price(basket, asked.shopper or STRANGER, package._replace(promotions=offers), asked.at_ms, codes, EFFORT, used)


def _line(n: int, line: SaleLine, good: PricedGood, units: int) -> Line:
    item = Item(
        line.sku, line.name, good.price_fen, category=good.category, member_price_fen=good.member_price_fen,
        promo_price_fen=good.promo_price_fen, tax_code=line.tax_code, tax_bp=line.tax_bp, weighed=line.weight_g is not None,
        ask_price=bool(good.ask_price), discount_allowed=good.discount_allowed is not False,
    )  # fmt: skip
    return Line(n + 1, item, line.code, units, line.weight_g, good.label_fen)


# ------------------------------------------------------------------ the record


def priced_for(
    basket: Basket, priced: Priced, package: Package, at_ms: int, codes: frozenset[str], used: Mapping[str, Used]
) -> PricedFor | None:
    """What a price stands on, to be kept with its sale; None where the package refunds shares."""
    if package.returns != REPRICE:
        return None
    pairs = zip(basket.lines, priced.lines, strict=True)
    given = tuple(sorted((name, one) for name, one in used.items() if one != NOT_USED))
    return PricedFor(
        at_ms, tuple(_good(line) for line, money in pairs if money.paid_units(line.quantity)),
        _shopper(basket.customer, package), tuple(sorted(codes)) or None, given or None,
    )  # fmt: skip


def _good(line: Line) -> PricedGood:
    item = line.item
    return PricedGood(
        item.price_fen, item.category, item.promo_price_fen, item.member_price_fen, line.label_fen, item.ask_price or None,
        None if may_be_discounted(item) else False,
    )  # fmt: skip


def _shopper(customer: Customer, package: Package) -> Customer | None:
    """Without points and stamps, which stages 0 to 4 do not ask for; a birthday's week only where an offer asks for it."""
    if customer == STRANGER:
        return None
    asks = any(promotion.who.birthday_week for promotion in package.promotions)
    return customer._replace(points=0, stamps=(), birthday_week=customer.birthday_week and asks)
