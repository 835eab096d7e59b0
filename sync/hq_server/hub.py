"""What a store hub decides: who may take goods of a sale back, use a coupon, fetch a basket, promise stock.

A claim has no time limit, since no clock can say that a till which is not heard will not use it. It ends when an event
uses it, when the till says that it never will (it has noted so first), or when a person frees it. What a till made is its
own to decide on until the hub has the event by which it was handed over: everything the till did to it stands before
that in the same chain. So one place decides at any time, whatever is lost, killed or cut off.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from pos_app.domain.coupons import HQ_LANE, read_code
from pos_app.domain.errors import Refusal
from store_db.hq_rows import COUPON_TOKENS
from sync import protocol
from sync.hq_server import hub_memory
from sync.hq_server.database import run
from sync.hq_server.feed import publish
from sync.hq_server.hq import REVOKED, Caller, Hq, Rejected
from sync.hq_server.hub_facts import BASKET, COUPON, FETCHED, ISSUED, NAME_MAX, NOBODY, RETURN, SALE, USED, VOID, WANTED, handed
from sync.hq_server.hub_tables import hub_baskets, hub_claims, hub_promised, is_hub
from sync.hq_server.hub_tables import hub_facts as facts
from sync.hq_server.projected_tables import stock
from sync.hq_server.stored import chain_of, event_at
from sync.protocol import Claim, Claimed, HeldBasket, HeldBaskets, Release, SaleFound, SaleWanted, WireEvent

STOCK = "stock"
BASKETS_MAX = 200  # of one till
UID_BYTES, TIME_MAX_MS, QUANTITY_MAX = 16, 1 << 53, 1 << 40
HELD, WAITING, TAKEN, UNKNOWN, SHORT, RELEASED = "held", "waiting", "taken", "unknown", "short", "released"


class Asked(NamedTuple):
    """A claim as it is looked at, inside the transaction."""

    connection: Connection
    store: str
    device: bytes
    claim: Claim
    now_ms: int


# ------------------------------------------------------------------ claims


def claim(hq: Hq, caller: Caller, message: Claim) -> Claimed:
    """Let a till have something, or say why not. The same uid is answered with the same."""
    if not is_sound(message.what, message.name, message.uid, message.lines):
        return Claimed(state=UNKNOWN)
    with hq.database.write() as connection:
        return _claim(Asked(connection, caller.store, caller.device, message, hq.clock.wall_ms()))


def _claim(asked: Asked) -> Claimed:
    mine = _claim_row(asked)
    if mine is not None:
        state = mine.state if mine.device == asked.device else TAKEN
        return Claimed(state=state, body=_body(asked) if state == HELD else b"")
    if why_not := _why_not(asked):
        return Claimed(state=why_not)
    _put(asked, HELD)
    return Claimed(state=HELD, body=_body(asked))


def _why_not(asked: Asked) -> str:
    """Empty when nothing is in the way. A hub that may have forgotten a claim says no, or has it handed over, but never yes."""
    what, name = asked.claim.what, asked.claim.name
    if what not in RULES:
        return UNKNOWN
    if why_not := RULES[what](asked):
        return why_not
    return UNKNOWN if hub_memory.may_have_forgotten(asked.connection, asked.store, what, name) else ""


def is_sound(what: str, name: str, uid: bytes, lines: Iterable[tuple[str, int]] = ()) -> bool:
    """Whether this can be a key, and the amounts added up: a basket's name is its uid in hex."""
    is_key = len(uid) == UID_BYTES and what in RULES and len(name) <= NAME_MAX and (name.isprintable() or not name)
    is_basket = what != BASKET or (len(name) == 2 * UID_BYTES and set(name) <= set("0123456789abcdef"))
    return is_key and is_basket and all(0 < n < QUANTITY_MAX and sku.isprintable() and len(sku) <= NAME_MAX for sku, n in lines)


