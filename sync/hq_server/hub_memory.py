"""A hub that was put back to an old copy has forgotten claims: it decides on nothing until every till has told what it holds.

A till tells with how far its journal had come: what is not among its claims by then is not held, or was used by an event up
to there. So a hub that has heard all tills, and has their journals up to then, knows everything again.
"""

import logging

from sqlalchemy import Connection

from sync.hq_server.database import run
from sync.hq_server.hq import ACTIVE, TILL, Caller
from sync.protocol import HeldBaskets

log = logging.getLogger("lanewise.hub")

MISSING = """
SELECT 1 FROM devices d WHERE d.store = ? AND d.role = ? AND d.state = ?
AND EXISTS (SELECT 1 FROM chains c WHERE c.device = d.device)
AND NOT EXISTS (
    SELECT 1 FROM hub_heard h JOIN chains c ON c.device = h.device AND c.epoch = h.epoch AND c.seq >= h.seq
    WHERE h.device = d.device AND h.generation = (SELECT value FROM meta WHERE name = 'generation')
) LIMIT 1
"""


def is_whole(connection: Connection, store: str) -> bool:
    """Whether every till that ever spoke to this hub, and is not given up, was heard since the hub lost its memory."""
    return run(connection, MISSING, store, TILL, ACTIVE).first() is None


def hear(connection: Connection, caller: Caller, told: HeldBaskets, now_ms: int) -> None:
    """A till told what it holds. A claim that was granted before the hub lost its memory is held again."""
    for what, name, uid in told.claims:
        taken = "SELECT device FROM hub_claims WHERE store = ? AND what = ? AND name = ? AND (uid = ? OR state = 'held')"
        found = run(connection, taken, caller.store, what, name, uid).first()
        if found is None:
            put = "INSERT INTO hub_claims (store, what, name, uid, device, state, since_ms) VALUES (?, ?, ?, ?, ?, 'held', ?)"
            run(connection, put, caller.store, what, name, uid, caller.device, now_ms)
        elif bytes(found[0]) != caller.device:
            log.error("two tills hold %s %.40r: %s and %s", what, name, bytes(found[0]).hex(), caller.device.hex())
    put = "INSERT INTO hub_heard (device, generation, epoch, seq) VALUES (?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET "
    changes = "generation = excluded.generation, epoch = excluded.epoch, seq = excluded.seq"
    run(connection, put + changes, caller.device, told.generation, told.epoch, told.seq)
