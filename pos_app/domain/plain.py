"""Dataclasses to canonical JSON and back.

Canonical: sorted keys, UTF-8, no blanks, integers, strings, booleans, lists and objects only. A field that holds None is
left out, a float is refused: the same value always gives the same bytes, on every machine.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def to_json(value: Any) -> bytes:
    """Canonical bytes of a dataclass or plain value."""
    return _ENCODER.encode(value).encode()


def from_json(cls: type[T], data: bytes | str) -> T:
    """The dataclass behind canonical bytes; unknown keys are ignored, missing ones take their default."""
    return typing.cast(T, _build(cls, json.loads(data)))


def _plain(value: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(value):
        raise TypeError(f"not plain: {type(value).__name__}")
    items = ((name, getattr(value, name)) for name in _names(value.__class__))
    return {name: item for name, item in items if item is not None}


class _Encoder(json.JSONEncoder):
    """json with dataclasses, and nothing that has no canonical form (the standard encoder has no hook for refusing it)."""

    def encode(self, o: Any) -> str:
        _check(o)
        return super().encode(o)


def _check(value: Any) -> None:
    """Refuse what has no canonical form: a float, a null where it cannot be left out, a key that is no text."""
    if isinstance(value, float) or value is None:
        raise TypeError(f"has no canonical form: {value!r}")
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("only texts are keys")
        _check_all(value.values())
    elif isinstance(value, list | tuple):
        _check_all(value)
    elif dataclasses.is_dataclass(value):
        items = (getattr(value, name) for name in _names(value.__class__))
        _check_all(item for item in items if item is not None)


def _check_all(values: Iterable[Any]) -> None:
    for value in values:
        if type(value) is not str and type(value) is not int:
            _check(value)


_ENCODER = _Encoder(default=_plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@cache
def _names(cls: type) -> tuple[str, ...]:
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
    if dataclasses.is_dataclass(hint):
        hints = _hints(typing.cast(type, hint))
        return typing.cast(type, hint)(**{name: _build(hints[name], value[name]) for name in hints if name in value})
    return value
