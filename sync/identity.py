"""Who this store file is on the wire: the device's key, made here, and the HQ that it was made known to."""

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from store_db import members
from store_db.connection import Connection

KEY = "device_key"
NEXT_KEY, NEXT_DEVICE = "next_device_key", "next_device"  # stored before HQ hears of them, so that an answer may get lost
KEPT = "kept_key:"  # and a number: each key that was made here, after its device: an HQ that was put back knows an older one
DEVICE_BYTES = 16


class Signer(NamedTuple):
    """A device and its secret key."""

    device: bytes
    secret: bytes


def new_secret() -> bytes:
    return bytes(Ed25519PrivateKey.generate().private_bytes_raw())


def signer(connection: Connection) -> Signer | None:
    """Who signs for this file; None before it is enrolled."""
    secret = members.secret(connection, KEY)
    if secret is None:
        return None
    return Signer(bytes(connection.execute("SELECT device FROM device").fetchone()[0]), secret)


def pending(connection: Connection) -> Signer | None:
    """Who this file has asked to become."""
    secret, device = (members.secret(connection, name) for name in (NEXT_KEY, NEXT_DEVICE))
    return Signer(device, secret) if secret is not None and device is not None else None


def put_pending(connection: Connection, wanted: Signer) -> None:
    members.put_secret(connection, NEXT_DEVICE, wanted.device, replace=True)
    members.put_secret(connection, NEXT_KEY, wanted.secret, replace=True)
    members.put_secret(connection, f"{KEPT}{len(kept(connection)):06}", wanted.device + wanted.secret)


def kept(connection: Connection) -> list[Signer]:
    """Every key that this file has had, under whichever id, the newest first."""
    rows = connection.execute("SELECT value FROM secrets WHERE name GLOB ? ORDER BY name DESC", (KEPT + "*",))
    return [Signer(bytes(row[0])[:DEVICE_BYTES], bytes(row[0])[DEVICE_BYTES:]) for row in rows]


def become(connection: Connection, known: Signer) -> None:
    """HQ knows the key: it signs from now on."""
    members.put_secret(connection, KEY, known.secret, replace=True)
    connection.execute("DELETE FROM secrets WHERE name IN (?, ?)", (NEXT_KEY, NEXT_DEVICE))
