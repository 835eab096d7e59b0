"""The agent's work for a store hub: hand over what was asked for, let go of what was dropped, tell what baskets are held.

What this file made is handed over by an event. Everything that the file did to it stands before that event in its chain,
so when the hub has the event it has all of that too, whatever was lost on the way; from then on the hub alone decides.
"""

import itertools
import json
from collections.abc import Iterator

import msgspec

from pos_app.domain.events import HandedOver
from store_db import coupons, drafts, hand_over, hq_rows, journal, sales, sync_state
from store_db.connection import Connection
from store_db.drafts import Draft
from store_db.hand_over import BASKET, COUPON, DROPPED, HELD, SALE
from store_db.hq_rows import OWN
from store_db.store import Store
from sync import protocol
from sync.link import Link
from sync.protocol import RUN, Claimed, HeldBasket, HeldBaskets, Release

BASKETS_MAX = 200  # more of one till a hub does not list
WANTED = "wanted"  # the hub's topic: what other tills asked for


class Wanted(msgspec.Struct):
    """A row of that topic."""

    what: str
    name: str


WANTED_ROW = msgspec.json.Decoder(Wanted)


def hub_once(store: Store, link: Link, told: bytes = b"") -> bytes:
    """One round. Answers what was told of the baskets, for the next round: unchanged ones are not told again to the same hub.

    Raises Refused and Unreachable; whatever was done until then stays done.
    """
    hand_over_wanted(store)
    let_go(store, link)
    telling = _telling(store)
    tells = telling.generation + telling.run.encode() + b"".join(basket.uid for basket in telling.baskets or ())
    if tells != told:
        link.call(protocol.HUB_BASKETS, telling, HeldBaskets)
    return tells


def _telling(store: Store) -> HeldBaskets:
    """Baskets and claims of one moment, with how far the journal had come: a claim that is not among them is used by then."""
    known = sync_state.hq(store.connection)
    with store.transaction() as connection:
        _, epoch, seq, _ = journal.head(connection)
        held = [(claim.what, claim.name, claim.uid) for claim in hand_over.claims(connection, state=HELD)]
        baskets = list(itertools.islice(_held_baskets(store), BASKETS_MAX))
        run = hub_run(connection)
    generation = known.generation if known else b""
    return HeldBaskets(baskets=baskets, generation=generation, epoch=epoch, seq=seq, claims=held, run=run)


def hub_run(connection: Connection) -> str:
    """The run of the hub's process that asked last to be told; empty where none did."""
    kept = hq_rows.row(connection, WANTED, OWN + RUN)
    wanted = _wanted(kept.body) if kept is not None else None
    return wanted.name if wanted is not None else ""


def hand_over_wanted(store: Store) -> int:
    """Hand over what the hub wants and this file has; how much that was. A row that cannot be read wants nothing."""
    sql = "SELECT body FROM hq_rows WHERE topic = ? ORDER BY key"
    found = [_wanted(row[0]) for row in store.connection.execute(sql, (WANTED,)).fetchall()]
    return sum(_hand_over(store, wanted.what, wanted.name) for wanted in found if wanted is not None)


def _wanted(body: bytes) -> Wanted | None:
    try:
        wanted = WANTED_ROW.decode(body)
        if wanted.what == BASKET:
            bytes.fromhex(wanted.name)
    except (ValueError, RecursionError):
        return None
    return wanted


def _hand_over(store: Store, what: str, name: str) -> bool:
    """In one transaction: what it is now, the event, and (a basket) that it is gone here."""
    if not _is_here(store, what, name):
        return False
    with store.transaction() as connection:
        if not _is_here(store, what, name):
            return False
        store.append(HandedOver(what, name, _taken_out(connection, name) if what == BASKET else ""))
    return True


def _taken_out(connection: Connection, name: str) -> str:
    """All of a held basket, which is gone here now."""
    draft = drafts.held_by_uid(connection, bytes.fromhex(name))
    if draft is None:
        raise RuntimeError(f"basket {name} is not held")
    body = json.dumps(drafts.ops_of(connection, draft.id))
    drafts.give_away(connection, draft.id)
    return body


def _is_here(store: Store, what: str, name: str) -> bool:
    """Whether this file made it, still decides on it, and is not in the middle of using it."""
    connection = store.connection
    if hand_over.is_handed_over(connection, what, name):
        return False
    if what == SALE:
        return sales.is_paid(connection, store.device.store, name)
    if what == COUPON:
        coupon = coupons.find(connection, name)
        return coupon is not None and not coupon.reserved
    draft = drafts.held_by_uid(connection, bytes.fromhex(name)) if what == BASKET else None
    return draft is not None and _can_move(store, draft)


def _can_move(store: Store, draft: Draft) -> bool:
    """A basket that took a number of this file, money, or goods in exchange, is paid where it was begun."""
    basket = drafts.basket_of(store.connection, draft.id)
    return basket.number is None and not basket.tenders and basket.exchange is None


def _held_baskets(store: Store) -> Iterator[HeldBasket]:
    for draft in drafts.held_drafts(store.connection):
        if _can_move(store, draft):
            body = json.dumps(drafts.ops_of(store.connection, draft.id)).encode()
            yield HeldBasket(draft.uid, draft.label, draft.lane, draft.since_ms, body)


def let_go(store: Store, link: Link) -> None:
    """Tell the hub what was dropped. A claim of an earlier life of the file is another file's to use: it is only forgotten."""
    connection = store.connection
    for claim in hand_over.claims(connection, state=DROPPED):
        if claim.epoch == store.device.epoch:
            link.call(protocol.HUB_RELEASE, Release(what=claim.what, name=claim.name, uid=claim.uid), Claimed)
        with store.transaction():
            hand_over.forget(connection, claim.uid)
