"""What is wrong with a package beyond single values: order, duplicates, rewards that lead nowhere or back to themselves.

The checks read the raw document, so that one broken promotion hides no problem of another.
"""

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from pos_app.domain.pricing.mechanics import MECHANICS
from pos_app.domain.pricing.mechanics.cheapest_free import CheapestFree
from pos_app.domain.pricing.mechanics.quantity_percent_tiers import QuantityPercentTiers
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers
from pos_app.domain.pricing.model import COUPON, Package, When
from pos_app.domain.pricing.package_spec import PROMOTIONS_MAX, RANGES

UTC_OFFSET_MIN = Package._field_defaults["utc_offset_min"]
SHOWN_MAX = 80
Path = tuple[Any, str | int] | None  # (what is around it, key or number); None is the document


class Problem(NamedTuple):
    """One thing wrong: where, a stable word, and the values its sentence needs. The text is `package.<reason>`."""

    path: str
    reason: str
    args: tuple[tuple[str, str], ...] = ()


class Wrong(NamedTuple):
    """A problem of one field of an object."""

    key: str
    reason: str
    args: dict[str, object]


def problem_at(path: Path, reason: str, **args: object) -> Problem:
    return Problem(path_text(path), reason, tuple(sorted((key, shown(value)) for key, value in args.items())))


def shown(value: object) -> str:
    """A value as a message may repeat it: short, in visible characters."""
    if isinstance(value, int) and abs(value) > 10**SHOWN_MAX:
        return "…"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = "".join(char if char.isprintable() else "?" for char in text[: SHOWN_MAX + 1])
    return text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…"


def path_text(path: Path) -> str:
    """`$.promotions[3].percent`; a key with other characters than words have stands in brackets."""
    parts: list[str] = []
    while path is not None:
        path, key = path
        if isinstance(key, int):
            parts.append(f"[{key}]")
        else:
            parts.append(f".{key}" if key.isascii() and key.isidentifier() and len(key) <= 64 else f"[{key[:64]!a}]")
    return "$" + "".join(reversed(parts))


# ------------------------------------------------------------------ inside one object


def of_object(cls: type, values: dict[str, Any]) -> Iterator[Wrong]:
    """Problems between the fields of one object, of those that could be read."""
    check = CHECKS.get(cls)
    return check(values) if check else iter(())


def _begins_first(start: str, end: str) -> Callable[[dict[str, Any]], Iterator[Wrong]]:
    def check(values: dict[str, Any]) -> Iterator[Wrong]:
        begin_ms, end_ms = values.get(start), values.get(end)
        if begin_ms is not None and end_ms is not None and end_ms <= begin_ms:
            yield Wrong(end.removesuffix("_ms"), "ends_before", {"begin": begin_ms, "end": end_ms})

    return check


def _ascending(threshold: str) -> Callable[[dict[str, Any]], Iterator[Wrong]]:
    def check(values: dict[str, Any]) -> Iterator[Wrong]:
        steps = [getattr(tier, threshold) for tier in values.get("tiers", ())]
        if any(later <= earlier for earlier, later in pairwise(steps)):
            yield Wrong("tiers", "not_ascending", {"have": ", ".join(map(str, steps[:8]))})

    return check


def _not_all_free(values: dict[str, Any]) -> Iterator[Wrong]:
    n, free = values.get("n"), values.get("free", 1)
    if n is not None and free >= n:
        yield Wrong("free", "all_free", {"n": n, "have": free})


CHECKS: dict[type, Callable[[dict[str, Any]], Iterator[Wrong]]] = {
    Package: _begins_first("valid_from_ms", "valid_to_ms"),
    When: _begins_first("from_ms", "to_ms"),
    SpendSaveTiers: _ascending("spend_fen"),
    QuantityPercentTiers: _ascending("units"),
    CheapestFree: _not_all_free,
}

# ------------------------------------------------------------------ across the document


def offset_of(document: dict[str, Any]) -> int:
    """The shop's offset from UTC, by which the document's times are read; the usual one where it is not said or wrong."""
    offset = document.get("utc_offset_min", UTC_OFFSET_MIN)
    least, most = RANGES["utc_offset_min"]
    return offset if offset.__class__ is int and least <= offset <= most else UTC_OFFSET_MIN


