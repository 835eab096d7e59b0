"""The shop's prices change while a lane is open: at a package's minute, in the middle of a basket too.

A line that was scanned keeps the better price, a promotion's too. Milk scanned at 3.50 stays 3.50 when 3.80 begins, and becomes
2.90 when 2.90 does; milk marked down to 2.45 in the evening stays 2.45 when the package of the evening ends.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pos_app.domain.basket import Basket, RepriceLine
from pos_app.domain.goods import Item, Prices, prices_of
from pos_app.domain.lane.intents import PackageChanged
from pos_app.domain.lane.state import INFO, LaneState, Step, change, reprice, say
from pos_app.domain.pricing.model import SHELF, Priced


def package_changed(state: LaneState, reply: PackageChanged) -> Step:
    """Price under another package; what that does to scanned lines is kept like any other step.

    Once money was taken outside the price stays what it was then.
    """
    if state.basket.tenders:
        return state, ()
    items = {item.sku: item for item in reply.items}
    is_other = reply.package.digest != state.package.digest
    bags = tuple(items.get(bag.sku, bag) for bag in state.bags)
    kept = shelf_prices(state) if is_other else {}
    state, effects = change(
        replace(state, package=reply.package, bags=bags, hints=(), hints_for=None), *better_lines(state.basket, items, kept)
    )
    return say(state, INFO, "banner.prices") if is_other and state.basket.lines else state, effects


def shelf_prices(state: LaneState) -> dict[int, Prices]:
    """By line: the price that a promotion of stage 0 made of every unit of it, as the catalogue would have it.

    A price for an audience is kept as a member price: it goes when the member does. A price that was for some of the units only,
    as a limited one may be, is not kept.
    """
    priced = reprice(replace(state, more_comes=False)).priced if state.is_stale else state.priced
    known = {promotion.id: promotion for promotion in state.package.promotions}
    found = {}
    for line, money in zip(state.basket.lines, priced.lines, strict=True):
        units = money.paid_units(line.quantity) if line.weight_g is None else 0
        for name in _made_price_of(line.line_id, units, priced):
            promo_fen, member_fen = (money.unit_fen, None) if known[name].is_for_anyone else (None, money.unit_fen)
            found[line.line_id] = Prices(line.item.price_fen, promo_fen, member_fen)
    return found


def _made_price_of(line_id: int, units: int, priced: Priced) -> list[str]:
    """The promotion that made the price of all units of a line, if one did."""
    shelf = ((one.promotion, use) for one in priced.applied if one.stage == SHELF for use in one.uses)
    return [name for name, use in shelf if (use.line_id, use.units) == (line_id, units)]


def better_lines(basket: Basket, items: Mapping[str, Item], kept: Mapping[int, Prices]) -> Iterator[RepriceLine]:
    """What makes every line's prices the lowest of its own, today's and what was kept; voided lines too: they may come back."""
    for line in (*basket.lines, *(voided.line for voided in basket.voided)):
        today = items.get(line.item.sku)
        prices = prices_of(line.item)
        for other in (prices_of(today) if today else prices, kept.get(line.line_id, prices)):
            prices = prices.lower(other)
        if prices != prices_of(line.item):
            yield RepriceLine(line.line_id, line.item._replace(**prices._asdict()))
