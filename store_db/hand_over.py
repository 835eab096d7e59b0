"""What a store file gave into the hub's hands, and what the hub let it have for a while.

A claim is asked for, held, and in the end used up by an event of this file, in that event's transaction, or dropped. A
dropped one cannot be used any more: only then is the hub told that it is free.
"""

from typing import Any, NamedTuple

from pos_app.domain.events import Header
from store_db.connection import Connection

SALE, COUPON, BASKET = "sale", "coupon", "basket"
ASKED, HELD, DROPPED = "asked", "held", "dropped"


class HubClaim(NamedTuple):
    """One thing that this file asked the hub for. `uid` is that of the event which is going to use it, or a random one."""

    uid: bytes
    what: str
    name: str
    lane: str
    epoch: bytes
    state: str = ASKED


def project_handed(connection: Connection, entry_id: int, header: Header, payload: dict[str, Any]) -> None:
    connection.execute("INSERT INTO handed_over VALUES (?,?,?)", (payload["what"], payload["name"], entry_id))


def is_handed_over(connection: Connection, what: str, name: str) -> bool:
    """Whether the hub alone decides on it by now."""
    sql = "SELECT 1 FROM handed_over WHERE what = ? AND name = ?"
    return connection.execute(sql, (what, name)).fetchone() is not None


def put_claim(connection: Connection, claim: HubClaim) -> None:
    """Note a claim before the hub is asked, so that no crash forgets it."""
    connection.execute("INSERT INTO hub_claims VALUES (?,?,?,?,?,?)", claim)


def claims(connection: Connection, what: str = "", state: str = "") -> list[HubClaim]:
    """The claims there are, of a kind and in a state."""
    sql = "SELECT * FROM hub_claims WHERE (? = '' OR what = ?) AND (? = '' OR state = ?) ORDER BY uid"
    return [HubClaim(*row) for row in connection.execute(sql, (what, what, state, state))]


def claim_of(connection: Connection, what: str, name: str, epoch: bytes) -> HubClaim | None:
    """The claim on a thing in this life of the file; a dropped one is none."""
    sql = "SELECT * FROM hub_claims WHERE what = ? AND name = ? AND epoch = ? AND state != 'dropped'"
    row = connection.execute(sql, (what, name, epoch)).fetchone()
    return HubClaim(*row) if row else None


def held_claim(connection: Connection, what: str, name: str, epoch: bytes) -> HubClaim | None:
    """The claim under which a thing may be used now."""
    claim = claim_of(connection, what, name, epoch)
    return claim if claim is not None and claim.state == HELD else None


def put_held(connection: Connection, uid: bytes) -> bool:
    """The hub let this file have it; False when it was dropped meanwhile."""
    return bool(
        connection.execute("UPDATE hub_claims SET state = 'held' WHERE uid = ? AND state = 'asked'", (uid,)).rowcount == 1
    )


def drop(connection: Connection, claim: HubClaim, epoch: bytes) -> None:
    """This file will never use it. One of an earlier life is forgotten: a copy of the file may still be about to use it."""
    if claim.epoch != epoch or (claim.what == COUPON and _is_used(connection, claim.name)):
        forget(connection, claim.uid)
    else:
        connection.execute("UPDATE hub_claims SET state = 'dropped' WHERE uid = ?", (claim.uid,))


def _is_used(connection: Connection, code: str) -> bool:
    return connection.execute("SELECT 1 FROM coupon_uses WHERE code = ?", (code,)).fetchone() is not None


def forget(connection: Connection, uid: bytes) -> None:
    """The claim was used up, or the hub knows that it is free."""
    connection.execute("DELETE FROM hub_claims WHERE uid = ?", (uid,))