def cross_checks(document: Any, values: dict[str, Any], now_ms: int | None) -> Iterator[Problem]:
    """Problems that no single object shows. `values` are the fields of the package that could be read."""
    if not isinstance(document, dict):
        return
    end_ms = values.get("valid_to_ms")
    if now_ms is not None and end_ms is not None and end_ms <= now_ms:
        yield problem_at((None, "valid_to"), "past", have=document["valid_to"])
    promotions = _objects(document, "promotions")
    if len(promotions) <= PROMOTIONS_MAX:
        yield from _duplicates("promotions", promotions, "id")
        yield from _coupons(promotions)
        yield from _cycles(promotions)
    yield from _duplicates("prices", _objects(document, "prices"), "sku")
    yield from _duplicates("tiers", _objects(document, "tiers"), "tier")


def _objects(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = document.get(key)
    return [item if isinstance(item, dict) else {} for item in found] if isinstance(found, list) else []


def _word(item: dict[str, Any], key: str) -> str:
    word = item.get(key)
    return word if isinstance(word, str) else ""


def _duplicates(where: str, items: list[dict[str, Any]], key: str) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for n, item in enumerate(items):
        word = _word(item, key)
        if word and first.setdefault(word, n) != n:
            yield problem_at((((None, where), n), key), "duplicate", have=word, first=f"$.{where}[{first[word]}]")


def _coupons(promotions: list[dict[str, Any]]) -> Iterator[Problem]:
    """A reward opens a promotion of the coupon stage, in this package."""
    stages = {_word(item, "id"): _stage(item) for item in promotions}
    for n, item in enumerate(promotions):
        coupon = _word(item, "coupon")
        if coupon and coupon not in stages:
            yield problem_at((((None, "promotions"), n), "coupon"), "no_such_coupon", have=coupon)
        elif coupon and stages[coupon] not in (COUPON, None):
            yield problem_at((((None, "promotions"), n), "coupon"), "not_a_coupon", have=coupon)


def _stage(item: dict[str, Any]) -> int | None:
    """None for a mechanic that does not exist: that is a problem of its own."""
    return MECHANICS.get(_word(item, "mechanic"), (None, None))[1]


def _cycles(promotions: list[dict[str, Any]]) -> Iterator[Problem]:
    """A reward leads to the coupon it opens, and a coupon to every reward that asks for the same code.

    R (code VIP) gives coupon C, and C has code VIP: R → C → R, a coupon that renews itself for ever.
    """
    leads = _leads(promotions)
    seen: set[str] = set()
    for start in leads:
        if start not in seen:
            cycle = _cycle_from(start, leads, seen)
            if cycle:
                n = next(n for n, item in enumerate(promotions) if item.get("id") == cycle[0])
                shown = [*cycle[:8], "…"] if len(cycle) > 9 else cycle
                yield problem_at((((None, "promotions"), n), "coupon"), "cycle", have=" → ".join(shown))


def _leads(promotions: list[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Reward -> the rewards that its coupon brings about, by way of the coupon's id or code."""
    rewards = [item for item in promotions if _word(item, "id") and _word(item, "coupon")]
    by_code: dict[str, list[str]] = {}
    for item in rewards:
        by_code.setdefault(_word(item, "code"), []).append(item["id"])
    ids, codes = {item["id"] for item in rewards}, {_word(item, "id"): _word(item, "code") for item in promotions}
    leads = {}
    for item in rewards:
        coupon = item["coupon"]
        code = codes.get(coupon, "")
        leads[item["id"]] = (coupon,) if coupon in ids else tuple(by_code.get(code, ()) if code else ())
    return leads


def _cycle_from(start: str, leads: dict[str, tuple[str, ...]], seen: set[str]) -> list[str]:
    """The first way from here that comes back to itself, or nothing. Iterative: a chain may be long."""
    way: list[str] = [start]
    ahead = [iter(leads[start])]
    on_way = {start}
    seen.add(start)
    while ahead:
        following = next(ahead[-1], None)
        if following is None:
            ahead.pop()
            on_way.discard(way.pop())
        elif following in on_way:
            return [*way[way.index(following) :], following]
        elif following not in seen:
            seen.add(following)
            on_way.add(following)
            way.append(following)
            ahead.append(iter(leads[following]))
    return []
