"""A goods file on its way into the catalogue: rows, codes and doubts in a SQLite file of its own beside the store.

The stage holds what the file says. What of it is still to be done is worked out against the store each time (`plan`) and is
never noted down while the store is written: no crash can make the two disagree, and an import that was cut off goes on by
being planned again. The store is attached for reading only, and only while planning.
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from store_db.catalogue import STORED_COLUMNS
from store_db.connection import Connection, sqlite, transaction, translated

TABLES = (
    f"CREATE TABLE IF NOT EXISTS goods (row_no INTEGER PRIMARY KEY, {', '.join(STORED_COLUMNS)}, stock, item_id, todo, outcome)",
    "CREATE TABLE IF NOT EXISTS codes (row_no INTEGER, n INTEGER, code TEXT, PRIMARY KEY (row_no, n)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS doubts (row_no INTEGER, reason TEXT, code TEXT, seen TEXT, PRIMARY KEY (row_no, reason))",
    "CREATE TABLE IF NOT EXISTS staged (one INTEGER PRIMARY KEY CHECK (one = 1), rows, refused, kept, uid, after_id)",
)
PUT_GOODS = f"INSERT INTO goods VALUES ({', '.join('?' * (len(STORED_COLUMNS) + 2))}, NULL, NULL, NULL)"
PUT_CODE = "INSERT INTO codes VALUES (?,?,?)"
PUT_DOUBT = "INSERT OR IGNORE INTO doubts (row_no, reason, code, seen) VALUES (?,?,?,?)"

FIND_GOODS = "UPDATE goods SET item_id = (SELECT id FROM shop.items i WHERE i.sku = goods.sku)"
KEPT_INITIALS = "iif(i.name = goods.name AND i.pinyin != '', i.pinyin, goods.pinyin)"
FIND_TODO = f"""
UPDATE goods SET todo = item_id IS NULL
    OR NOT EXISTS (SELECT 1 FROM shop.items i WHERE i.id = goods.item_id
        AND {" AND ".join(f"i.{name} IS goods.{name}" for name in STORED_COLUMNS)})
    OR EXISTS (SELECT 1 FROM codes c LEFT JOIN shop.barcodes b ON b.code = c.code
        WHERE c.row_no = goods.row_no AND b.item_id IS NOT goods.item_id)"""
FIND_OUTCOME = """
UPDATE goods SET outcome = CASE WHEN NOT todo THEN 'unchanged' WHEN item_id IS NULL THEN 'added' ELSE 'changed' END
    WHERE outcome IS NULL OR (outcome = 'unchanged' AND todo)"""
FIND_MOVED_CODES = """
INSERT OR IGNORE INTO doubts (row_no, reason, code, seen)
    SELECT g.row_no, 'code_moved', c.code, i.sku || ' > ' || g.sku
    FROM goods g JOIN codes c ON c.row_no = g.row_no JOIN shop.barcodes b ON b.code = c.code JOIN shop.items i ON i.id = b.item_id
    WHERE g.todo AND b.item_id IS NOT g.item_id"""
SAMPLES = """
SELECT row_no, code, reason, seen
    FROM (SELECT *, row_number() OVER (PARTITION BY reason ORDER BY row_no) AS nth FROM doubts)
    WHERE nth <= :most / (SELECT count(DISTINCT reason) FROM doubts) ORDER BY row_no, reason"""


@dataclass(frozen=True, slots=True)
class Staged:
    """What is known of a file that is staged whole.

    `kept`: columns the file does not have; goods that are stored keep theirs. `uid` and `after_id`: the uid of the event that
    will end this import, and the journal's last id before it.
    """

    rows: int
    refused: int
    kept: tuple[str, ...]
    uid: bytes
    after_id: int


class Stage:
    """The stage of one file. Only one process can hold it: a second one is refused with POS-1005."""

    def __init__(self, path: Path, connection: Connection) -> None:
        self.path = path
        self.connection = connection

    @classmethod
    def open(cls, path: Path) -> Self:
        """The stage at this path; an empty one when there was none."""
        with translated(path):
            connection = sqlite.connect(str(path), isolation_level=None, timeout=0.2, uri=True)
            connection.row_factory = sqlite.Row
            connection.execute("PRAGMA main.locking_mode=EXCLUSIVE")
        with transaction(connection, path):
            for table in TABLES:
                connection.execute(table)
        return cls(path, connection)

    def close(self) -> None:
        self.connection.close()

    def remove(self) -> None:
        """Close it and let its files go."""
        self.close()
        for path in (self.path, self.path.with_name(f"{self.path.name}-journal")):
            path.unlink(missing_ok=True)

    def staged(self) -> Staged | None:
        """What is staged; None while the file has not been staged to its end."""
        with translated(self.path):
            row = self.connection.execute("SELECT rows, refused, kept, uid, after_id FROM staged").fetchone()
        return Staged(row[0], row[1], tuple(row[2].split()), row[3], row[4]) if row else None

    @contextlib.contextmanager
    def filling(self) -> Iterator[None]:
        """All that is put in the block is staged, or nothing."""
        with transaction(self.connection, self.path):
            yield

    def put(self, goods: Iterable[tuple[Any, ...]], codes: Iterable[tuple[int, int, str]]) -> None:
        """`goods`: (row number, the stored columns, stock); `codes`: (row number, n, code)."""
        self.connection.executemany(PUT_GOODS, goods)
        self.connection.executemany(PUT_CODE, codes)

    def put_doubts(self, doubts: Iterable[tuple[int, str, str, str]]) -> None:
        """(row number, reason, code, what was seen)."""
        self.connection.executemany(PUT_DOUBT, doubts)

    def put_staged(self, staged: Staged) -> None:
        self.connection.execute(
            "INSERT INTO staged VALUES (1,?,?,?,?,?)",
            (staged.rows, staged.refused, " ".join(staged.kept), staged.uid, staged.after_id),
        )

    def plan(self, store_path: Path, kept: Iterable[str]) -> None:
        """Work out what differs from the store as it stands. `added` and `changed` stay as they were first found."""
        with translated(self.path):
            self.connection.execute("ATTACH ? AS shop", (f"{store_path.absolute().as_uri()}?mode=ro",))
        try:
            with transaction(self.connection, self.path):
                self.connection.execute(FIND_GOODS)
                self._keep(tuple(kept))
                for statement in (FIND_TODO, FIND_OUTCOME, FIND_MOVED_CODES):
                    self.connection.execute(statement)
        finally:
            self.connection.execute("DETACH shop")

    def outcomes(self) -> dict[str, int]:
        """Rows by `added`, `changed`, `unchanged`."""
        return self._counts("SELECT outcome, count(*) FROM goods GROUP BY outcome")

    def doubts_by_reason(self) -> dict[str, int]:
        return self._counts("SELECT reason, count(*) FROM doubts GROUP BY reason ORDER BY reason")

    def doubtful_rows(self) -> int:
        return int(self._counts("SELECT 'rows', count(DISTINCT row_no) FROM doubts")["rows"])

    def samples(self, most: int) -> list[tuple[int, str, str, str]]:
        """(row number, code, reason, what was seen) of the first doubts of every reason, `most` in all."""
        return [tuple(row) for row in self.connection.execute(SAMPLES, {"most": most})]

    def doubts(self) -> Iterator[tuple[int, str, str, str]]:
        """(row number, code, reason, what was seen), all of them."""
        rows = self.connection.execute("SELECT row_no, code, reason, seen FROM doubts ORDER BY row_no, reason")
        return (tuple(row) for row in rows)

    def todo(self) -> int:
        """How many rows differ from the store as it was when they were planned."""
        return int(self._counts("SELECT 'todo', count(*) FROM goods WHERE todo")["todo"])

    def batch(self, after: int, most: int) -> list[dict[str, Any]]:
        """The next rows that differ, after this row number, as `catalogue.put_items` takes them, with their `row_no`."""
        with translated(self.path):
            found = self.connection.execute(
                "SELECT * FROM goods WHERE row_no > ? AND todo ORDER BY row_no LIMIT ?", (after, most)
            ).fetchall()
            goods = {row["row_no"]: {**dict(row), "codes": []} for row in found}
            if goods:
                for row_no, code in self._codes(min(goods), max(goods)):
                    if row_no in goods:
                        goods[row_no]["codes"].append(code)
        return list(goods.values())

    def opening_stock(self) -> list[tuple[str, int]]:
        """(sku, quantity) of the goods that are new and came with a stock."""
        rows = self.connection.execute(
            "SELECT sku, stock FROM goods WHERE outcome = 'added' AND ifnull(stock, 0) != 0 ORDER BY row_no"
        )
        return [(row[0], row[1]) for row in rows]

    def _codes(self, first: int, last: int) -> Iterator[tuple[int, str]]:
        rows = self.connection.execute(
            "SELECT row_no, code FROM codes WHERE row_no BETWEEN ? AND ? ORDER BY row_no, n", (first, last)
        )
        return ((row[0], row[1]) for row in rows)

    def _keep(self, kept: tuple[str, ...]) -> None:
        """Goods that are stored keep what the file has no column for; the initials only while they fit the name."""
        if kept:
            columns = ", ".join(f"{name} = {KEPT_INITIALS if name == 'pinyin' else f'i.{name}'}" for name in kept)
            self.connection.execute(f"UPDATE goods SET {columns} FROM shop.items i WHERE i.id = goods.item_id")

    def _counts(self, query: str) -> dict[str, int]:
        with translated(self.path):
            return {row[0]: row[1] for row in self.connection.execute(query)}
