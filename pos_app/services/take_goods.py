"""HQ's catalogue comes into a till's: HQ wins, but a higher price waits for its shelf tag."""

import contextlib
from collections.abc import Sequence
from typing import Any

import msgspec

from pos_app.domain.errors import BadInput
from pos_app.domain.goods import Prices
from pos_app.services.change_prices import take_prices
from pos_app.services.pinyin import initials
from store_db import catalogue, prices
from store_db.store import Store
from sync.apply import Change
from sync.topics import CATALOGUE, Good


def take_goods(store: Store, changes: Sequence[Change]) -> None:
    """Goods that are new, changed or gone. A new one has its price at once; the price of one that is there changes as a

    package's would: lower at once, higher with its tag. A price that HQ did not change stays what it is here."""
    connection = store.connection
    catalogue.drop_items(connection, [change.key for change in changes if change.new is None])
    here = {change.key: change for change in changes if change.new is not None}
    current = prices.some_prices(connection, here)
    for sku, change in here.items():
        if change.old is not None:
            catalogue.drop_codes(connection, sku, set(change.old.codes) - set(change.new.codes))
    rows = [_row(sku, change.new, current.get(sku)) for sku, change in here.items()]
    catalogue.put_items(connection, rows, store.clock.wall_ms())
    wanted = {sku: prices_of(change.new) for sku, change in here.items() if _is_priced_anew(change)}
    take_prices(store, CATALOGUE, current, wanted)


def prices_of(good: Good) -> Prices:
    return Prices(good.price_fen, good.promo_price_fen, good.member_price_fen)


def _is_priced_anew(change: Change) -> bool:
    return change.old is None or prices_of(change.old) != prices_of(change.new)


def _row(sku: str, good: Good, kept: Prices | None) -> dict[str, Any]:
    """A row of the catalogue, at the prices that hold here."""
    row = msgspec.structs.asdict(good) | {"sku": sku, "pinyin": good.pinyin or _initials(good.name)}
    if kept is not None:
        row |= kept._asdict()
    return row


def _initials(name: str) -> str:
    """Where pypinyin is not installed a good is found by its characters alone."""
    with contextlib.suppress(BadInput):
        return initials(name)
    return ""
