"""Whose history a device goes on with: it shows the key of each id that its file had before.

A proof is that key's signature over the new id, the new key and the code, so it is good for this one enrolment.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from sync.identity import Signer
from sync.protocol import Enrol, KeyProof
from sync.signing import is_signed, public_key, sign

PROOFS_MAX = 100


def proof_text(device: bytes, message: Enrol) -> bytes:
    """What the key of `device`, an earlier id, signs for an enrolment."""
    code = hashlib.blake2b(message.code.encode("utf-8", "replace"), digest_size=32).hexdigest()
    return "\n".join(("lanewise/heir/1", device.hex(), message.device.hex(), message.key.hex(), code)).encode()


def with_proofs(message: Enrol, keys: Iterable[Signer]) -> Enrol:
    """The enrolment with a proof by each key that the file has had."""
    proofs = [KeyProof(one.device, public_key(one.secret), sign(one.secret, proof_text(one.device, message))) for one in keys]
    return msgspec.structs.replace(message, proofs=proofs[:PROOFS_MAX])


def shown(message: Enrol) -> dict[bytes, list[bytes]]:
    """device -> the keys of it that whoever enrols holds; whether they are the right ones is for HQ to say."""
    found: dict[bytes, list[bytes]] = {}
    for proof in message.proofs[:PROOFS_MAX]:
        if is_signed(proof.key, proof.signature, proof_text(proof.device, message)):
            found.setdefault(proof.device, []).append(proof.key)
    return found


def short(device: bytes) -> str:
    """An id as people read and type it: how it begins."""
    return device.hex()[:12]
