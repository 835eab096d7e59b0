"""What a lane asks its store hub, in under a second, and only where a rule demands the hub's word.

What a till makes (a sale, a coupon, a held basket) is its own to decide on until it hands it over to the hub; then the hub
lets one till at a time have it. Every claim is noted in the store file before the hub is asked, so no crash forgets one.
A lane that is cut off is refused by the codes it would get without a hub.
"""

import json

from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.events import BasketFetched, Return, Sale, sale_is_whole
from pos_app.domain.plain import from_json
from pos_app.domain.return_values import Returnable
from pos_app.domain.returns import before_of
from store_db import drafts, hand_over, sales
from store_db.drafts import Draft
from store_db.hand_over import BASKET, COUPON, DROPPED, HELD, SALE, HubClaim
from store_db.store import Store
from sync import protocol
from sync.link import Link, Refused, Unreachable, client
from sync.protocol import BODY_BYTES_MAX, Claim, Claimed, HeldBasket, HeldBaskets, M, Message, SaleFound, SaleWanted

TIMEOUT_S = 0.8  # of one question, connecting included
QUIET_MS = 5_000  # after the hub did not answer it is not asked for so long: a queue of shoppers does not wait for it each time
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)  # what a hub may make of an answer

# why a claim is not held -> the refusal that a lane shows
SALE_REFUSALS = {"waiting": "POS-3310", "taken": "POS-3312"}
COUPON_REFUSALS = {"waiting": "POS-3310", "taken": "POS-2306", "used": "POS-2303", "void": "POS-2305"}
BASKET_REFUSALS = {"waiting": "POS-3310"}


def connect(store: Store, url: str, lane: str) -> "HubClient":
    """The client of one lane; nothing is asked yet."""
    return HubClient(store, Link(store, client(url, TIMEOUT_S), bytes_per_s=BODY_BYTES_MAX), lane)


