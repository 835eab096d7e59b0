"""What every use case is given: the store with its clock, the devices, the lane's settings."""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pos_app.domain.codes import InStoreRule
from pos_app.domain.errors import StoreError
from pos_app.domain.lane.state import LaneConfig
from pos_app.domain.ports import Drawer, Printer
from pos_app.domain.pricing.model import Applied, Package
from pos_app.services.hub import Hub
from store_db import catalogue
from store_db.promotions import Totals
from store_db.store import Store


@dataclass(slots=True)
class Shop:
    """One shop PC at one lane."""

    store: Store
    config: LaneConfig
    printer: Printer
    drawer: Drawer
    texts: dict[str, str]
    paper_width: int = 42
    explain: Callable[[Applied, Package], str] | None = None  # an applied promotion in the shop's language
    totals: Totals = field(default_factory=Totals)
    hub: Hub | None = None  # the store hub, where the shop has one

    @property
    def lane(self) -> str:
        return self.config.lane

    def now_ms(self) -> int:
        return self.store.clock.wall_ms()

    def in_store_rules(self) -> tuple[InStoreRule, ...]:
        return catalogue.in_store_rules(self.store.connection)


@contextlib.contextmanager
def lane_lock(path: Path, lane: str) -> Iterator[None]:
    """One process a lane: a second one is refused with POS-1009 and touches nothing."""
    name = path.with_name(f"{path.name}.lane-{lane}.lock")
    try:
        handle = name.open("w")
    except OSError as error:
        raise StoreError("POS-1003", path=name, detail=error) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError("POS-1009", lane=lane, path=path) from error
        yield
