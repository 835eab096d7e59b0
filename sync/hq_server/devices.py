"""Who HQ knows: one-time codes, keys, frozen and revoked devices, and whose chains a device may offer."""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from pos_app.domain.ports import Ids
from sync import protocol, signing, topics
from sync.hq_server import feed
from sync.hq_server.database import run
from sync.hq_server.hq import ACTIVE, FROZEN, HUB, REVOKED, TILL, Caller, Hq, Rejected
from sync.protocol import Enrol, Rotate
from sync.signing import is_signed, key_id, request_text

CODE_BYTES = 10  # 80 random bits: nobody guesses one in a day
CODE_VALID_MS = 24 * 3_600_000
DEVICE_BYTES, KEY_BYTES = 16, 32
SEEN_EVERY_MS = 10_000
ANCESTORS_MAX = 100


class Asked(NamedTuple):
    """A request as it came. `path` is with its query, as it was signed."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Device(NamedTuple):
    """A row of `devices`, as far as rules need it."""

    device: bytes
    store: str
    role: str
    state: str
    heir_of: bytes
    seen_ms: int


def find(connection: Connection, device: bytes, *, lock: bool = False) -> Device | None:
    """A known device; `lock`: until COMMIT nobody else writes what belongs to it (SQLite has one writer anyway)."""
    sql = "SELECT device, store, role, state, heir_of, seen_ms FROM devices WHERE device = ?"
    row = run(connection, sql + (" FOR UPDATE" if lock and connection.dialect.name == "postgresql" else ""), device).first()
    return Device(bytes(row[0]), row[1], row[2], row[3], bytes(row[4]), row[5]) if row else None


# ------------------------------------------------------------------ one-time codes


def add_store(connection: Connection, store: str, name: str, now_ms: int) -> None:
    """A shop, by its id; a known one gets the name, if there is one."""
    sql = "INSERT INTO stores (store, name, made_ms) VALUES (?, ?, ?) ON CONFLICT (store) DO "
    if name:
        run(connection, sql + "UPDATE SET name = excluded.name", store, name, now_ms)
    else:
        run(connection, sql + "NOTHING", store, store, now_ms)


def make_code(
    connection: Connection, ids: Ids, store: str, now_ms: int, *, role: str = TILL, valid_ms: int = CODE_VALID_MS,
    heir_of: Iterable[bytes] = (),
) -> str:  # fmt: skip
    """A code that lets one device of a shop enrol, once: `7K2Q-M4XW-…`. HQ keeps its hash only.

    `heir_of`: devices whose history the new one may go on with although it has lost their keys; somebody answers for that.
    """
    add_store(connection, store, "", now_ms)
    text = base64.b32encode(ids.random(CODE_BYTES)).decode()
    sql = "INSERT INTO enrol_codes (hash, store, role, made_ms, until_ms, used_ms, used_by, heir_of) VALUES (?,?,?,?,?,0,?,?)"
    run(connection, sql, code_hash(text), store, role, now_ms, now_ms + valid_ms, b"", b"".join(heir_of))
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def code_hash(code: str) -> bytes:
    """As people type it: dashes, spaces and small letters do not matter."""
    text = "".join(code.upper().replace("-", " ").split())
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=32, person=b"lanewise-code").digest()


def add(connection: Connection, device: Device, via: bytes) -> None:
    sql = "INSERT INTO devices (device, store, role, state, heir_of, via, made_ms, seen_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    run(connection, sql + " ON CONFLICT (device) DO NOTHING", *device[:5], via, device.seen_ms, device.seen_ms)


# ------------------------------------------------------------------ keys


def rotate(hq: Hq, caller: Caller, message: Rotate) -> None:
    """A new key, beside the one that signed; older ones end. Said again it is answered again.

    Only the newest key brings another, and a key that was revoked never comes back: an old request played again does nothing.
    """
    if len(message.key) != KEY_BYTES or not is_signed(
        message.key, message.proof, signing.rotation_text(caller.device, message.key)
    ):
        raise Rejected(protocol.BROKEN, "not signed with the new key")
    with hq.database.write() as connection:
        find(connection, caller.device, lock=True)
        sql = "SELECT key, revoked_ms FROM device_keys WHERE device = ? ORDER BY number"
        keys = {bytes(key): revoked_ms for key, revoked_ms in run(connection, sql, caller.device)}
        good = [key for key, revoked_ms in keys.items() if not revoked_ms]
        if message.key in good:
            return
        if message.key in keys or good[-1:] != [caller.key]:
            raise Rejected(protocol.UNSIGNED, "a key that is over")
        for key in good[:-1]:
            _revoke_key(connection, caller.device, key, hq.clock.wall_ms())
        add_key(connection, caller.device, message.key)


def holds(connection: Connection, device: bytes, key: bytes) -> bool:
    """Whether a key is one of the device's good ones."""
    sql = "SELECT 1 FROM device_keys WHERE device = ? AND key = ? AND revoked_ms = 0"
    return run(connection, sql, device, key).first() is not None


def add_key(connection: Connection, device: bytes, key: bytes) -> None:
    number = "(SELECT coalesce(max(number), 0) + 1 FROM device_keys WHERE device = ?)"
    sql = f"INSERT INTO device_keys (device, key, key_id, number, revoked_ms) VALUES (?, ?, ?, {number}, 0)"
    known = run(connection, "SELECT revoked_ms FROM device_keys WHERE device = ? AND key = ?", device, key).first()
    if known is None:
        run(connection, sql, device, key, key_id(key), device)
    elif known[0]:
        raise Rejected(protocol.ENROL_CODE, "a key that is over")