class HubClient:
    """One lane's questions. Nothing is remembered here that could not be asked again."""

    def __init__(self, store: Store, link: Link, lane: str) -> None:
        self._store = store
        self._link = link
        self._lane = lane
        self._quiet_until_ms: int | None = None
        self._found: dict[str, Returnable] = {}  # of the sales that are held

    # -------------------------------------------------------------- returns

    def find_sale(self, number: str) -> Returnable | Refusal:
        """A sale that another till made, or that this one handed over, with all of its returns; nothing is claimed yet."""
        number = number.upper()
        found = self._ask(protocol.HUB_SALE, SaleWanted(number=number), SaleFound)
        if found is None:
            return refuse("POS-3308", number=number)
        try:
            sale = from_json(Sale, found.sale)
            is_meant = sale.number == number and sale_is_whole(sale)
            before = before_of(from_json(Return, payload) for payload in found.returns)
        except UNREADABLE:
            is_meant = False
        if not is_meant:  # a hub that answers with anything else is as good as none
            return refuse("POS-3308", number=number)
        if not is_simple(sale):
            return refuse("POS-3311", number=number)
        here = sales.is_paid(self._store.connection, self._store.device.store, number)
        return Returnable(found.uid.hex(), found.wall_ms, sale, before, is_elsewhere=not here)

    def claim_sale(self, number: str) -> Returnable | Refusal:
        """The sale for this till alone, until the return is committed or given up; then nobody else returns any of it."""
        number = number.upper()
        claim, answer = self._held(SALE, number)
        if answer is None or answer.state != HELD:
            return _refusal(SALE_REFUSALS, answer, "POS-3308", number=number)
        found = self.find_sale(number)
        if isinstance(found, Returnable):
            self._found[number] = found = found._replace(claim=claim.uid)
        return found

    def claimed_sale(self, number: str) -> Returnable | None:
        """A sale that is held. Asks nobody: for use inside a transaction."""
        number = number.upper()
        claim = hand_over.held_claim(self._store.connection, SALE, number, self._store.device.epoch)
        found = self._found.get(number)
        return found if claim is not None and found is not None and found.claim == claim.uid else None

    # -------------------------------------------------------------- coupons

    def claim_coupon(self, code: str) -> str | Refusal:
        """A single coupon for the baskets of this file: the promotion that it opens."""
        _, answer = self._held(COUPON, code)
        if answer is None or answer.state != HELD:
            return _refusal(COUPON_REFUSALS, answer, "POS-2308", code=code)
        try:
            return answer.body.decode()
        except UnicodeDecodeError:
            return refuse("POS-2308", code=code)

    # -------------------------------------------------------------- baskets

    def baskets(self) -> list[HeldBasket]:
        """Baskets that can be fetched from other tills; none when the hub is not in reach."""
        answer = self._ask(protocol.HUB_BASKETS, HeldBaskets(), HeldBaskets)
        return (answer.baskets or []) if answer is not None else []

    def fetch_basket(self, uid: bytes) -> Draft | Refusal:
        """A basket of another till, now held in this file, once: under the uid of the claim, whichever answer got lost."""
        claim, answer = self._claim(BASKET, uid.hex())
        if answer is None or answer.state != HELD:
            return _refusal(BASKET_REFUSALS, answer, "POS-3010")
        try:
            drafts.folded(answer.body)
        except UNREADABLE:
            return refuse("POS-3010")
        with self._store.transaction() as connection:
            if not hand_over.put_held(connection, claim.uid):
                return refuse("POS-3010")  # it was dropped meanwhile
            hand_over.forget(connection, claim.uid)
            self._store.append(BasketFetched(claim.name), lane=self._lane)
            return drafts.put_held(connection, claim.uid, self._lane, json.loads(answer.body), self._store.clock.wall_ms())

    # -------------------------------------------------------------- letting go

    def tidy(self, returning: str = "") -> None:
        """Drop what this lane has claimed and will not use: sales but the one on the screen, coupons that are in no basket.

        Dropped means that it cannot be used here any more; the agent tells the hub.
        """
        mine = [claim for claim in hand_over.claims(self._store.connection) if claim.lane == self._lane]
        if not any(self._is_over(claim, returning) for claim in mine):
            return
        with self._store.transaction() as connection:
            for claim in mine:
                if self._is_over(claim, returning):
                    hand_over.drop(connection, claim, self._store.device.epoch)
        self._found = {number: found for number, found in self._found.items() if number == returning}

    def _is_over(self, claim: HubClaim, returning: str) -> bool:
        if claim.state == DROPPED:
            return False
        if claim.what == SALE:
            return claim.name != returning
        return claim.what == BASKET or not drafts.holds_code(self._store.connection, claim.name)

    # -------------------------------------------------------------- asking

    def _held(self, what: str, name: str) -> tuple[HubClaim, Claimed | None]:
        """As `_claim`, and what is held is noted."""
        claim, answer = self._claim(what, name)
        if answer is not None and answer.state == HELD:
            with self._store.transaction() as connection:
                hand_over.put_held(connection, claim.uid)
        return claim, answer

    def _claim(self, what: str, name: str) -> tuple[HubClaim, Claimed | None]:
        """The claim, noted before the hub is asked, and the hub's answer to it; None when there is none."""
        connection, epoch = self._store.connection, self._store.device.epoch
        claim = hand_over.claim_of(connection, what, name, epoch)
        if claim is None:
            claim = HubClaim(self._store.ids.random(16), what, name, self._lane, epoch)
            with self._store.transaction():
                hand_over.put_claim(connection, claim)
        return claim, self._ask(protocol.HUB_CLAIM, Claim(what=what, name=name, uid=claim.uid), Claimed)

    def _ask(self, path: str, message: Message, reply: type[M]) -> M | None:
        """The answer; None when the hub is not in reach, refuses, or was silent a moment ago."""
        now_ms = self._store.clock.mono_ms()
        if self._quiet_until_ms is not None and now_ms < self._quiet_until_ms:
            return None
        try:
            return self._link.call(path, message, reply)
        except Unreachable:
            self._quiet_until_ms = now_ms + QUIET_MS
        except Refused:
            pass  # not known there, or this till is frozen: the same as no hub
        return None


def _refusal(by_state: dict[str, str], answer: Claimed | None, otherwise: str, **args: str) -> Refusal:
    return refuse(by_state.get(answer.state, otherwise) if answer is not None else otherwise, **args)


def is_simple(sale: Sale) -> bool:
    """Whether another till can take the goods back: it gave nothing that only the till that sold keeps account of."""
    return not (sale.issued or sale.stamps or sale.punches or sale.points or sale.gifts)
