"""Package files: JSON in, `Package` or every error out; and back.

    {"format": "lanewise-package/1", "version": "2026-10", "shop": "S001", "valid_from": "2026-10-01 00:00", "promotions":
     [{"id": "half", "mechanic": "nth_unit_percent_off", "name": "第二件半价", "n": 2, "percent": 50}]}

A whole document is judged, never a part of it: `read_package` gives a package, or all problems with their JSON paths.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from pos_app.domain.calendar import local_stamp
from pos_app.domain.plain import to_json
from pos_app.domain.pricing.mechanics import mechanic_of
from pos_app.domain.pricing.model import Package, PriceRow, Promotion
from pos_app.domain.pricing.package_checks import Problem, cross_checks, problem_at
from pos_app.domain.pricing.package_reader import MOMENT_MAX_MS, Reading
from pos_app.domain.pricing.package_spec import BYTES_MAX, FORMAT, Many, Moment, Offers, Record, Window, package_record

ENVELOPE = frozenset({"package", "signature", "key"})


def read_package(document: object, *, now_ms: int | None = None) -> Package | tuple[Problem, ...]:
    """The package of a document (or of its bytes), or every problem of it. With `now_ms`, one that has ended is a problem."""
    if isinstance(document, bytes | bytearray):
        document = parse(bytes(document))
        if isinstance(document, Problem):
            return (document,)
    reading = Reading()
    values = reading.package(document)
    reading.problems += cross_checks(document, values, now_ms)
    return tuple(reading.problems) or Package(**values)._replace(digest=_hash(to_json(document)))


def read_stored(body: bytes) -> Package | tuple[Problem, ...]:
    """A package from canonical bytes that were judged when they came and are still the same (their digest says so).

    Its prices, often thousands, are only taken over.
    """
    document = json.loads(body)
    rows = document.pop("prices", ())
    reading = Reading()
    values = reading.package(document)
    if reading.problems:
        return tuple(reading.problems)
    return Package(**values)._replace(digest=_hash(body), prices=tuple([PriceRow(**row) for row in rows]))


def read_file(data: bytes, *, now_ms: int | None = None) -> Package | tuple[Problem, ...]:
    """The package of a file, signed or bare; the signature is not looked at."""
    document = parse(data)
    return (document,) if isinstance(document, Problem) else read_package(unwrapped(document), now_ms=now_ms)


def parse(data: bytes) -> Any:
    """The JSON value of bytes, or the Problem that keeps it from being read. A key that comes twice is refused."""
    if len(data) > BYTES_MAX:
        return problem_at(None, "too_large", have=len(data), most=BYTES_MAX)
    try:
        return json.loads(data, object_pairs_hook=_once)
    except _Twice as twice:
        return problem_at(None, "duplicate_key", key=twice.key)
    except (ValueError, RecursionError) as error:
        return problem_at(None, "not_json", detail=str(error) or type(error).__name__)


def unwrapped(document: Any) -> Any:
    """The package inside a signed file's envelope; a bare package as it is."""
    if isinstance(document, dict) and "package" in document and document.keys() <= ENVELOPE:
        return document["package"]
    return document


def digest_of(data: bytes) -> str:
    """blake2b-256 of the canonical JSON of a package: the same however its bytes were laid out."""
    return _hash(to_json(json.loads(data)))


def _hash(canonical: bytes) -> str:
    return hashlib.blake2b(canonical, digest_size=32).hexdigest()


class _Twice(ValueError):
    def __init__(self, key: str) -> None:
        self.key = key


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Twice(next(key for key in keys if keys.count(key) > 1))
    return made


# ------------------------------------------------------------------ writing


def write_package(package: Package) -> dict[str, Any]:
    """The document of a package: what is as usual is left out, times are shop time. `read_package` gives the package back."""
    return {"format": FORMAT, **_written(package_record(), package, package.utc_offset_min)}


def _written(record: Record, value: Any, offset_min: int) -> dict[str, Any]:
    written = {}
    for field in record.fields.values():
        item = getattr(value, field.name)
        if item is not None and item != field.default:
            written[field.key] = _plain(field.spec, item, offset_min)
    return written


def _plain(spec: Any, value: Any, offset_min: int) -> Any:
    writer = WRITERS.get(spec.__class__)
    return writer(spec, value, offset_min) if writer else value


def _plain_promotion(spec: Offers, value: Promotion, offset_min: int) -> dict[str, Any]:
    name = mechanic_of(value.rule)
    return {"mechanic": name, **_written(spec.common, value, offset_min), **_written(spec.rules[name], value.rule, offset_min)}


def _plain_moment(spec: Moment, value: int, offset_min: int) -> str | int:
    """Shop time where it stands on a whole second of a year that has four digits."""
    local_ms = value + offset_min * 60_000
    if value % 1000 or not 0 <= local_ms <= MOMENT_MAX_MS:
        return value
    return local_stamp(value, offset_min).removesuffix(":00")


def _plain_window(spec: Window, value: tuple[int, int], offset_min: int) -> list[str]:
    return [f"{minute // 60:02d}:{minute % 60:02d}" for minute in value]


WRITERS: dict[type, Callable[[Any, Any, int], Any]] = {
    Record: _written,
    Offers: _plain_promotion,
    Many: lambda spec, value, offset_min: [_plain(spec.item, item, offset_min) for item in value],
    Moment: _plain_moment,
    Window: _plain_window,
}
