"""The proof's sums of an event, by a faster reader of JSON: for both ends of the wire."""

import json
from typing import Any

import msgspec

from pos_app.domain import proof
from pos_app.domain.proof import Sums


def sums_of(kind: str, payload: bytes) -> Sums:
    """What one event adds to the sums of its chain."""
    return proof.sums_of(kind, payload, parse)


def parse(payload: bytes) -> Any:
    """As json.loads, in a fifth of the time where it is plain JSON."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(payload)
