"""A file of rows, judged whole and then published: nothing of a file with problems goes out.

CSV: a header of names, one row a line; an empty cell is left out, a list is divided by blanks. JSON: a list of objects. One
column is the topic's key; `store` says for which store a row is, else the publisher does. The catalogue also takes a goods
file as `pos import` does (`price_yuan`, `name_zh` …). A price package is its signed file.
"""

import csv
import io
import json
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, text

from pos_app.domain.goods_rows import REFUSING, judge_row
from pos_app.domain.plain import to_json
from pos_app.domain.pricing.model import Package
from pos_app.domain.pricing.package_checks import Problem
from pos_app.domain.pricing.package_form import parse, read_package, unwrapped
from store_db.hq_rows import OWN
from sync.hq_server import feed
from sync.hq_server.hq import Hq
from sync.topics import CATALOGUE, PACKAGES, TOPICS, Good, Topic

STORE, PRICE_YUAN = "store", "price_yuan"
KEY_MAX, BODY_BYTES_MAX = 200, 2 << 20
PROBLEMS_MAX = 1_000
TOMBSTONES_MS = 60 * 86_400_000  # a till that was cut off for longer loads snapshots


class BadRow(NamedTuple):
    """What is wrong, and where: `line 7 price_fen`, `$.promotions[3].percent`."""

    path: str
    reason: str


class BadRows(Exception):
    """A file that is not published, with all that is wrong with it."""

    def __init__(self, problems: list[BadRow]) -> None:
        self.problems = problems[:PROBLEMS_MAX]
        super().__init__(f"{len(problems)} problems, the first: {problems[0].path}: {problems[0].reason}")


@dataclass(frozen=True, slots=True)
class Published:
    """`rows` of the file, those `taken_away` because a full list has them no longer, and the topic's rev."""

    topic: str
    rows: int
    taken_away: int
    rev: int


FeedRow = tuple[str, str, bytes]  # store, key, body


def publish_file(hq: Hq, topic: str, data: bytes, *, is_csv: bool, store: str = "", is_full: bool = False) -> Published:
    """Publish a file. `store` '': for all. `is_full`: what the topic has for the same stores and the file has not is taken away.

    Raises BadRows, and nothing was published. Signatures of packages are the caller's to check.
    """
    now_ms = hq.clock.wall_ms()
    rows = read_rows(topic, data, is_csv=is_csv, store=store, now_ms=now_ms)
    with hq.database.write() as connection:
        feed.purge_tombstones(connection, now_ms - TOMBSTONES_MS)
    with hq.database.write() as connection:
        gone = _left(connection, topic, rows, store) if is_full and topic != PACKAGES else []
        rev = feed.publish(connection, topic, [*rows, *((*key, None) for key in gone)], now_ms)
    return Published(topic, len(rows), len(gone), rev)


def take_away(hq: Hq, topic: str, keys: Iterable[str], store: str = "") -> int:
    """Tombstones for rows of a store, or of those for all; the topic's rev."""
    with hq.database.write() as connection:
        return feed.publish(connection, topic, [(store, key, None) for key in keys], hq.clock.wall_ms())


def read_rows(topic: str, data: bytes, *, is_csv: bool, store: str, now_ms: int) -> list[FeedRow]:
    """The rows of a file, all of them right. Raises BadRows."""
    if topic == PACKAGES:
        return [_package_row(data, store, now_ms)]
    shape = TOPICS.get(topic) or Topic(topic, "key")
    problems: list[BadRow] = []
    rows: dict[tuple[str, str], bytes] = {}
    for place, cells in _lines(data) if is_csv else _objects(data):
        row = _row(shape, place, cells, store, problems, is_csv=is_csv)
        if row is not None and row[:2] in rows:
            problems.append(BadRow(f"{place} {shape.key}", f"twice in this file: {row[1]}"))
        elif row is not None:
            rows[row[:2]] = row[2]
    if problems:
        raise BadRows(problems)
    return [(*key, body) for key, body in rows.items()]


# ------------------------------------------------------------------ one row


