"""The proof's sums of an event, by a faster reader of JSON: for both ends of the wire."""

import json
from typing import Any, TypedDict

import msgspec

from pos_app.domain import proof
from pos_app.domain.proof import Sums


class Counted(TypedDict, total=False):
    """Of an event, or of one of its parts, the fields that the sums are made of: the rest of the JSON is passed over."""

    quantity: Any
    units: Any
    weight_g: Any
    amount_fen: Any
    points: Any
    to_waste: Any


class Event(TypedDict, total=False):
    lines: list[Counted]
    gifts: list[Counted]
    tenders: list[Counted]
    refunds: list[Counted]
    points: list[Counted]
    moves: list[Counted]


_read = msgspec.json.Decoder(Event).decode


def sums_of(kind: str, payload: bytes) -> Sums:
    """What one event adds to the sums of its chain."""
    return proof.sums_of(kind, payload, parse)


def parse(payload: bytes) -> Any:
    """What the sums need of json.loads(payload), in a tenth of the time where it has the shape that tills write.

    json.loads also refuses a number of 4,300 digits in a field that is passed over; no till writes one.
    """
    try:
        payload.decode()  # fields that are passed over are not looked at, and no JSON holds what is no text
        return _read(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return json.loads(payload)
