"""Equality in numbers: what each event adds to the sums of its chain, and Merkle roots over hashes.

Shop and HQ call these same functions on the same frozen bytes. Whatever a payload holds, they give an answer: an event
whose numbers cannot be read adds nothing, at both ends.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

KINDS_VERSION = 1  # rises when a kind is added to or changed in SUMS: sums of two versions are not compared
EMPTY_ROOT = bytes(32)
NUMBER_MAX = 1 << 40  # eleven billion yuan: eight million of these still add up within 64 bits
Payload = dict[str, Any]


class Sums(NamedTuple):
    """Events, money taken less given back (fen), points, and goods in less out (units, or grams of weighed ones)."""

    events: int = 0
    money_fen: int = 0
    points: int = 0
    quantity: int = 0

    def plus(self, other: "Sums") -> "Sums":
        return Sums(*(a + b for a, b in zip(self, other, strict=True)))


def sums_of(kind: str, payload: bytes, parse: Callable[[bytes], Any] = json.loads) -> Sums:
    """What one event adds. A sale of 12.34 less 0.04 rounding, three units, 12 points: Sums(1, 1230, 12, -3).

    `parse`: a faster reader that gives what json.loads gives, or raises what it raises.
    """
    rule = SUMS.get(kind)
    if rule is None:
        return Sums(1)
    try:
        money_fen, points, quantity = rule(parse(payload))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return Sums(1)
    if all(type(value) is int and abs(value) < NUMBER_MAX for value in (money_fen, points, quantity)):
        return Sums(1, money_fen, points, quantity)
    return Sums(1)


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes in order; EMPTY_ROOT of none. Leaves and nodes are hashed under different tags."""
    level = [_hash(b"\0", leaf) for leaf in leaves]
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        pairs = [_hash(b"\1", level[at] + level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) // 2 * 2 :]
    return level[0]


def device_root(hashes: Iterable[bytes]) -> bytes:
    """The root over a device's events of one day, in order of their hashes: both ends sort alike, whatever chains they are in."""
    return merkle_root(sorted(hashes))


def day_root(devices: Sequence[tuple[bytes, int, bytes]]) -> bytes:
    """The root of a store's day over (device, events, root of the device's events), in the order of the device ids."""
    return merkle_root(device + count.to_bytes(8, "big") + root for device, count, root in sorted(devices))


def first_difference(low: int, high: int, is_equal: Callable[[int], bool]) -> int:
    """The first seq in (low, high] that differs, when `low` is equal and `high` is not: chained hashes differ from there on.

    Asks O(log n) times: 20 for a million events.
    """
    while high - low > 1:
        middle = (low + high) // 2
        if is_equal(middle):
            low = middle
        else:
            high = middle
    return high


def _hash(tag: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(tag + data, digest_size=32, person=b"lanewise-merkle").digest()


def _points(payload: Payload, name: str = "points") -> int:
    return sum(move["points"] for move in payload.get(name, ()))


def _sale(sale: Payload) -> tuple[int, int, int]:
    out = sum(line.get("weight_g", line["quantity"]) for line in sale["lines"])
    gifts = sum(gift["quantity"] for gift in sale.get("gifts", ()))
    return sum(tender["amount_fen"] for tender in sale["tenders"]), _points(sale), -out - gifts


def _return(back: Payload) -> tuple[int, int, int]:
    goods = sum(line.get("weight_g", line["units"]) for line in back["lines"] if not line.get("to_waste"))
    gifts = sum(gift["quantity"] for gift in back.get("gifts", ()))
    return -sum(refund["amount_fen"] for refund in back["refunds"]), _points(back), goods + gifts


SUMS: dict[str, Callable[[Payload], tuple[int, int, int]]] = {
    "sale": _sale,
    "return": _return,
    "points_moved": lambda payload: (0, _points(payload, "moves"), 0),
    "stock_moved": lambda payload: (0, 0, sum(move["quantity"] for move in payload["moves"])),
}
