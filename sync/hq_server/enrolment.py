"""Taking a device in by its one-time code, and whose history it may go on with."""

from collections.abc import Mapping
from itertools import pairwise

from sqlalchemy import Connection

from sync import heir, protocol
from sync.hq_server.database import run
from sync.hq_server.devices import (
    ANCESTORS_MAX,
    DEVICE_BYTES,
    KEY_BYTES,
    Device,
    add,
    add_key,
    ancestors,
    code_hash,
    find,
    freeze,
    holds,
    revoke_keys,
)
from sync.hq_server.hq import ACTIVE, FROZEN, REVOKED, TILL, Hq, Rejected
from sync.protocol import Enrol, Enrolled


def enrol(hq: Hq, message: Enrol) -> Enrolled:
    """Take in a device by its code. A repeated request, after a lost answer, is answered again; it changes nothing.

    Refused: ENROL_CODE for a code that is unknown, used, over, or of another shop; FROZEN for an id that two machines used;
    HEIR, with the ids, for known ones whose key is not shown and that the code does not name.
    """
    if len(message.device) != DEVICE_BYTES or len(message.key) != KEY_BYTES or message.heir_of == message.device:
        raise Rejected(protocol.BROKEN, "device, key or heir")
    now_ms, code = hq.clock.wall_ms(), code_hash(message.code)
    with hq.database.read() as connection:  # guesses hold up nobody who writes
        if run(connection, "SELECT 1 FROM enrol_codes WHERE hash = ?", code).first() is None:
            raise Rejected(protocol.ENROL_CODE, "no such code")
    with hq.database.write() as connection:
        lock = " FOR UPDATE" if hq.database.is_postgres else ""
        sql = "SELECT store, role, until_ms, used_ms, used_by, heir_of FROM enrol_codes WHERE hash = ?"
        row = run(connection, sql + lock, code).first()
        if row is None or row[0] != message.store:
            raise Rejected(protocol.ENROL_CODE, "no such code")
        store, role, until_ms, used_ms, used_by, named = row
        run(connection, "SELECT 1 FROM stores WHERE store = ?" + lock, store)  # one enrolment of a shop at a time
        if used_ms and not (bytes(used_by) == message.device and holds(connection, message.device, message.key)):
            raise Rejected(protocol.ENROL_CODE, "used")
        if not used_ms:
            if until_ms < now_ms:
                raise Rejected(protocol.ENROL_CODE, "over")
            _take_in(connection, message, role, _ids_in(bytes(named)), now_ms)
            run(connection, "UPDATE enrol_codes SET used_ms = ?, used_by = ? WHERE hash = ?", now_ms, message.device, code)
        return Enrolled(store=store, generation=hq.generation(connection), hq_key=hq.key, wall_ms=now_ms)


def _ids_in(joined: bytes) -> set[bytes]:
    return {joined[at : at + DEVICE_BYTES] for at in range(0, len(joined), DEVICE_BYTES)}


def _claimed(message: Enrol) -> list[bytes]:
    """The ids that the caller says it had before, newest first."""
    said = dict.fromkeys([message.heir_of, *message.ancestors[:ANCESTORS_MAX]])
    return [device for device in said if len(device) == DEVICE_BYTES and device != message.device]


def _check_heir(connection: Connection, message: Enrol, shown: Mapping[bytes, list[bytes]], named: set[bytes]) -> None:
    """Rejected HEIR unless the caller may go on with all that it claims, and HQ knows.

    It may, where it shows a key that holds, or the code names the device: then also with that device's ancestors. Under the
    very id that it had only with that id's key.
    """
    held = {device for device, keys in shown.items() if any(_vouches(connection, device, key) for key in keys)}
    if _vouches(connection, message.device, message.key):
        held.add(message.device)
    allowed = {*held, *named}.union(*(ancestors(connection, device) for device in held | named))
    wrong = [device for device in _claimed(message) if device not in allowed]
    if message.device not in held:
        wrong.append(message.device)
    if unproven := [heir.short(device) for device in wrong if find(connection, device)]:
        raise Rejected(protocol.HEIR, " ".join(unproven))


def _vouches(connection: Connection, device: bytes, key: bytes) -> bool:
    """Whether a key speaks for a device: one that was revoked has none that does."""
    known = find(connection, device)
    return known is not None and known.state != REVOKED and holds(connection, device, key)


def _take_in(connection: Connection, message: Enrol, role: str, named: set[bytes], now_ms: int) -> None:
    known, ancestor = find(connection, message.device, lock=True), find(connection, message.heir_of, lock=True)
    if known and (known.store != message.store or known.state == REVOKED):
        raise Rejected(protocol.ENROL_CODE, "device id cannot be used")
    if known and known.state == FROZEN:
        raise Rejected(protocol.FROZEN, "a frozen device enrols under a new id")
    if ancestor and ancestor.store != message.store:
        raise Rejected(protocol.WRONG_STORE, "heir of another shop's device")
    shown = heir.shown(message)
    _check_heir(connection, message, shown, named)
    if ancestor and ancestor.state == ACTIVE:
        freeze(connection, ancestor.device)  # its heir has taken over: whoever still is that device must say so
    if known:
        run(connection, "UPDATE devices SET role = ? WHERE device = ?", role, message.device)
    else:
        add(connection, Device(message.device, message.store, role, ACTIVE, message.heir_of, now_ms), b"")
    for device, heir_of in pairwise([*_claimed(message), b""]):  # those that HQ knows stay as they are
        if not find(connection, device):
            add(connection, Device(device, message.store, TILL, FROZEN, heir_of, now_ms), b"")
            for key in shown.get(device, ()):
                add_key(connection, device, key)
    revoke_keys(connection, message.device, now_ms, but=message.key)
    add_key(connection, message.device, message.key)
