"""The catalogue takes the prices of a package: a lower one at once, a higher one when its shelf tag is confirmed.

Milk 3.50 becomes 3.80 and its member price 3.20 becomes 3.00: members pay 3.00 from the first minute, everybody else 3.50
until somebody says that the tag hangs. Every change is an event; the catalogue itself is reference data.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pos_app.domain.errors import BadInput
from pos_app.domain.events import PriceChange, PricesChanged, PriceTagConfirmed
from pos_app.domain.goods import Prices
from pos_app.domain.money import format_yuan
from pos_app.domain.pricing.mechanics import stage_of
from pos_app.domain.pricing.model import SHELF, Package
from pos_app.domain.pricing.package_checks import Path, Problem, problem_at
from pos_app.domain.pricing.package_spec import FEN_MAX
from store_db import prices
from store_db.prices import PriceTask
from store_db.store import Store

CHANGES_MAX = 200  # in one event
WEEK_MS = 7 * 86_400_000


class _Change(NamedTuple):
    sku: str
    was: Prices
    now: Prices  # from this moment
    wanted: Prices  # in the package

    @property
    def waits(self) -> bool:
        return self.now != self.wanted


def apply_prices(store: Store, package: Package) -> int:
    """Take a package's prices, once; how many goods changed or wait. One transaction, or nothing of it."""
    with store.transaction() as connection:
        if prices.applied_package(connection) == package.digest:
            return 0
        wanted = {row.sku: Prices(*row[1:]) for row in package.prices}
        changed = take_prices(store, package.digest, prices.all_prices(connection), wanted)
        prices.set_applied_package(connection, package.digest)
    return changed


def take_prices(store: Store, source: str, current: Mapping[str, Prices], wanted: Mapping[str, Prices]) -> int:
    """Take prices by sku, inside the open transaction; how many goods changed or wait. `source`: what the events name.

    A good that is not in `current` is not there.
    """
    now_ms, connection = store.clock.wall_ms(), store.connection
    changes = [_Change(sku, current[sku], current[sku].lower(now), now) for sku, now in wanted.items()
               if sku in current and current[sku] != now]  # fmt: skip
    prices.put_prices(connection, ((c.sku, c.was, c.now) for c in changes if c.now != c.was), now_ms)
    prices.drop_tasks(connection, wanted)
    prices.put_tasks(connection, source, ((c.sku, c.wanted) for c in changes if c.waits), now_ms)
    for first in range(0, len(changes), CHANGES_MAX):
        some = changes[first : first + CHANGES_MAX]
        store.append(PricesChanged(source, tuple(PriceChange(c.sku, c.was, c.now, c.waits or None) for c in some)))
    return len(changes)


def price_tasks(store: Store) -> list[PriceTask]:
    """Shelf tags to change, the oldest first."""
    return prices.tasks(store.connection)


def confirm_tag(store: Store, sku: str, staff: str) -> PriceChange:
    """The new tag hangs: the price that waited holds from now on. Raises BadInput POS-2208 when none waits."""
    with store.transaction() as connection:
        task = prices.task(connection, sku)
        if task is None:
            raise BadInput("POS-2208", sku=sku)
        change = PriceChange(sku, task.was, task.now)
        prices.put_prices(connection, [(sku, task.was, task.now)], store.clock.wall_ms())
        prices.drop_tasks(connection, [sku])
        store.append(PriceTagConfirmed(task.package, staff, change))
    return change


def price_warnings(store: Store, package: Package, now_ms: int) -> tuple[Problem, ...]:
    """Prices of goods that are not there, and struck-through prices above the lowest of the last seven days.

    Milk cost 3.00 five days ago and costs 3.50 now: "was 3.50, now 2.90" is misleading, "was 3.00" is not.
    """
    current, lowest = prices.all_prices(store.connection), prices.lowest_since(store.connection, now_ms - WEEK_MS)
    found = []
    for n, row in enumerate(package.prices):
        if row.sku not in current:
            found.append(problem_at((((None, "prices"), n), "sku"), "no_such_good", sku=row.sku))
    for path, sku, was_fen in _struck_through(package, current):
        lowest_fen = min(current[sku].public_fen, lowest.get(sku, FEN_MAX))
        if was_fen > lowest_fen:
            found.append(problem_at(path, "was_price", sku=sku, was=format_yuan(was_fen), lowest=format_yuan(lowest_fen)))
    return tuple(found)


def _struck_through(package: Package, current: Mapping[str, Prices]) -> Iterator[tuple[Path, str, int]]:
    """(path, sku, price) of every list price that a new, lower one is shown against."""
    wanted = {row.sku: Prices(*row[1:]) for row in package.prices if row.sku in current}
    for n, row in enumerate(package.prices):
        now = wanted.get(row.sku)
        if now is not None and now.public_fen < now.price_fen and now.public_fen != current[row.sku].public_fen:
            yield (((None, "prices"), n), "price_fen"), row.sku, now.price_fen
    for n, promotion in enumerate(package.promotions):
        if stage_of(promotion.rule) == SHELF:
            for sku in promotion.scope.skus:
                if sku in current:
                    yield (((None, "promotions"), n), "scope"), sku, wanted.get(sku, current[sku]).price_fen
