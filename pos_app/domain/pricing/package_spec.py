"""What a package file may hold: a tree made from the annotations of `model` and the registry of mechanics.

Reader, writer and the published JSON Schema walk this one tree, so a new field of a rule is known to all three at once.
Ranges and patterns go by a field's name, whose last word is its unit. `percent: int` becomes `Whole(0, 100)`.
"""

import types
import typing
from functools import cache
from typing import Any, NamedTuple

from pos_app.domain.pricing import model
from pos_app.domain.pricing.mechanics import MECHANICS
from pos_app.domain.pricing.model import Package, Promotion

FORMAT = "lanewise-package/1"
BYTES_MAX = 32 << 20
PROMOTIONS_MAX, MANY_MAX = 20_000, 200_000
FEN_MAX, COUNT_MAX, UNITS_MAX, DAYS_MAX = 10_000_000_000, 1_000_000_000, 9_999, 36_500
TEXT_MAX, NAME_MAX = 64, 200
ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
REQUIRED: Any = object()  # stands where a field has no default


class Whole(NamedTuple):
    """A whole number in a range, both ends inclusive."""

    least: int
    most: int


class Text(NamedTuple):
    """Printable characters; `pattern` is for identifiers."""

    least: int
    most: int
    pattern: str = ""


class Choice(NamedTuple):
    """One of some words."""

    values: tuple[str, ...]


class Flag(NamedTuple):
    """true or false."""


class Moment(NamedTuple):
    """Shop time "2026-10-01 08:00", or wall milliseconds."""


class Day(NamedTuple):
    """ "2026-10-01"."""


class Window(NamedTuple):
    """["18:00", "22:00"]: from inclusive to exclusive, "24:00" is the end of the day."""


class Many(NamedTuple):
    """A list of one kind of thing."""

    item: Any
    least: int
    most: int


class Field(NamedTuple):
    """`key` in the file, `name` in the tuple; `default` is left out of a canonical file."""

    key: str
    name: str
    spec: Any
    default: Any


class Record(NamedTuple):
    """An object of the file and the named tuple it becomes."""

    cls: type
    fields: dict[str, Field]  # by key

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(key for key, field in self.fields.items() if field.default is REQUIRED)


class Offers(NamedTuple):
    """A promotion: what all have in common, and for each mechanic the fields of its rule, side by side in one object."""

    common: Record
    rules: dict[str, Record]


CHOICES: dict[str, tuple[str, ...]] = {
    "policy": (model.LOWEST, model.PRIORITY),
    "rounding": (model.NET_HALF_UP, model.NET_DOWN, model.NET_UP),
    "leftover": (model.LARGEST_FRACTION, model.FIRST_LINE, model.LAST_LINE),
    "returns": (model.SHARES, model.REPRICE),
    "threshold_on": (model.ON_LEFT, model.ON_LIST),
    "funder": (model.OWN, model.SUPPLIER, model.VOUCHER),
}
RANGES: dict[str, tuple[int, int]] = {
    "percent": (0, 100),
    "save_percent": (0, 100),
    "multiplier_percent": (0, 10_000),
    "utc_offset_min": (-720, 840),
    "weekdays": (1, 7),
    "days_of_month": (1, 31),
    "priority": (0, 1_000_000),
    "offline_points_max": (0, COUNT_MAX),
}
IDS = frozenset({"id", "coupon", "shop", "version"})
DAYS = frozenset({"dates", "holidays"})
UNITS = frozenset({"n", "free", "stamps", "quantity"})
NAMES = frozenset({"name", "name_en", "event"})
NOT_IN_FILES = frozenset({(Package, "digest"), (Promotion, "rule")})


@cache
def package_record() -> Record:
    """The whole file but its `format`."""
    return record_of(Package)


@cache
def record_of(cls: type) -> Record:
    """The specification of a named tuple, from its annotations and defaults."""
    hints, defaults = typing.get_type_hints(cls), getattr(cls, "_field_defaults", {})
    named = (name for name in hints if (cls, name) not in NOT_IN_FILES)
    fields = [_field(name, hints[name], defaults.get(name, REQUIRED)) for name in named]
    return Record(cls, {field.key: field for field in fields})


@cache
def offers() -> Offers:
    return Offers(record_of(Promotion), {name: record_of(rule) for name, (rule, _) in MECHANICS.items()})


def _field(name: str, hint: Any, default: Any) -> Field:
    spec = spec_of(name, hint, default)
    return Field(name.removesuffix("_ms") if isinstance(spec, Moment) else name, name, spec, default)


def spec_of(name: str, hint: Any, default: Any) -> Any:
    """What a field of this name and annotation may hold."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        return _many(name, typing.get_args(hint), default)
    if hint is Promotion:
        return offers()
    if hasattr(hint, "_fields"):
        return record_of(hint)
    if hint is bool:
        return Flag()
    return _text(name, default) if hint is str else _whole(name, default)


def _many(name: str, parts: tuple[Any, ...], default: Any) -> Many | Window:
    if parts[1] is not Ellipsis:
        return Window()
    most = PROMOTIONS_MAX if parts[0] is Promotion else MANY_MAX
    return Many(spec_of(name, parts[0], REQUIRED), 1 if default is REQUIRED else 0, most)


def _text(name: str, default: Any) -> Any:
    if name in CHOICES:
        return Choice(CHOICES[name])
    if name in DAYS:
        return Day()
    least = 1 if default is REQUIRED else 0
    return Text(least, NAME_MAX if name in NAMES else TEXT_MAX, ID if name in IDS else "")


def _whole(name: str, default: Any) -> Whole | Moment:
    """A price may be nothing, and what is nothing by default; an amount off, a number of units or days may not."""
    if name.endswith("_ms"):
        return Moment()
    if name in RANGES:
        return Whole(*RANGES[name])
    least = 0 if name.endswith("price_fen") or default == 0 else 1
    return Whole(least, _most(name))


def _most(name: str) -> int:
    if name.endswith("_fen"):
        return FEN_MAX
    if name.endswith("units") or name in UNITS:
        return UNITS_MAX
    return DAYS_MAX if name.endswith("days") else COUNT_MAX
