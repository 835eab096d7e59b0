"""Who says so: Ed25519 signatures of requests, answers, receipts and statements. A key is 32 bytes, a signature 64.

An answer is signed over the request's own signature, and a request over a number that is never used again: no answer is
believed but HQ's own, to just this request.
"""

import base64
import binascii
import hashlib
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync.protocol import ChainId, DayStatement, Mark

SIGNATURE, DEVICE, KEY, PROTOCOL = "lanewise-signature", "lanewise-device", "lanewise-key", "lanewise-protocol"
NONCE = "lanewise-nonce"
NONCE_BYTES = 16


@lru_cache(maxsize=16)
def public_key(secret: bytes) -> bytes:
    """The public half of a device's secret key (32 bytes)."""
    return bytes(_key(secret).public_key().public_bytes_raw())


def key_id(public: bytes) -> str:
    """A short name of a key, for headers and people."""
    return hashlib.blake2b(public, digest_size=8).hexdigest()


def sign(secret: bytes, text: bytes) -> bytes:
    return bytes(_key(secret).sign(text))


@lru_cache(maxsize=16)
def _key(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(secret)


def is_signed(public: bytes, signature: bytes, text: bytes) -> bool:
    """Whether `signature` over `text` is of this key; False for anything that is no key or no signature."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def request_text(method: str, path: str, device: bytes, nonce: str, body: bytes) -> bytes:
    """What a device signs. Chain, epoch and first seq are inside the body, so a replay can only repeat what was done."""
    return "\n".join(("lanewise/request/1", method.upper(), path, device.hex(), nonce, _digest(body))).encode()


def answer_text(request_signature: str, status: int, body: bytes) -> bytes:
    """What HQ signs: this body, for the request that was signed so."""
    return "\n".join(("lanewise/answer/1", request_signature, str(status), _digest(body))).encode()


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=32).hexdigest()


def signed_headers(secret: bytes, method: str, path: str, device: bytes, body: bytes, version: int) -> dict[str, str]:
    """The headers of a signed request; `path` with its query, as it is asked for."""
    nonce = secrets.token_hex(NONCE_BYTES)
    signature = sign(secret, request_text(method, path, device, nonce, body))
    return {
        NONCE: nonce,
        DEVICE: device.hex(),
        KEY: key_id(public_key(secret)),
        PROTOCOL: str(version),
        SIGNATURE: base64.b64encode(signature).decode(),
    }


def is_answer_signed(public: bytes, signature: str, request_signature: str, status: int, body: bytes) -> bool:
    """Whether HQ's signature, as it stands in the answer's header, is over this answer to this request."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        return False
    return is_signed(public, raw, answer_text(request_signature, status, body))


def receipt_text(chain: ChainId, mark: Mark, generation: bytes) -> bytes:
    """What HQ signs when it acknowledges: the proof that it once held so much."""
    parts = (*chain, b"%d" % mark.seq, mark.hash, generation)
    return b"lanewise/receipt/1\n" + b"\n".join(part.hex().encode() for part in parts)


def rotation_text(device: bytes, new_key: bytes) -> bytes:
    """What the new key signs, so that nobody can make a device's key one that somebody else holds."""
    return b"lanewise/rotation/1\n" + device.hex().encode() + b"\n" + new_key.hex().encode()


def statement_text(day: DayStatement) -> bytes:
    """What HQ signs for a store's day."""
    lines = [
        "lanewise/day/1", day.store.encode().hex(), day.business_date.encode().hex(), day.generation.hex(),
        str(day.events), str(day.money_fen), day.root.hex(), str(day.made_ms),
        *(f"{device.hex()} {count} {root.hex()}" for device, count, root in day.devices),
    ]  # fmt: skip
    return "\n".join(lines).encode()