def release(hq: Hq, caller: Caller, message: Release) -> Claimed:
    """A till let go of a claim. It stays on record, so that the claim itself, when it comes late, is not held for ever."""
    if not is_sound(message.what, message.name, message.uid):
        raise Rejected(protocol.BROKEN, "claim")
    asked = Claim(what=message.what, name=message.name, uid=message.uid)
    with hq.database.write() as connection:
        at = Asked(connection, caller.store, caller.device, asked, hq.clock.wall_ms())
        mine = _claim_row(at)
        if mine is None:
            _put(at, RELEASED)
        elif mine.device == caller.device and mine.state == HELD:
            free(connection, caller.store, message.what, message.name, message.uid)
        return Claimed(state=RELEASED)


def free(connection: Connection, store: str, what: str, name: str, uid: bytes) -> bool:
    """End a claim that will not be used: told by its till, or by a person who knows that its disk is gone."""
    row = _key(store, what, name, uid)
    return connection.execute(update(hub_claims).where(*row, hub_claims.c.state == HELD).values(state=RELEASED)).rowcount == 1


def _key(store: str, what: str, name: str, uid: bytes) -> tuple[ColumnElement[bool], ...]:
    c = hub_claims.c
    return c.store == store, c.what == what, c.name == name, c.uid == uid


def _claim_row(asked: Asked) -> Row[Any] | None:
    one = select(hub_claims).where(*_key(asked.store, asked.claim.what, asked.claim.name, asked.claim.uid))
    return asked.connection.execute(one).one_or_none()


def _put(asked: Asked, state: str) -> None:
    ask = asked.claim
    row = {"store": asked.store, "what": ask.what, "name": ask.name, "uid": ask.uid, "device": asked.device}
    asked.connection.execute(insert(hub_claims).values(**row, state=state, since_ms=asked.now_ms))
    if ask.what == STOCK and state == HELD:
        lines = [{"store": asked.store, "uid": ask.uid, "sku": sku, "quantity": n} for sku, n in _lines(ask).items()]
        asked.connection.execute(insert(hub_promised), lines)


def _body(asked: Asked) -> bytes:
    """What a till gets with its claim: a coupon's promotion, a basket's operations."""
    if asked.claim.what == BASKET:
        found = select(hub_baskets.c.body).where(
            hub_baskets.c.store == asked.store, hub_baskets.c.uid == bytes.fromhex(asked.claim.name)
        )
        return bytes(asked.connection.execute(found).scalar_one())
    if asked.claim.what == COUPON and (gave := _fact(asked, ISSUED)):
        sale = json.loads(_event(asked.connection, gave).payload)
        return next((one["promotion"] for one in sale["issued"] if one["code"] == asked.claim.name), "").encode()
    return b""


# ------------------------------------------------------------------ why not: "" when nothing is in the way


def _sale(asked: Asked) -> str:
    sold = _fact(asked, SALE)
    if sold is None:
        return UNKNOWN
    return TAKEN if _is_held(asked) else _handed_over(asked, sold.device)


def _coupon(asked: Asked) -> str:
    """A single coupon: of HQ, or given by a till of this shop."""
    if _fact(asked, USED):
        return USED
    if _fact(asked, VOID):
        return VOID
    if _is_held(asked):
        return TAKEN
    read = read_code(asked.claim.name)
    if not isinstance(read, Refusal) and read.lane == HQ_LANE:
        device = _token_holder(asked)
        return _handed_over(asked, device) if device else ""
    gave = _fact(asked, ISSUED)
    return _handed_over(asked, gave.device) if gave else UNKNOWN


def _token_holder(asked: Asked) -> bytes:
    """The device that HQ lets redeem a coupon of its own alone; empty where there is none."""
    sql = "SELECT body FROM feed WHERE topic = ? AND store IN ('', ?) AND key = ? AND body IS NOT NULL ORDER BY store DESC"
    body = run(asked.connection, sql, COUPON_TOKENS, asked.store, asked.claim.name).scalar()
    return bytes.fromhex(json.loads(body)["device"]) if body is not None else b""


