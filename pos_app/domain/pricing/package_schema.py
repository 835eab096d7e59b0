"""The published JSON Schema of package files, made from the same specification that reads them.

`Whole(0, 100)` becomes `{"type": "integer", "minimum": 0, "maximum": 100}`. What one object cannot show (a name twice, a
reward that leads back to itself, an end before its beginning) is beyond a schema: `pos package check` names it.
"""

from collections.abc import Callable
from typing import Any

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
    offers,
    package_record,
)

Json = dict[str, Any]
DAY = r"^\d{4}-\d{2}-\d{2}$"
MOMENT = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?$"
CLOCK = r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$"


def package_schema() -> Json:
    """The whole schema, draft 2020-12."""
    package = package_record()
    body = _object(package)
    body["properties"] = {"format": {"const": FORMAT}, **body["properties"]}
    body["required"] = ["format", *body.get("required", ())]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{FORMAT.replace('/', ':')}",
        "title": "Lanewise price package",
        **body,
        "$defs": {name: _object(record) for name, record in sorted(_records(package).items())} | {"Promotion": _promotion()},
    }


def _records(record: Record) -> dict[str, Record]:
    """Every object below this one, by its name; those of the rules too."""
    found: dict[str, Record] = {}
    ahead = [field.spec for field in record.fields.values()]
    ahead += [field.spec for rule in (offers().common, *offers().rules.values()) for field in rule.fields.values()]
    while ahead:
        spec = ahead.pop()
        if isinstance(spec, Many):
            ahead.append(spec.item)
        elif isinstance(spec, Record) and spec.cls.__name__ not in found:
            found[spec.cls.__name__] = spec
            ahead += [field.spec for field in spec.fields.values()]
    return found


def _promotion() -> Json:
    """The common fields, and beside them those of one mechanic; no other key."""
    common = _object(offers().common)
    del common["additionalProperties"]
    rules = [_rule(name, record) for name, record in offers().rules.items()]
    return {**common, "required": [*common["required"], "mechanic"], "oneOf": rules, "unevaluatedProperties": False}


def _rule(name: str, record: Record) -> Json:
    rule = _object(record)
    del rule["additionalProperties"], rule["type"]
    return {"title": name, **rule, "properties": {"mechanic": {"const": name}, **rule["properties"]}}


def _object(record: Record) -> Json:
    described: Json = {"type": "object", "description": " ".join((record.cls.__doc__ or "").split())}
    described["properties"] = {field.key: _with_default(field.spec, field.default) for field in record.fields.values()}
    if record.required:
        described["required"] = list(record.required)
    return {**described, "additionalProperties": False}


def _with_default(spec: Any, default: Any) -> Json:
    """A default that can be written down stands with its field; None means "left out"."""
    shown = default if default.__class__ in (int, str, bool) else None
    return _of(spec) if shown is None else {**_of(spec), "default": shown}


def _of(spec: Any) -> Json:
    return SCHEMAS[spec.__class__](spec)


def _text(spec: Text) -> Json:
    text: Json = {"type": "string", "minLength": spec.least, "maxLength": spec.most}
    if spec.pattern:
        return {**text, "pattern": f"^{spec.pattern}$" if spec.least else f"^({spec.pattern})?$"}
    return text


SCHEMAS: dict[type, Callable[[Any], Json]] = {
    Record: lambda spec: {"$ref": f"#/$defs/{spec.cls.__name__}"},
    Offers: lambda spec: {"$ref": "#/$defs/Promotion"},
    Many: lambda spec: {"type": "array", "minItems": spec.least, "maxItems": spec.most, "items": _of(spec.item)},
    Whole: lambda spec: {"type": "integer", "minimum": spec.least, "maximum": spec.most},
    Text: _text,
    Choice: lambda spec: {"enum": list(spec.values)},
    Flag: lambda spec: {"type": "boolean"},
    Moment: lambda spec: {"oneOf": [{"type": "string", "pattern": MOMENT}, {"type": "integer", "minimum": 0}]},
    Day: lambda spec: {"type": "string", "pattern": DAY},
    Window: lambda spec: {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string", "pattern": CLOCK}},
}
