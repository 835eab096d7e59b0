"""Reads a package's JSON values by their specification. Nothing is guessed: what does not fit is a problem with its path.

`_whole` of `Whole(0, 100)` on 120 says "range" at `$.promotions[3].percent`, with what there was and what may be.
"""

import datetime
import re
from collections.abc import Callable
from typing import Any

from pos_app.domain.pricing import package_checks
from pos_app.domain.pricing.model import Promotion
from pos_app.domain.pricing.package_checks import UTC_OFFSET_MIN, Path, Problem, problem_at
from pos_app.domain.pricing.package_spec import (
    FORMAT,
    Choice,
    Day,
    Flag,
    Many,
    Moment,
    Offers,
    Record,
    Text,
    Whole,
    Window,
    package_record,
)

MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[ T]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MOMENT_MAX_MS = 253_370_764_800_000  # the year 9999
BAD: Any = object()  # stands where a value could not be read
KINDS: dict[type, str] = {
    dict: "object", list: "list", str: "text", int: "whole number", bool: "true/false", type(None): "null", float: "decimal"
}  # fmt: skip


class Reading:
    """One pass over a document: the problems so far, and the shop's offset from UTC."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.offset_min = UTC_OFFSET_MIN

    def wrong(self, path: Path, reason: str, **args: object) -> Any:
        self.problems.append(problem_at(path, reason, **args))
        return BAD

    def kind(self, path: Path, value: Any, need: str) -> Any:
        if isinstance(value, float):
            return self.wrong(path, "float", have=value)
        return self.wrong(path, "type", need=need, have=KINDS.get(value.__class__, "?"))

    def package(self, document: Any) -> dict[str, Any]:
        """The fields of the package that could be read."""
        if not isinstance(document, dict):
            self.kind(None, document, "object")
            return {}
        if document.get("format") != FORMAT:
            self.wrong((None, "format"), "format", need=FORMAT, have=document.get("format"))
        self.offset_min = package_checks.offset_of(document)
        return self.values(package_record(), {key: document[key] for key in document if key != "format"}, None)

    def values(self, record: Record, given: dict[str, Any], path: Path) -> dict[str, Any]:
        """The values of an object by field name; those that could not be read are left out."""
        values: dict[str, Any] = {}
        for key, value in given.items():
            field = record.fields.get(key)
            if field is None:
                self.wrong((path, key), "unknown_key")
                continue
            got = READERS[field.spec.__class__](self, field.spec, value, (path, key))
            if got is not BAD:
                values[field.name] = got
        for key in record.required:
            if key not in given:
                self.wrong((path, key), "missing")
        for wrong in package_checks.of_object(record.cls, values):
            self.wrong((path, wrong.key), wrong.reason, **wrong.args)
        return values


def _record(reading: Reading, spec: Record, value: Any, path: Path) -> Any:
    if not isinstance(value, dict):
        return reading.kind(path, value, "object")
    before = len(reading.problems)
    values = reading.values(spec, value, path)
    return spec.cls(**values) if len(reading.problems) == before else BAD


def _promotion(reading: Reading, spec: Offers, value: Any, path: Path) -> Any:
    """The fields of the rule and those of the promotion stand side by side in one object."""
    if not isinstance(value, dict):
        return reading.kind(path, value, "object")
    before = len(reading.problems)
    name = value.get("mechanic")
    rule = spec.rules.get(name) if isinstance(name, str) else None
    if rule is None:
        reason = "unknown_mechanic" if "mechanic" in value else "missing"
        reading.wrong((path, "mechanic"), reason, have=name)
        reading.values(spec.common, {key: value[key] for key in value if key in spec.common.fields}, path)
        return BAD
    own = {key: value[key] for key in value if key in rule.fields}
    common = {key: value[key] for key in value if key not in own and key != "mechanic"}
    rule_values, values = reading.values(rule, own, path), reading.values(spec.common, common, path)
    return BAD if len(reading.problems) > before else Promotion(rule=rule.cls(**rule_values), **values)


def _many(reading: Reading, spec: Many, value: Any, path: Path) -> Any:
    if not isinstance(value, list):
        return reading.kind(path, value, "list")
    if len(value) > spec.most:
        return reading.wrong(path, "too_many", have=len(value), most=spec.most)
    if len(value) < spec.least:
        return reading.wrong(path, "empty")
    read, item = READERS[spec.item.__class__], spec.item
    got = tuple([read(reading, item, one, (path, n)) for n, one in enumerate(value)])
    return BAD if any(one is BAD for one in got) else got


def _whole(reading: Reading, spec: Whole, value: Any, path: Path) -> Any:
    if value.__class__ is not int:
        return reading.kind(path, value, "whole number")
    if spec.least <= value <= spec.most:
        return value
    return reading.wrong(path, "range", have=value, least=spec.least, most=spec.most)


def _text(reading: Reading, spec: Text, value: Any, path: Path) -> Any:
    if value.__class__ is not str:
        return reading.kind(path, value, "text")
    if len(value) < spec.least:
        return reading.wrong(path, "empty")
    if len(value) > spec.most or not value.isprintable() or value != value.strip():
        return reading.wrong(path, "text", have=value, most=spec.most)
    if spec.pattern and value and not re.fullmatch(spec.pattern, value):
        return reading.wrong(path, "shape", have=value)
    return value


def _choice(reading: Reading, spec: Choice, value: Any, path: Path) -> Any:
    if value.__class__ is str and value in spec.values:
        return value
    return reading.wrong(path, "choice", have=value, need=" | ".join(spec.values))


def _flag(reading: Reading, spec: Flag, value: Any, path: Path) -> Any:
    return value if value.__class__ is bool else reading.kind(path, value, "true/false")


def _moment(reading: Reading, spec: Moment, value: Any, path: Path) -> Any:
    """Milliseconds as they are; "2026-10-01 08:00" in a shop of UTC+8 is the moment of 00:00 UTC."""
    if value.__class__ is int and 0 <= value <= MOMENT_MAX_MS:
        return value
    found = MOMENT.fullmatch(value) if value.__class__ is str else None
    days = _days(found[1]) if found else None
    if found is None or days is None:
        return reading.wrong(path, "moment", have=value)
    minutes = days * 1440 + int(found[2]) * 60 + int(found[3]) - reading.offset_min
    at_ms = (minutes * 60 + int(found[4] or 0)) * 1000
    return at_ms if at_ms >= 0 else reading.wrong(path, "moment", have=value)


def _days(text: str) -> int | None:
    """Days since 1970, or None for a day that is in no calendar."""
    try:
        return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days
    except ValueError:
        return None


def _day(reading: Reading, spec: Day, value: Any, path: Path) -> Any:
    if value.__class__ is str and DAY.fullmatch(value) and _days(value) is not None:
        return value
    return reading.wrong(path, "date", have=value)


def _window(reading: Reading, spec: Window, value: Any, path: Path) -> Any:
    pair: list[Any] = value if isinstance(value, list) and len(value) == 2 else []
    minutes = tuple(int(t[:2]) * 60 + int(t[3:]) for t in pair if t.__class__ is str and CLOCK.fullmatch(t))
    if len(minutes) != 2:
        return reading.wrong(path, "hours", have=value)
    if minutes[0] >= minutes[1]:
        return reading.wrong(path, "ends_before", begin=pair[0], end=pair[1])
    return minutes


READERS: dict[type, Callable[[Reading, Any, Any, Path], Any]] = {
    Record: _record, Offers: _promotion, Many: _many, Whole: _whole, Text: _text, Choice: _choice, Flag: _flag,
    Moment: _moment, Day: _day, Window: _window,
}  # fmt: skip