def _basket(asked: Asked) -> str:
    if _is_held(asked) or _fact(asked, FETCHED):
        return TAKEN
    uid = bytes.fromhex(asked.claim.name)
    held = select(hub_baskets.c.device).where(hub_baskets.c.store == asked.store, hub_baskets.c.uid == uid)
    device = asked.connection.execute(held).scalar_one_or_none()
    if device is None:
        return UNKNOWN
    return "" if device == NOBODY else _want(asked)


def _stock(asked: Asked) -> str:
    """A promise: every line is on hand, less what was promised before. Negative stock never blocks a sale, but promises."""
    lines = _lines(asked.claim)
    if not lines or min(lines.values()) <= 0:
        return UNKNOWN
    on_hand = select(stock.c.sku, stock.c.quantity).where(stock.c.store == asked.store, stock.c.sku.in_(list(lines)))
    have = {sku: int(quantity) for sku, quantity in asked.connection.execute(on_hand)}
    promised = promised_of(asked.connection, asked.store, list(lines))
    return "" if all(have.get(sku, 0) - promised.get(sku, 0) >= n for sku, n in lines.items()) else SHORT


RULES: dict[str, Callable[[Asked], str]] = {SALE: _sale, COUPON: _coupon, BASKET: _basket, STOCK: _stock}


def promised_of(connection: Connection, store: str, skus: list[str]) -> dict[str, int]:
    """sku -> quantity that is promised and not yet taken from stock."""
    c, held = hub_promised.c, hub_claims.c
    lines = (
        select(c.sku, func.sum(c.quantity)).join(hub_claims, (held.store == c.store) & (held.uid == c.uid))
        .where(c.store == store, c.sku.in_(skus), held.what == STOCK, held.state == HELD).group_by(c.sku)
    )  # fmt: skip
    return {sku: int(quantity) for sku, quantity in connection.execute(lines)}


def _lines(ask: Claim) -> dict[str, int]:
    lines: dict[str, int] = {}
    for sku, quantity in ask.lines:
        lines[sku] = lines.get(sku, 0) + quantity
    return lines


def _is_held(asked: Asked) -> bool:
    c = hub_claims.c
    found = select(c.uid).where(c.store == asked.store, c.what == asked.claim.what, c.name == asked.claim.name)
    return asked.connection.execute(found.where(c.state == HELD)).first() is not None


def _fact(asked: Asked, what: str) -> Row[Any] | None:
    c = facts.c
    found = select(facts).where(c.store == asked.store, c.what == what, c.name == asked.claim.name)
    return asked.connection.execute(found).first()


def _event(connection: Connection, fact: Row[Any]) -> WireEvent:
    return event_at(connection, fact.store, chain_of(fact), fact.seq)


def _handed_over(asked: Asked, device: bytes) -> str:
    """Whether the till that made it has handed it over; else it is asked to. Another device's word for it does not count."""
    given = _fact(asked, handed(asked.claim.what))
    if given is not None:
        return "" if given.device == device else UNKNOWN
    return _want(asked)


def _want(asked: Asked) -> str:
    what, name = asked.claim.what, asked.claim.name
    body = json.dumps({"name": name, "what": what}, sort_keys=True, separators=(",", ":")).encode()
    publish(asked.connection, WANTED, [(asked.store, f"{what}:{name}", body)], asked.now_ms)
    return WAITING


# ------------------------------------------------------------------ sales and baskets