def _row(shape: Topic, place: str, cells: dict[str, Any], store: str, problems: list[BadRow], *, is_csv: bool) -> FeedRow | None:
    """A row in its form; None, and its problems noted, where it has none."""
    if is_csv and shape.name == CATALOGUE and PRICE_YUAN in cells:
        return _goods_row(place, cells, store, problems)
    store, key = str(cells.pop(STORE, store)), cells.pop(shape.key, "")
    if not isinstance(key, str) or not 0 < len(key) <= KEY_MAX or key.startswith(OWN):
        problems.append(BadRow(f"{place} {shape.key}", f"a text of 1 to {KEY_MAX} characters that does not begin with {OWN}"))
        return None
    try:
        body = _body(shape, cells, is_csv=is_csv)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        reason, _, path = str(error).partition(" - at `$")
        problems.append(BadRow(f"{place} {path.strip('`.')}".strip(), reason))
        return None
    return store, key, body


def _body(shape: Topic, cells: dict[str, Any], *, is_csv: bool) -> bytes:
    if shape.row is None:
        body = to_json(cells)
    else:
        fields = {field.name: field.type for field in msgspec.structs.fields(shape.row)}
        if unknown := cells.keys() - fields.keys():
            raise ValueError(f"no such field: {', '.join(sorted(map(str, unknown)))}")
        lists = [name for name in cells if is_csv and typing.get_origin(fields[name]) is list]
        values = cells | {name: cells[name].split() for name in lists}
        body = encoded(msgspec.convert(values, shape.row, strict=not is_csv))
    if len(body) > BODY_BYTES_MAX:
        raise ValueError(f"{len(body)} bytes, more than {BODY_BYTES_MAX}")
    return body


def encoded(row: msgspec.Struct) -> bytes:
    """A row's body as it is stored and sent."""
    plain = {name: value for name, value in msgspec.structs.asdict(row).items() if value is not None}
    return to_json(plain)


def _goods_row(place: str, cells: dict[str, Any], store: str, problems: list[BadRow]) -> FeedRow | None:
    """A line of a goods file; the doubts that refuse it at a shop refuse it here."""
    store = cells.pop(STORE, store)
    judged = judge_row(cells)
    if judged.row is None:
        problems += [BadRow(f"{place} {judged.code}".strip(), f"{doubt}: {seen}") for doubt, seen in judged.doubts.items()
                     if doubt in REFUSING]  # fmt: skip
        return None
    names = [field.name for field in msgspec.structs.fields(Good)]
    values = {name: getattr(judged.row, name) for name in names}
    return store, judged.row.sku, encoded(Good(**values | {"codes": list(judged.row.codes)}))


def _package_row(data: bytes, store: str, now_ms: int) -> FeedRow:
    """A signed package: its shop is the store, its version the key."""
    document = parse(data)
    package = document if isinstance(document, Problem) else read_package(unwrapped(document), now_ms=now_ms)
    if not isinstance(package, Package):
        found = (package,) if isinstance(package, Problem) else package
        raise BadRows([BadRow(problem.path, " ".join((problem.reason, *map("=".join, problem.args)))) for problem in found])
    missing = [name for name, value in (("version", package.version), ("shop", package.shop)) if not value]
    if unwrapped(document) is document:
        missing.append("signature")
    if missing:
        raise BadRows([BadRow(f"$.{name}", "missing") for name in missing])
    if store not in ("", package.shop):
        raise BadRows([BadRow("$.shop", f"{package.shop}, not {store}")])
    body = to_json(document)
    if len(body) > BODY_BYTES_MAX:
        raise BadRows([BadRow("$", f"{len(body)} bytes, more than {BODY_BYTES_MAX}")])
    return package.shop, package.version, body


# ------------------------------------------------------------------ files


def _lines(data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        for cells in reader:
            place = f"line {reader.line_num}"
            if None in cells or None in cells.values():
                raise BadRows([BadRow(place, "more or fewer cells than the header has")])
            yield place, {name.strip(): cell for name, cell in cells.items() if cell != ""}
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRows([BadRow("", f"not a CSV file in UTF-8: {error}")]) from error


def _objects(data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        rows = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadRows([BadRow("$", f"not JSON: {error}")]) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadRows([BadRow("$", "a list of objects")])
    for n, row in enumerate(rows):
        yield f"$[{n}]", row


def _left(connection: Connection, topic: str, rows: list[FeedRow], store: str) -> list[tuple[str, str]]:
    """(store, key) of what is published for the stores of this list, and is not in it."""
    stores, listed = {row[0] for row in rows} or {store}, {row[:2] for row in rows}
    found = connection.execute(
        text("SELECT store, key FROM feed WHERE topic = :topic AND body IS NOT NULL ORDER BY store, key"), {"topic": topic}
    )
    return [(where, key) for where, key in found if where in stores and (where, key) not in listed]
