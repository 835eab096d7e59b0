"""What a hub's tills hold, for a person who looks after the shop; and freeing a claim of one whose disk is gone."""

import logging

import msgspec
from sqlalchemy import Connection, select, update

from sync.hq_server import hub
from sync.hq_server.hub_tables import hub_claims
from sync.hq_server.tables import devices

log = logging.getLogger("lanewise.hub")


class HeldClaim(msgspec.Struct, frozen=True):
    """A claim that nothing has used yet. Ids are hex, moments in ms since 1970 (0: never)."""

    store: str
    what: str
    name: str
    uid: str
    till: str
    till_state: str
    heard_ms: int
    since_ms: int


def held(connection: Connection) -> list[HeldClaim]:
    """Every claim that is held, the oldest first."""
    c = hub_claims.c
    wanted = (
        select(c.store, c.what, c.name, c.uid, c.device, devices.c.state, devices.c.seen_ms, c.since_ms)
        .join(devices, devices.c.device == c.device)
        .where(c.state == hub.HELD)
        .order_by(c.since_ms, c.uid)
    )
    return [
        HeldClaim(store, what, name, uid.hex(), till.hex(), state, heard_ms, since_ms)
        for store, what, name, uid, till, state, heard_ms, since_ms in connection.execute(wanted)
    ]


def free(connection: Connection, what: str, name: str, uid: bytes, by: str, now_ms: int) -> HeldClaim | None:
    """End a claim whose till will never use it, and note who said so; None when no such claim is held.

    A till that lives after all may still use what it was granted, and then two have it: only for one whose disk is gone.
    """
    wanted = (what, name, uid.hex())
    found = next((one for one in held(connection) if (one.what, one.name, one.uid) == wanted), None)
    if found is None or not hub.free(connection, found.store, what, name, uid):
        return None
    c = hub_claims.c
    row = (c.store == found.store, c.what == what, c.name == name, c.uid == uid)
    connection.execute(update(hub_claims).where(*row).values(freed_by=by, freed_ms=now_ms))
    log.warning("%s freed %s %.40r, held by till %s since %d", by, what, name, found.till, found.since_ms)
    return found
