"""A sale without a program: its rows, written by prepared SQL in one transaction. What a commit can cost at the least."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store_db import points, stock
from store_db.connection import Connection, connect

Rows = list[tuple[Any, ...]]


# table -> where it has the id of the event
TABLES = (
    {"journal": "id", "stock_moves": f"id >> {stock.PLACE_BITS}", "points_entries": f"id >> {points.PLACE_BITS}"}
    | dict.fromkeys(("receipts", "tenders", "print_jobs", "coupons"), "journal_id")
    | dict.fromkeys(("promotion_uses", "coupon_uses", "member_acts"), "id")
)


@dataclass(frozen=True, slots=True)
class SaleRows:
    """Every row that a sale's commit wrote, by table, and the basket it let go."""

    written: dict[str, Rows]
    draft_id: int


def newest_sale(connection: Connection, draft_id: int) -> SaleRows:
    """The rows of the event that was committed last."""
    entry = connection.execute("SELECT max(id) FROM journal").fetchone()[0]
    selected = {table: connection.execute(f"SELECT * FROM {table} WHERE {key} = ?", (entry,)) for table, key in TABLES.items()}
    written = {table: [tuple(row) for row in rows] for table, rows in selected.items()}
    return SaleRows({table: rows for table, rows in written.items() if rows}, draft_id)


class RawTill:
    """A store file under the same pragmas as a lane's, written by hand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = connect(path)
        self.connection.row_factory = None

    def insert(self, table: str, rows: Rows) -> None:
        """By a statement that is prepared once (the connection keeps it)."""
        self.connection.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)

    def put_draft(self, draft: tuple[Any, ...], ops: Rows) -> None:
        """The open basket as the lane had it: one transaction a line, as it was scanned."""
        for n, op in enumerate(ops):
            self.connection.execute("BEGIN IMMEDIATE")
            if n == 0:
                self.insert("drafts", [draft])
            self.insert("draft_ops", [op])
            self.connection.execute("COMMIT")

    def commit(self, sale: SaleRows) -> None:
        """The sale, durable when this returns."""
        run = self.connection.execute
        run("BEGIN IMMEDIATE")
        for table, rows in sale.written.items():
            self.insert(table, rows)
        run("DELETE FROM drafts WHERE id = ?", (sale.draft_id,))
        run("DELETE FROM draft_ops WHERE draft_id = ?", (sale.draft_id,))
        run("COMMIT")

    def mark_printed(self, sale: SaleRows) -> None:
        """The paper, in its own transaction as the lane does it."""
        run = self.connection.execute
        run("BEGIN IMMEDIATE")
        run("UPDATE print_jobs SET state = 'done', tries = tries + 1 WHERE id = ?", (sale.written["print_jobs"][0][0],))
        run("COMMIT")

    def close(self) -> None:
        self.connection.close()