def find_sale(hq: Hq, caller: Caller, message: SaleWanted) -> SaleFound:
    """A sale of this shop with its returns, oldest first as they arrived. NOT_FOUND when it is not in the log."""
    with hq.database.read() as connection:
        c = facts.c
        about = select(facts).where(c.store == caller.store, c.name == message.number, c.what.in_((SALE, RETURN)))
        rows = connection.execute(about).all()
        sale = next((row for row in rows if row.what == SALE), None)
        if sale is None:
            raise Rejected(protocol.NOT_FOUND, "no such sale")
        backs = [_event(connection, row).payload for row in rows if row.what == RETURN]
        sold = _event(connection, sale)
        return SaleFound(uid=sold.header.uid, wall_ms=sold.header.wall_ms, sale=sold.payload, returns=backs)


def baskets(hq: Hq, caller: Caller, message: HeldBaskets) -> HeldBaskets:
    """Take what a till tells of its held baskets; answer what it can fetch from elsewhere."""
    c = hub_baskets.c
    if not _is_telling_sound(message):
        raise Rejected(protocol.BROKEN, "baskets")
    with hq.database.write() as connection:
        if message.baskets is not None:
            _tell(connection, caller, message.baskets)
            hub_memory.hear(connection, caller, message, hq.generation(connection), hq.clock.wall_ms())
        rows = connection.execute(
            select(hub_baskets).where(c.store == caller.store, c.device != caller.device).order_by(c.since_ms)
        )
        found = [HeldBasket(bytes(row.uid), row.label, row.lane, row.since_ms, bytes(row.body)) for row in rows]
        return HeldBaskets(baskets=[basket for basket in found if not _is_gone(connection, caller.store, basket.uid)])


def _is_telling_sound(message: HeldBaskets) -> bool:
    told = {basket.uid: basket for basket in message.baskets or ()}
    return (
        len(told) == len(message.baskets or ()) <= BASKETS_MAX and 0 <= message.seq < TIME_MAX_MS
        and all(len(uid) == UID_BYTES and abs(basket.since_ms) < TIME_MAX_MS for uid, basket in told.items())
        and all(max(len(basket.label), len(basket.lane)) <= NAME_MAX for basket in told.values())
        and all(is_sound(*claimed) for claimed in message.claims)
    )  # fmt: skip


def _tell(connection: Connection, caller: Caller, told: list[HeldBasket]) -> None:
    """A till's list in the place of its last one. What it does not hold any more nobody needs to ask it for."""
    c = hub_baskets.c
    mine = (c.store == caller.store, c.device == caller.device)
    connection.execute(delete(hub_baskets).where(*mine))
    known = select(c.uid).where(c.store == caller.store, c.uid.in_([basket.uid for basket in told]))
    others = {bytes(uid) for uid in connection.execute(known).scalars()}  # handed over by now: this list is an old one
    rows = [
        {"store": caller.store, "uid": basket.uid, "device": caller.device, "label": basket.label, "lane": basket.lane}
        | {"since_ms": basket.since_ms, "body": basket.body}
        for basket in told if basket.uid not in others
    ]  # fmt: skip
    if rows:
        connection.execute(insert(hub_baskets), rows)


def _is_gone(connection: Connection, store: str, uid: bytes) -> bool:
    """Whether a till has fetched it."""
    c = hub_claims.c
    taken = select(c.uid).where(c.store == store, c.what == BASKET, c.name == uid.hex(), c.state == HELD)
    fetched = select(facts.c.uid).where(facts.c.store == store, facts.c.what == FETCHED, facts.c.name == uid.hex())
    return connection.execute(taken).first() is not None or connection.execute(fetched).first() is not None


Handler = Callable[[Hq, Caller, Any], Any]


def at_a_hub(handler: Handler) -> Handler:
    """Only a hub decides; an HQ answers NOT_FOUND. A revoked device is told nothing."""

    def handle(hq: Hq, caller: Caller, message: Any) -> Any:
        with hq.database.read() as connection:
            if not is_hub(connection):
                raise Rejected(protocol.NOT_FOUND, "no store hub")
        if caller.state == REVOKED:
            raise Rejected(protocol.UNKNOWN_DEVICE, "revoked")
        return handler(hq, caller, message)

    return handle
