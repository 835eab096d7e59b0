"""Dataclasses and named tuples to canonical JSON and back. A named tuple marked `as_row` is a list of its fields, not an object.

Canonical: sorted keys, UTF-8, no blanks, integers, strings, booleans, lists and objects only. A field that holds None is
left out, a float is refused: the same value always gives the same bytes, on every machine.
"""

import dataclasses
import json
import types
import typing
from functools import cache
from typing import Any, TypeVar

from pos_app.domain.as_asked import AsAsked

T = TypeVar("T")
ROWS: set[type] = set()
# what moves a terminal's cursor, or turns the direction of what follows
CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")


def printable(line: str) -> str:
    """A line with texts that others sent, as it may stand on a terminal: printable("a\\x1b[2J") == "a\ufffd[2J"."""
    return line.translate(CONTROLS)


def as_row(cls: type[T]) -> type[T]:
    """Marks a named tuple of which thousands are kept: its canonical form is a list. Fields are only added at its end."""
    ROWS.add(cls)
    return cls


def to_json(value: Any) -> bytes:
    """Canonical bytes of a dataclass or plain value. TypeError for what has no canonical form."""
    return _DUMPS(_plain(value)).encode()


def from_json(cls: type[T], data: bytes | str) -> T:
    """The dataclass behind canonical bytes; unknown keys are ignored, missing ones take their default."""
    return typing.cast(T, _build(cls, json.loads(data)))


LEAVES = frozenset({str, int, bool})


def _plain(value: Any) -> Any:
    """Dicts, lists, texts, integers and booleans; nothing else has a canonical form."""
    kind = value.__class__
    if kind in LEAVES:
        return value
    if kind in ROWS:
        return [_plain(item) for item in value]
    if hasattr(kind, "_fields") or dataclasses.is_dataclass(kind):
        return _plain_fields(value)
    if isinstance(value, str):  # an enumeration's text
        return str(value)
    if isinstance(value, list | tuple | AsAsked):
        return [_plain(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    raise TypeError(f"has no canonical form: {value!r}")


def _plain_fields(value: Any) -> dict[str, Any]:
    """A dataclass without its empty fields. This loop is the better part of a sale's time: leaves are taken as they are."""
    plain = {}
    for name in _names(value.__class__):
        item = getattr(value, name)
        if item is not None:
            plain[name] = item if item.__class__ in LEAVES else _plain(item)
    return plain


_DUMPS = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


@cache
def _names(cls: type) -> tuple[str, ...]:
    if hasattr(cls, "_fields"):
        return typing.cast(tuple[str, ...], cls._fields)
    return tuple(field.name for field in dataclasses.fields(cls))


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _build(hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        return _build(next(part for part in typing.get_args(hint) if part is not types.NoneType), value)
    if origin is tuple:
        parts = typing.get_args(hint)
        if len(parts) == 2 and parts[1] is Ellipsis:
            return tuple(_build(parts[0], item) for item in value)
        return tuple(_build(part, item) for part, item in zip(parts, value, strict=True))
    if hint in ROWS:
        return typing.cast(type, hint)(*(_build(part, item) for part, item in zip(_hints(hint).values(), value, strict=False)))
    if hasattr(hint, "_fields") or dataclasses.is_dataclass(hint):
        hints = _hints(typing.cast(type, hint))
        return typing.cast(type, hint)(**{name: _build(hints[name], value[name]) for name in hints if name in value})
    return value
