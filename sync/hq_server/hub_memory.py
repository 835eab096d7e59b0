"""A hub that starts may be an old copy that has forgotten claims: it grants none that may be among them.

A till tells what it holds with how far its journal had come: what is not among its claims by then is not held, or was used by
an event up to there. So a hub that has heard all tills, and has their journals up to then, knows everything, whether it was put
back or not. And what a till hands over after it has told, nobody can have been granted before.
"""

import json
import logging

from sqlalchemy import Connection

from sync.hq_server.database import run
from sync.hq_server.feed import publish
from sync.hq_server.hq import ACTIVE, TILL, Caller, Hq
from sync.hq_server.hub_facts import WANTED, handed
from sync.hq_server.relay_marks import us
from sync.protocol import RUN, HeldBaskets

log = logging.getLogger("lanewise.hub")
RUN_BYTES = 8

MISSING = """
SELECT d.device FROM devices d WHERE d.store = ? AND d.role = ? AND d.state = ?
AND EXISTS (SELECT 1 FROM chains c WHERE c.device = d.device)
AND NOT EXISTS (
    SELECT 1 FROM hub_heard h JOIN chains c ON c.device = h.device AND c.epoch = h.epoch AND c.seq >= h.seq
    WHERE h.device = d.device AND h.run = ? AND h.generation = (SELECT value FROM meta WHERE name = 'generation')
) ORDER BY d.device
"""

HANDED_OVER = """
SELECT count(*) AS times, count(h.device) AS since FROM hub_facts f LEFT JOIN hub_heard h
ON h.device = f.device AND h.epoch = f.epoch AND h.seq < f.seq AND h.run = ?
AND h.generation = (SELECT value FROM meta WHERE name = 'generation')
WHERE f.store = ? AND f.what = ? AND f.name = ?
"""

HEARD_FIRST = """
INSERT INTO hub_heard (device, generation, run, epoch, seq) VALUES (?, ?, ?, ?, ?) ON CONFLICT (device) DO UPDATE
SET generation = excluded.generation, run = excluded.run, epoch = excluded.epoch, seq = excluded.seq
WHERE (hub_heard.generation, hub_heard.run, hub_heard.epoch) <> (excluded.generation, excluded.run, excluded.epoch)
"""


def begin_run(hq: Hq) -> None:
    """The hub's process starts: every till is asked, in the topic WANTED, to tell what it holds. Nothing at an HQ."""
    with hq.database.write() as connection:
        if (hub := us(connection)) is not None:
            body = json.dumps({"name": hq.ids.random(RUN_BYTES).hex(), "what": RUN}, separators=(",", ":")).encode()
            publish(connection, WANTED, [(hub.store, RUN, body)], hq.clock.wall_ms())


def current_run(connection: Connection, store: str) -> str:
    """What tells this run of the hub's process from all others; empty before the first one."""
    sql = "SELECT body FROM feed WHERE topic = ? AND store = ? AND key = ?"
    body = run(connection, sql, WANTED, store, RUN).scalar()
    return str(json.loads(bytes(body))["name"]) if body is not None else ""


def missing(connection: Connection, store: str) -> list[bytes]:
    """The tills that were not heard in this run: of those that ever spoke to this hub, and are not given up."""
    rows = run(connection, MISSING, store, TILL, ACTIVE, current_run(connection, store))
    return [bytes(device) for device in rows.scalars()]


def may_have_forgotten(connection: Connection, store: str, what: str, name: str) -> bool:
    """Whether somebody may hold this without the hub knowing."""
    times, since = run(connection, HANDED_OVER, current_run(connection, store), store, handed(what), name).one()
    is_new = times > 0 and since == times
    return not is_new and bool(missing(connection, store))


def waits_for(connection: Connection) -> list[bytes]:
    """The tills that a hub has to hear before it grants what was handed over before; none at an HQ."""
    hub = us(connection)
    return missing(connection, hub.store) if hub is not None else []


def hear(connection: Connection, caller: Caller, told: HeldBaskets, generation: bytes, now_ms: int) -> None:
    """A till told what it holds. A claim that was granted before the hub lost its memory is held again.

    What was told under another generation, or to another run, says nothing of now.
    """
    if (told.generation, told.run) != (generation, current_run(connection, caller.store)):
        return
    for what, name, uid in told.claims:
        taken = "SELECT device FROM hub_claims WHERE store = ? AND what = ? AND name = ? AND (uid = ? OR state = 'held')"
        found = run(connection, taken, caller.store, what, name, uid).first()
        if found is None:
            put = "INSERT INTO hub_claims (store, what, name, uid, device, state, since_ms) VALUES (?, ?, ?, ?, ?, 'held', ?)"
            run(connection, put, caller.store, what, name, uid, caller.device, now_ms)
        elif bytes(found[0]) != caller.device:
            log.error("two tills hold %s %.40r: %s and %s", what, name, bytes(found[0]).hex(), caller.device.hex())
    run(connection, HEARD_FIRST, caller.device, told.generation, told.run, told.epoch, told.seq)
