"""The shop's prices change while a lane is open: at a package's minute, in the middle of a basket too.

A line that was scanned keeps the better price. Milk scanned at 3.50 stays 3.50 when 3.80 begins, and becomes 2.90 when 2.90 does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pos_app.domain.basket import Basket, Line, RepriceLine
from pos_app.domain.goods import Item, prices_of
from pos_app.domain.lane.intents import PackageChanged
from pos_app.domain.lane.state import INFO, LaneState, Step, change, say


def package_changed(state: LaneState, reply: PackageChanged) -> Step:
    """Price under another package; what that does to scanned lines is kept like any other step.

    Once money was taken outside the price stays what it was then.
    """
    if state.basket.tenders:
        return state, ()
    items = {item.sku: item for item in reply.items}
    is_other = reply.package.digest != state.package.digest
    bags = tuple(items.get(bag.sku, bag) for bag in state.bags)
    state, effects = change(
        replace(state, package=reply.package, bags=bags, hints=(), hints_for=None), *better_lines(state.basket, items)
    )
    return say(state, INFO, "banner.prices") if is_other and state.basket.lines else state, effects


def better_lines(basket: Basket, items: Mapping[str, Item]) -> Iterator[RepriceLine]:
    """What makes every line's prices the lower of its own and those of today; voided lines too, as they may come back."""
    for line in (*basket.lines, *(voided.line for voided in basket.voided)):
        item = _better(line, items)
        if item != line.item:
            yield RepriceLine(line.line_id, item)


def _better(line: Line, items: Mapping[str, Item]) -> Item:
    today = items.get(line.item.sku)
    return line.item if today is None else line.item._replace(**prices_of(line.item).lower(prices_of(today))._asdict())
