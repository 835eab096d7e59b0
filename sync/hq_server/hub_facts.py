"""What a store hub reads of the events that pass through it: facts about sales, coupons and baskets, by name.

Kept in the transaction that stores the events. An event also settles the claim that was held for it.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_on_postgres
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite

from sync.hq_server.feed import feed, publish
from sync.hq_server.hub_tables import hub_baskets, hub_claims, hub_facts, is_hub
from sync.protocol import WireEvent

SALE, RETURN, ISSUED, USED, VOID, HANDED = "sale", "return", "issued", "used", "void", "handed"
COUPON, BASKET, FETCHED = "coupon", "basket", "fetched"
WANTED = "wanted"  # the topic in which tills read what they are asked to hand over
NAME_MAX = 200
NOBODY = b""  # the device of a basket that was handed over


class Issued(msgspec.Struct):
    code: str


class Body(msgspec.Struct):
    """The fields of all kinds that matter here; each kind has some of them."""

    number: str = ""
    sale_number: str = ""
    coupons: list[str] = []
    issued: list[Issued] = []
    code: str = ""
    what: str = ""
    name: str = ""
    body: str = ""


BODY = msgspec.json.Decoder(Body)


def facts_in(event: WireEvent) -> list[tuple[str, str]]:
    """(what, name) of each fact that an event states, once; none of what cannot be read or be a key."""
    facts = dict.fromkeys(_facts(event))
    return [(what, name) for what, name in facts if 0 < len(name) <= NAME_MAX and name.isprintable()]


def _facts(event: WireEvent) -> Iterator[tuple[str, str]]:
    try:
        body = BODY.decode(event.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    kind = event.header.kind
    if kind == "sale":
        yield SALE, body.number.upper()
        yield from ((ISSUED, issued.code) for issued in body.issued)
        yield from ((USED, code) for code in body.coupons)
    elif kind == "return":
        yield RETURN, body.sale_number.upper()
        yield from ((VOID, code) for code in body.coupons)
    elif kind == "coupon_voided":
        yield VOID, body.code
    elif kind == "basket_fetched":
        yield FETCHED, body.name
    elif kind == "handed_over" and body.what in (SALE, COUPON, BASKET):
        yield handed(body.what), body.name


def handed(what: str) -> str:
    """The fact that something was handed over."""
    return f"{HANDED} {what}"


GIVING = frozenset({SALE, ISSUED, handed(SALE), handed(COUPON), handed(BASKET)})


def follow(
    connection: Connection, store: str, branch: bytes, events: Sequence[WireEvent], now_ms: int, *, gives: bool = True
) -> None:
    """Take stored events, with uids that the hub did not have before, into its tables. Nothing at an HQ.

    What a revoked device says was used, came back or was fetched counts all the same; it `gives` nobody anything.
    """
    if not events or not is_hub(connection):
        return
    facts = [(*fact, event) for event in events for fact in facts_in(event) if gives or fact[0] not in GIVING]
    if facts:
        connection.execute(insert(hub_facts), [_row(store, branch, *fact) for fact in facts])
    _settle(connection, store, [event.header.uid for event in events], [name for what, name, _ in facts if what == USED])
    for what, name, event in facts:
        if what == handed(BASKET):
            _basket_handed(connection, store, name, event)
        if what == FETCHED:
            _basket_fetched(connection, store, name)
    ended = [f"{what.partition(' ')[2]}:{name}" for what, name, _ in facts if what.startswith(HANDED)]
    ended += [f"{BASKET}:{event.header.uid.hex()}" for event in events if event.header.kind in ("sale", "sale_cancelled")]
    stop_wanting(connection, store, ended, now_ms)


def _row(store: str, branch: bytes, what: str, name: str, event: WireEvent) -> dict[str, object]:
    header = event.header
    return {
        "store": store, "what": what, "name": name, "uid": header.uid, "device": header.device, "epoch": header.epoch,
        "branch": branch, "seq": header.seq,
    }  # fmt: skip


def _settle(connection: Connection, store: str, uids: list[bytes], codes: list[str]) -> None:
    """Claims that these events were held for are used; so is a coupon that a sale took, under whichever claim."""
    held = update(hub_claims).where(hub_claims.c.store == store, hub_claims.c.state == "held").values(state="used")
    connection.execute(held.where(hub_claims.c.uid.in_(uids)))
    if codes:
        connection.execute(held.where(hub_claims.c.what == COUPON, hub_claims.c.name.in_(codes)))
    connection.execute(delete(hub_baskets).where(hub_baskets.c.store == store, hub_baskets.c.uid.in_(uids)))


def _basket_fetched(connection: Connection, store: str, name: str) -> None:
    of_it = (hub_claims.c.store == store, hub_claims.c.what == BASKET, hub_claims.c.name == name)
    connection.execute(update(hub_claims).where(*of_it, hub_claims.c.state == "held").values(state="used"))


def _basket_handed(connection: Connection, store: str, name: str, event: WireEvent) -> None:
    """It is the hub's now; a till that fetched it earlier and handed it over again is done with its claim."""
    try:
        uid = bytes.fromhex(name)
    except ValueError:
        return
    _settle(connection, store, [uid], [])
    put = insert_on_postgres if connection.dialect.name == "postgresql" else insert_on_sqlite
    header, body = event.header, BODY.decode(event.payload).body.encode(errors="replace")
    row = {"store": store, "uid": uid, "device": NOBODY, "label": name[:6], "lane": header.lane, "since_ms": header.wall_ms}
    connection.execute(put(hub_baskets).values(**row, body=body).on_conflict_do_nothing())
    mine = (hub_baskets.c.store == store, hub_baskets.c.uid == uid)
    connection.execute(update(hub_baskets).where(*mine).values(device=NOBODY, body=body))


def stop_wanting(connection: Connection, store: str, keys: Iterable[str], now_ms: int) -> None:
    """No till is asked for these any more."""
    here = select(feed.c.key).where(
        feed.c.topic == WANTED, feed.c.store == store, feed.c.key.in_(list(keys)), feed.c.body.is_not(None)
    )
    found = connection.execute(here).scalars().all()
    if found:
        publish(connection, WANTED, [(store, key, None) for key in found], now_ms)
