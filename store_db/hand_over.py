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


def claim_of(connection: Connection, what: str, name: str) -> HubClaim | None:
    """The claim of this file on a thing; a dropped one is none."""
    sql = "SELECT * FROM hub_claims WHERE what = ? AND name = ? AND state != 'dropped' ORDER BY state DESC"
    row = connection.execute(sql, (what, name)).fetchone()
    return HubClaim(*row) if row else None


def held_claim(connection: Connection, what: str, name: str, epoch: bytes) -> HubClaim | None:
    """The claim under which a thing may be used now: granted, to this life of the file."""
    claim = claim_of(connection, what, name)
    return claim if claim is not None and claim.state == HELD and claim.epoch == epoch else None


def set_state(connection: Connection, uid: bytes, state: str) -> None:
    connection.execute("UPDATE hub_claims SET state = ? WHERE uid = ?", (state, uid))


def forget(connection: Connection, uid: bytes) -> None:
    """The claim was used up, or the hub knows that it is free."""
    connection.execute("DELETE FROM hub_claims WHERE uid = ?", (uid,))
