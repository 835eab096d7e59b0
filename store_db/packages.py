"""Price packages, kept for ever: any receipt can be priced again under the package it names."""

import re
from dataclasses import dataclass

from store_db.connection import Connection


@dataclass(frozen=True, slots=True)
class PackageRow:
    """A stored package without its body. `key` is empty for one that was not signed."""

    digest: str
    version: str
    valid_from_ms: int
    valid_to_ms: int | None
    signature: str
    key: str
    installed_ms: int

    def holds_at(self, now_ms: int) -> bool:
        return self.valid_from_ms <= now_ms and (self.valid_to_ms is None or now_ms < self.valid_to_ms)


COLUMNS = "digest, version, valid_from_ms, valid_to_ms, signature, key, installed_ms"


def rows(connection: Connection) -> list[PackageRow]:
    """All of them, in the order they came."""
    return [PackageRow(*row) for row in connection.execute(f"SELECT {COLUMNS} FROM packages ORDER BY rowid")]


def by_digest(connection: Connection, digest: str) -> list[PackageRow]:
    """The packages whose digest begins like this."""
    sql = f"SELECT {COLUMNS} FROM packages WHERE substr(digest, 1, ?) = ? ORDER BY rowid"
    return [PackageRow(*row) for row in connection.execute(sql, (len(digest), digest))]


def body(connection: Connection, digest: str) -> bytes | None:
    """A package's canonical JSON."""
    row = connection.execute("SELECT body FROM packages WHERE digest = ?", (digest,)).fetchone()
    return bytes(row[0]) if row else None


def add(connection: Connection, row: PackageRow, data: bytes) -> None:
    connection.execute(
        "INSERT INTO packages VALUES (?,?,?,?,?,?,?,?)",
        (row.digest, row.version, row.valid_from_ms, row.valid_to_ms, data, row.signature, row.key, row.installed_ms),
    )


def row_at(rows: list[PackageRow], now_ms: int) -> PackageRow | None:
    """Of those that hold the one with the highest version; 2026-10 is above 2026-9."""
    return max((row for row in rows if row.holds_at(now_ms)), key=lambda row: version_order(row.version), default=None)


def version_order(version: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers in a version count as numbers: "2026-9.10" is above "2026-9.9"."""
    parts = re.findall(r"\d+|[^\d]+", version)
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)


def newest_rowid(connection: Connection) -> int:
    """Grows with every package that is stored."""
    return int(connection.execute("SELECT ifnull(max(rowid), 0) FROM packages").fetchone()[0])