def _revoke_key(connection: Connection, device: bytes, key: bytes, now_ms: int) -> None:
    run(connection, "UPDATE device_keys SET revoked_ms = ? WHERE device = ? AND key = ? AND revoked_ms = 0", now_ms, device, key)


def revoke_keys(connection: Connection, device: bytes, now_ms: int, *, but: bytes = b"") -> None:
    """End a device's keys for good."""
    sql = "UPDATE device_keys SET revoked_ms = ? WHERE device = ? AND key <> ? AND revoked_ms = 0"
    run(connection, sql, now_ms, device, but)


# ------------------------------------------------------------------ states


def freeze(connection: Connection, device: bytes) -> None:
    """Two machines live under this id: neither is served until it has enrolled anew."""
    run(connection, "UPDATE devices SET state = ? WHERE device = ? AND state = ?", FROZEN, device, ACTIVE)


def revoke(connection: Connection, device: bytes, now_ms: int) -> None:
    """What it still sends is stored and put in quarantine; it gets nothing down any more. The hub of its shop is told."""
    run(connection, "UPDATE devices SET state = ? WHERE device = ?", REVOKED, device)
    if (known := find(connection, device)) is not None:
        feed.publish(connection, topics.REVOKED, [(known.store, device.hex(), b"{}")], now_ms)


def take_revoked(connection: Connection, store: str, device: bytes, now_ms: int) -> None:
    """At a hub: HQ has revoked a device of the shop, also one that never came here."""
    add(connection, Device(device, store, TILL, REVOKED, b"", now_ms), b"")
    run(connection, "UPDATE devices SET state = ? WHERE device = ? AND store = ?", REVOKED, device, store)


# ------------------------------------------------------------------ who signed this


def authenticate(connection: Connection, asked: Asked) -> Caller:
    """The device that signed a request. Rejected UNSIGNED, UNKNOWN_DEVICE, FROZEN."""
    device, wanted, signature = _said(asked.headers)
    known = find(connection, device)
    if known is None:
        raise Rejected(protocol.UNKNOWN_DEVICE)
    sql = "SELECT key FROM device_keys WHERE device = ? AND key_id = ? AND revoked_ms = 0"
    keys = [bytes(key) for key in run(connection, sql, device, wanted).scalars()]
    text = request_text(asked.method, asked.path, device, asked.headers.get(signing.NONCE, ""), asked.body)
    key = next((key for key in keys if is_signed(key, signature, text)), None)
    if key is None:
        raise Rejected(protocol.UNSIGNED)
    if known.state == FROZEN:
        raise Rejected(protocol.FROZEN, "two machines used this id")
    return Caller(device, known.store, known.role, known.state, key, known.seen_ms)


def check_own_key(asked: Asked, message: Enrol) -> None:
    """Who enrols holds the key that it brings. Rejected UNSIGNED."""
    device, _, signature = _said(asked.headers)
    text = request_text(asked.method, asked.path, device, asked.headers.get(signing.NONCE, ""), asked.body)
    if device != message.device or not is_signed(message.key, signature, text):
        raise Rejected(protocol.UNSIGNED)


def _said(headers: Mapping[str, str]) -> tuple[bytes, str, bytes]:
    """(device, key id, signature) as the headers say."""
    try:
        device = bytes.fromhex(headers.get(signing.DEVICE, ""))
        signature = base64.b64decode(headers.get(signing.SIGNATURE, ""), validate=True)
    except (ValueError, binascii.Error):
        raise Rejected(protocol.UNSIGNED, "no device or signature") from None
    if len(device) != DEVICE_BYTES or not signature:
        raise Rejected(protocol.UNSIGNED, "no device or signature")
    return device, headers.get(signing.KEY, "")[:64], signature


def note_seen(hq: Hq, caller: Caller) -> None:
    """Remember when a device was heard last, to ten seconds."""
    now_ms = hq.clock.wall_ms()
    if abs(now_ms - caller.seen_ms) >= SEEN_EVERY_MS:
        with hq.database.write() as connection:
            run(connection, "UPDATE devices SET seen_ms = ? WHERE device = ?", now_ms, caller.device)


# ------------------------------------------------------------------ whose chains


def lock_owner(connection: Connection, caller: Caller, device: bytes, now_ms: int) -> Device:
    """The device whose chain a caller offers, locked until COMMIT. Rejected WRONG_STORE when it may not.

    It may offer its own chains and those of its ancestors; a hub those of every device of its store, also new ones.
    """
    if len(device) != DEVICE_BYTES:
        raise Rejected(protocol.BROKEN, "device id")
    known = find(connection, device, lock=True)
    if known and known.store != caller.store:
        raise Rejected(protocol.WRONG_STORE)
    if caller.role != HUB and device != caller.device and device not in ancestors(connection, caller.device):
        raise Rejected(protocol.WRONG_STORE)
    if known is None:
        known = Device(device, caller.store, TILL, ACTIVE, b"", now_ms)
        add(connection, known, caller.device)
    return known


def ancestors(connection: Connection, device: bytes) -> list[bytes]:
    """The ids that a device is the heir of, its own first predecessor first."""
    found: list[bytes] = []
    known = find(connection, device)
    while known and known.heir_of and known.heir_of not in found and len(found) < ANCESTORS_MAX:
        found.append(known.heir_of)
        known = find(connection, known.heir_of)
    return found
