"""A lane's limited offers: what was used before this basket, and what the basket holds while it is being paid."""

from dataclasses import replace

from pos_app.domain.lane.intents import OffersChanged
from pos_app.domain.lane.state import PAYMENT, LaneState, reprice
from pos_app.services.offers import used_for, wanted, what_changed
from pos_app.services.shop import Shop
from store_db import reservations
from store_db.drafts import Draft
from store_db.reservations import Reservation

CHANGES_MAX = 50  # each takes a coupon, an offer or points out of the basket


class OfferHolds:
    """What one lane knows of its limited offers. A basket holds them from its payment screen on, through a power cut too."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._read_for: tuple[str, str, int] | None = None  # member, package, draft
        self._held: tuple[Reservation, ...] = ()

    def begin(self, draft: Draft | None) -> None:
        """What the basket held when the lane last stopped."""
        self._held = reservations.reserved(self._shop.store.connection, draft.id) if draft else ()

    def forget(self) -> None:
        """The basket was paid, given up or put aside, and what it held went with it."""
        self._held = ()

    def refreshed(self, state: LaneState, draft: Draft | None) -> LaneState:
        """The state, priced with what was used by now when member, package or basket are others than before."""
        return state if self._read_for == _key(state, draft) else self.read(state, draft)

    def read(self, state: LaneState, draft: Draft | None) -> LaneState:
        """The state, priced with what was used by now."""
        self._read_for = key = _key(state, draft)
        used = used_for(self._shop, state.package, key[0], key[2])
        return state if used == state.used else reprice(replace(state, used=used))

    def hold(self, state: LaneState, draft: Draft | None) -> OffersChanged | None:
        """Hold what this basket needs at the payment screen, or let go of it elsewhere; what is there no more is returned."""
        want = wanted(state) if state.phase == PAYMENT and draft is not None else ()
        if want == self._held or draft is None:
            return None
        with self._shop.store.transaction() as connection:
            changed = what_changed(self._shop, state, draft.id) if want else None
            if changed is None:
                reservations.reserve(connection, draft.id, want)
        if changed is None:
            self._held = want
        return changed


def _key(state: LaneState, draft: Draft | None) -> tuple[str, str, int]:
    return state.basket.customer.alias, state.package.digest, draft.id if draft else 0
