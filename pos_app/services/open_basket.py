"""A lane's open basket on disk: its operations are gathered while a batch runs, durable when it ends; held and fetched whole."""

from dataclasses import replace
from typing import TYPE_CHECKING

from pos_app.domain.basket import Basket, Op
from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.lane.intents import HeldRow, RecallBasket
from pos_app.domain.lane.state import LaneState
from pos_app.domain.pricing.engine import price
from pos_app.services.cancel_sale import cancel_inside
from pos_app.services.shop import Shop
from store_db import drafts
from store_db.drafts import Draft

if TYPE_CHECKING:
    from sync.protocol import HeldBasket

ELSEWHERE = 0  # the id of a basket that another till holds


class OpenBasket:
    """`draft` is the basket as the store has it, None before its first operation is kept; `ops` are not kept yet."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.draft: Draft | None = drafts.open_draft(shop.store.connection, shop.lane)
        self.ops: list[Op] = []

    @property
    def id(self) -> int:
        return self.draft.id if self.draft else 0

    def stored(self) -> Basket | None:
        return drafts.basket_of(self.shop.store.connection, self.draft.id) if self.draft else None

    def save(self, state: LaneState) -> None:
        if self.ops:
            with self.shop.store.transaction():
                self.write(state)

    def write(self, state: LaneState) -> None:
        """The gathered operations, inside the open transaction."""
        store = self.shop.store
        if self.draft is None:
            uid = store.ids.random(16)
            self.draft = drafts.start_draft(store.connection, uid, self.shop.lane, state.staff_number, self.shop.now_ms())
        drafts.add_ops(store.connection, self.draft.id, self.draft.op_count, self.ops)
        self.draft = replace(self.draft, op_count=self.draft.op_count + len(self.ops))
        self.ops.clear()

    def forget(self) -> None:
        """It was sold, cancelled or held: the next operation begins another."""
        self.draft = None
        self.ops.clear()

    # -------------------------------------------------------------- held baskets

    def hold(self, state: LaneState) -> str | Refusal:
        """Put the basket aside; its label."""
        with self.shop.store.transaction() as connection:
            if self.ops:
                self.write(state)
            if self.draft is None:
                return refuse("POS-3001")
            label = f"{self.shop.lane}-{self.draft.id % 1000:03d}"
            drafts.hold(connection, self.draft.id, label, self.shop.now_ms())
        return label

    def held(self, state: LaneState) -> tuple[HeldRow, ...]:
        """The baskets that wait on this store file, and those that other tills' hub knows of."""
        connection, hub = self.shop.store.connection, self.shop.hub
        rows = [self._row(state, held.id, held, drafts.basket_of(connection, held.id)) for held in drafts.held_drafts(connection)]
        rows += [self._row(state, ELSEWHERE, held, drafts.folded(held.body)) for held in (hub.baskets() if hub else ())]
        return tuple(rows)

    def _row(self, state: LaneState, draft_id: int, held: "Draft | HeldBasket", basket: Basket) -> HeldRow:
        priced = price(basket, basket.customer, state.package, self.shop.now_ms())
        return HeldRow(draft_id, held.uid, held.label, held.lane, held.since_ms, len(basket.lines), priced.total_fen)

    def recall(self, state: LaneState, wanted: RecallBasket) -> Basket | Refusal:
        """Fetch a held basket. One that was begun here and voided to nothing stays on record, in the same transaction."""
        connection, now_ms = self.shop.store.connection, self.shop.now_ms()
        if wanted.draft_id == ELSEWHERE and self.shop.hub is not None:
            fetched = self.shop.hub.fetch_basket(wanted.uid)
            if isinstance(fetched, Refusal):
                return fetched
            wanted = RecallBasket(fetched.id, fetched.uid)
        with self.shop.store.transaction():
            if not drafts.recall(connection, wanted.draft_id, wanted.uid, self.shop.lane, now_ms):
                return refuse("POS-3010")
            if self.draft is not None or self.ops:
                self.write(state)
                cancel_inside(self.shop, state, "emptied", state.staff_number, self.draft)
        self.forget()
        self.draft = drafts.by_id(connection, wanted.draft_id)
        return drafts.basket_of(connection, wanted.draft_id)
