"""Price packages of a shop: signed, checked whole, stored for ever, found by time and by digest.

The signature is Ed25519 over a domain tag and the canonical JSON. The library for it is loaded when a signature is made or
checked; a lane does neither: what is in its store was checked when it came.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pos_app.domain.errors import BadInput, Refusal, StoreError, refuse
from pos_app.domain.events import PackageInstalled
from pos_app.domain.plain import to_json
from pos_app.domain.pricing.model import Package
from pos_app.domain.pricing.package_checks import Problem, problem_at
from pos_app.domain.pricing.package_form import parse, read_package, read_stored, unwrapped
from store_db import packages
from store_db.packages import PackageRow
from store_db.store import Store

SIGNED = b"lanewise/package/1\0"
Keys = Mapping[str, bytes]  # key id -> the 32 bytes of a public key
NO_KEYS: Keys = {}


class CheckedPackage(NamedTuple):
    """A package that may be installed, with its canonical bytes; `key` is empty for an unsigned one."""

    package: Package
    body: bytes
    signature: str = ""
    key: str = ""


class Rejected(NamedTuple):
    """Why a package is not taken: the refusal, and for a bad document every problem of it."""

    refusal: Refusal
    problems: tuple[Problem, ...] = ()


# ------------------------------------------------------------------ keys and signatures


def key_id(public: bytes) -> str:
    """How a file names the key: the first 16 hex digits of the key's blake2b-256."""
    return hashlib.blake2b(public, digest_size=32).hexdigest()[:16]


def read_keys(folder: Path) -> dict[str, bytes]:
    """The public keys (PEM, `*.pem`) of a folder by their ids. Raises BadInput POS-2207 for one that cannot be read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if not folder.is_dir():
        raise BadInput("POS-2207", path=folder)
    keys = {}
    for path in sorted(folder.glob("*.pem")):
        try:
            key = load_pem_public_key(path.read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise BadInput("POS-2207", path=path) from error
        if not isinstance(key, Ed25519PublicKey):
            raise BadInput("POS-2207", path=path)
        keys[key_id(key.public_bytes_raw())] = key.public_bytes_raw()
    return keys


def public_of(secret: bytes) -> bytes:
    """The 32 bytes of the public key that belongs to 32 secret bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return bytes(Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw())


def public_pem(public: bytes) -> bytes:
    """A public key as a file of the keys' folder."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return bytes(Ed25519PublicKey.from_public_bytes(public).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def sign_package(document: dict[str, Any], secret: bytes) -> bytes:
    """The signed file of a package."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signature = Ed25519PrivateKey.from_private_bytes(secret).sign(SIGNED + to_json(document))
    return to_json({"package": document, "signature": signature.hex(), "key": key_id(public_of(secret))})


def _is_signed_by(public: bytes, signature: str, body: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(bytes.fromhex(signature), SIGNED + body)
    except (InvalidSignature, ValueError):
        return False
    return True


# ------------------------------------------------------------------ checking and installing


def check_package(data: bytes, keys: Keys, now_ms: int, *, unsigned: bool = False) -> CheckedPackage | Rejected:
    """A file judged whole: its signature first, then everything in it. `unsigned`: a signature is not asked for."""
    document = parse(data)
    if isinstance(document, Problem):
        return rejected((document,))
    inner = unwrapped(document)
    try:
        body = to_json(inner)
    except (TypeError, ValueError, RecursionError):  # a decimal or null: the reader names where
        body = b""
    signature, key = ("", "") if unsigned else _envelope(document)
    if body and not unsigned:
        if not signature:
            return Rejected(refuse("POS-2203"))
        if key not in keys or not _is_signed_by(keys[key], signature, body):
            return Rejected(refuse("POS-2202", key=key))
    package = read_package(inner, now_ms=now_ms)
    problems = _unnamed(package) if isinstance(package, Package) else package
    if problems or not isinstance(package, Package):
        return rejected(problems)
    return CheckedPackage(package, body, signature, key)


def _envelope(document: Any) -> tuple[str, str]:
    """(signature, key id) of a signed file; empty texts for a bare package."""
    if not isinstance(document, dict) or unwrapped(document) is document:
        return "", ""
    signature, key = str(document.get("signature", "")), str(document.get("key", ""))
    return signature, key if re.fullmatch("[0-9a-f]{1,64}", key) else "?"


def _unnamed(package: Package) -> tuple[Problem, ...]:
    """What a file for pricing alone may leave out and a shop needs."""
    named = {"version": package.version, "shop": package.shop, "valid_from": package.valid_from_ms}
    return tuple(problem_at((None, key), "missing") for key, value in named.items() if not value)


def rejected(problems: tuple[Problem, ...]) -> Rejected:
    """A document refused for its problems."""
    return Rejected(refuse("POS-2201", count=len(problems), path=problems[0].path, reason=problems[0].reason), problems)


def install_package(
    store: Store, data: bytes, keys: Keys, *, unsigned: bool = False, staff: str = ""
) -> CheckedPackage | Rejected:
    """Store a package whole, with its event, or leave everything as it was. One that is there already changes nothing."""
    checked = check_package(data, keys, store.clock.wall_ms(), unsigned=unsigned)
    if isinstance(checked, Rejected):
        return checked
    with store.transaction():
        return store_package(store, checked, staff)


def store_package(store: Store, checked: CheckedPackage, staff: str = "") -> CheckedPackage | Rejected:
    """Store a checked package with its event, inside the open transaction."""
    package, connection = checked.package, store.connection
    if package.shop != store.device.store:
        return Rejected(refuse("POS-2204", found=package.shop, shop=store.device.store))
    known = {row.version: row.digest for row in packages.rows(connection)}
    if package.version in known:
        same = known[package.version] == package.digest
        return checked if same else Rejected(refuse("POS-2205", version=package.version))
    packages.add(connection, _row(checked, store.clock.wall_ms()), checked.body)
    store.append(
        PackageInstalled(package.digest, package.version, package.valid_from_ms, package.valid_to_ms, checked.key, staff)
    )
    return checked


def _row(checked: CheckedPackage, now_ms: int) -> PackageRow:
    package = checked.package
    return PackageRow(
        package.digest, package.version, package.valid_from_ms, package.valid_to_ms, checked.signature, checked.key, now_ms
    )


# ------------------------------------------------------------------ finding


def package_at(store: Store, now_ms: int, default: Package | None = None) -> Package:
    """The package that holds at a moment; `default` (shelf prices alone) when none does."""
    row = packages.row_at(packages.rows(store.connection), now_ms)
    found = package_by_digest(store, row.digest) if row else None
    return found or default or Package()


def package_by_digest(store: Store, digest: str) -> Package | None:
    """A stored package, by the digest on a receipt. Raises StoreError POS-1002 when its bytes are no longer what they were."""
    body = packages.body(store.connection, digest)
    if body is None:
        return None
    package = read_stored(body) if hashlib.blake2b(body, digest_size=32).hexdigest() == digest else ()
    if not isinstance(package, Package):
        raise StoreError("POS-1002", path=store.path, detail=f"package {digest[:12]}")
    return package
