"""What `pos package` prints: packages, what two of them differ in, problems. Text for people in both languages, or JSON."""

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pos_app.domain.calendar import local_stamp
from pos_app.domain.pricing.mechanics import mechanic_of, stage_of
from pos_app.domain.pricing.package_form import write_package
from pos_app.i18n import text

if TYPE_CHECKING:
    from pos_app.domain.pricing.model import Package
    from pos_app.domain.pricing.package_checks import Problem
    from store_db.packages import PackageRow

SHOWN_MAX = 50
Changes = dict[str, dict[str, tuple[Any, Any]]]


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")


def tell_json(value: Any) -> None:
    tell(json.dumps(value, ensure_ascii=False))


def stamp(at_ms: int | None, offset_min: int) -> str:
    """Shop time to the minute; empty for "open end"."""
    return "" if at_ms is None else local_stamp(at_ms, offset_min)[:16]


# ------------------------------------------------------------------ packages


def head(package: "Package") -> dict[str, Any]:
    """What names a package, and how much is in it."""
    return {
        "digest": package.digest, "version": package.version, "shop": package.shop, "valid_from_ms": package.valid_from_ms,
        "valid_to_ms": package.valid_to_ms, "promotions": len(package.promotions), "prices": len(package.prices),
    }  # fmt: skip


def tell_head(package: "Package") -> None:
    valid = f"{stamp(package.valid_from_ms, package.utc_offset_min)} – {stamp(package.valid_to_ms, package.utc_offset_min)}"
    tell(f"{package.digest[:12]}  {package.version}  {package.shop}  {valid}")
    tell(f"{'':>12}  促销 promotions {len(package.promotions):,}  价格 prices {len(package.prices):,}")


def promotion_lines(package: "Package") -> Iterator[str]:
    """A line a promotion, in the order of the stages."""
    for promotion in sorted(package.promotions, key=lambda p: (stage_of(p.rule), p.id)):
        yield f"{stage_of(promotion.rule):>12}  {mechanic_of(promotion.rule):<24} {promotion.id:<24} {promotion.name}"


def row_line(row: "PackageRow", holds: bool, offset_min: int) -> str:
    """A stored package; a star marks the one that holds now."""
    valid = f"{stamp(row.valid_from_ms, offset_min)} – {stamp(row.valid_to_ms, offset_min)}"
    return f"{'*' if holds else ' '} {row.digest[:12]}  {row.version:<20} {valid}"


def row_json(row: "PackageRow", holds: bool) -> dict[str, Any]:
    names = ("digest", "version", "valid_from_ms", "valid_to_ms", "key", "installed_ms")
    return {name: getattr(row, name) for name in names} | {"holds": holds}


# ------------------------------------------------------------------ differences


def differences(before: "Package", after: "Package") -> Changes:
    """(before, after) of settings by key, promotions by id, prices by sku, where they differ; None where there is none."""
    old, new = write_package(before), write_package(after)
    return {
        "settings": _changed(_settings(old), _settings(new)),
        "promotions": _changed(_by(old, "promotions", "id"), _by(new, "promotions", "id")),
        "prices": _changed(_by(old, "prices", "sku"), _by(new, "prices", "sku")),
    }


def difference_lines(changes: Changes) -> Iterator[str]:
    for what, found in changes.items():
        for key, (old, new) in found.items():
            yield f"{'+' if old is None else '-' if new is None else '~'} {what} {key}"
            if old is not None and new is not None:
                yield from (f"    {json.dumps(value, ensure_ascii=False)}" for value in (old, new))


def _settings(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in ("promotions", "prices")}


def _by(document: dict[str, Any], where: str, key: str) -> dict[str, Any]:
    return {item[key]: item for item in document.get(where, ())}


def _changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return {key: (before.get(key), after.get(key)) for key in keys}


# ------------------------------------------------------------------ problems


def listed(problems: "tuple[Problem, ...]") -> list[dict[str, str]]:
    """Path, reason, and a sentence in each language."""
    found = []
    for p in problems:
        zh, en = (text(lang, f"package.{p.reason}", p.args) for lang in ("zh", "en"))
        found.append({"path": p.path, "reason": p.reason, "zh": zh, "en": en})
    return found


def problem_lines(problems: "tuple[Problem, ...]", mark: str) -> Iterator[str]:
    for row in listed(problems[:SHOWN_MAX]):
        yield f"{mark} {row['path']}  {row['zh']}"
        yield f"  {' ' * len(row['path'])}  {row['en']}"
    if len(problems) > SHOWN_MAX:
        yield f"{mark} … {len(problems) - SHOWN_MAX:,} more, --json lists all"
