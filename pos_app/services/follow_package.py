"""Which package a lane sells by. It changes at its minute, from the store, with or without a network.

A lane asks with every tick, so asking is cheap: a comparison with the next known switch, and once a second the number of the
newest package. Only when one of them says so is the table of packages read.
"""

import logging
from collections.abc import Callable

from pos_app.domain.basket import Basket
from pos_app.domain.errors import StoreError
from pos_app.domain.goods import Item
from pos_app.domain.lane.intents import PackageChanged
from pos_app.domain.lane.state import SELLING, LaneState
from pos_app.domain.pricing.model import Package
from pos_app.services.shop import Shop
from store_db import catalogue, packages, prices
from store_db.connection import translated

log = logging.getLogger(__name__)
ASK_MS, RETRY_MS, NEVER_MS = 1_000, 60_000, 1 << 62


class PackageWatch:
    """The packages of one lane's store, with the moment of the next switch."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._next_ms = 0
        self._asked_ms = 0
        self._newest = 0

    def look_again(self) -> None:
        """What was told last may not have been kept."""
        self._next_ms = 0

    def at_start(self, basket: Basket | None) -> Package:
        """The package to begin with; a basket for which money was taken outside goes on under the one it was priced by."""
        now_ms = self._shop.now_ms()
        under = basket.priced_under if basket and basket.tenders else None
        if under is None:
            found = self._taken(now_ms, lambda: self._find(now_ms, ""))
        else:
            found = self._taken(now_ms, lambda: self._stored(under.package))
        return found._replace(prices=()) if found else self._shop.config.package

    def told(self, state: LaneState) -> PackageChanged | None:
        """What a lane must be told now, or None. A basket that is being paid for keeps the prices it was shown."""
        if state.phase != SELLING or not self._is_due(state.now_ms):
            return None
        package = self._taken(state.now_ms, lambda: self._find(state.now_ms, state.package.digest))
        return self.changed(package._replace(prices=()), state.basket, state.bags) if package else None

    def changed(self, package: Package, basket: Basket, bags: tuple[Item, ...] = ()) -> PackageChanged:
        """A package with today's goods of a basket."""
        connection, now_ms = self._shop.store.connection, self._shop.now_ms()
        lines = (*basket.lines, *(voided.line for voided in basket.voided))
        skus = dict.fromkeys((*(line.item.sku for line in lines), *(bag.sku for bag in bags)))
        items = (catalogue.find_by_sku(connection, sku, now_ms) for sku in skus)
        return PackageChanged(package, tuple(item for item in items if item is not None))

    def _is_due(self, now_ms: int) -> bool:
        if now_ms >= self._next_ms:
            return True
        if 0 <= now_ms - self._asked_ms < ASK_MS:
            return False
        self._asked_ms = now_ms
        return packages.newest_rowid(self._shop.store.connection) != self._newest

    def _taken(self, now_ms: int, find: Callable[[], Package | None]) -> Package | None:
        """What `find` finds. A package that cannot be taken stops no lane: it is logged, and tried again in a minute."""
        try:
            with translated(self._shop.store.path):
                return find()
        except StoreError as error:
            log.exception("the package could not be taken (%s)", error.refusal.code)
            self._next_ms = now_ms + RETRY_MS
            return None

    def _find(self, now_ms: int, known: str) -> Package | None:
        """The package that holds now, when its digest is not the known one; its prices go into the catalogue first."""
        store = self._shop.store
        self._newest = packages.newest_rowid(store.connection)
        rows = packages.rows(store.connection)
        switches = (at_ms for row in rows for at_ms in (row.valid_from_ms, row.valid_to_ms) if at_ms is not None)
        self._next_ms = min((at_ms for at_ms in switches if at_ms > now_ms), default=NEVER_MS)
        row = packages.row_at(rows, now_ms)
        if (row.digest if row else self._shop.config.package.digest) == known:
            return None
        if row is None:
            return self._shop.config.package
        package = self._stored(row.digest)
        if package is not None and prices.applied_package(store.connection) != row.digest:
            from pos_app.services.change_prices import apply_prices

            apply_prices(store, package)
        return package

    def _stored(self, digest: str) -> Package | None:
        from pos_app.services.packages import package_by_digest  # a lane without packages need not load their reader

        return package_by_digest(self._shop.store, digest)
