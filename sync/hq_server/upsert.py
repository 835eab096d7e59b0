"""Many rows into a table at once, merged as its columns say; the same statement for SQLite and PostgreSQL but for the rows.

Keys are taken in order, so that two transactions never wait for each other in a ring.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, LargeBinary, Table

Values = tuple[Any, ...]


def merge(connection: Connection, table: Table, rows: Iterable[Values]) -> None:
    """Insert rows, each with a value for every column in order; where a key is there, its sums and maxima are brought up."""
    kept = _one_a_key(table, rows)
    if not kept:
        return
    if connection.dialect.name == "postgresql":
        columns = tuple(list(column) for column in zip(*kept, strict=True))
        connection.exec_driver_sql(_sql(table, True), columns)
    else:
        connection.exec_driver_sql(_sql(table, False), kept)


def _one_a_key(table: Table, rows: Iterable[Values]) -> list[Values]:
    """Rows in order of their keys, those of one key made one."""
    keys, how = _shape(table)
    found: dict[Values, list[Values]] = defaultdict(list)
    for row in rows:
        found[row[:keys]].append(row)
    return [_one(key, found[key], keys, how) for key in sorted(found)]


def _one(key: Values, rows: list[Values], keys: int, how: tuple[str, ...]) -> Values:
    if len(rows) == 1:
        return rows[0]
    columns = list(zip(*rows, strict=True))[keys:]
    return (*key, *map(_together, how, columns))


@cache
def _shape(table: Table) -> tuple[int, tuple[str, ...]]:
    """How many key columns come first, and how each of the others is merged."""
    keys = len(table.primary_key.columns)
    return keys, tuple(column.info.get("merge", "") for column in list(table.columns)[keys:])


def _together(how: str, values: Values) -> Any:
    return sum(values) if how == "sum" else max(values) if how == "max" else values[0]


@cache
def _sql(table: Table, is_postgres: bool) -> str:
    names = [column.name for column in table.columns]
    if is_postgres:
        rows = "SELECT * FROM unnest(" + ", ".join(f"%b::{_type(column.type)}[]" for column in table.columns) + ")"
    else:
        rows = f"VALUES ({', '.join('?' * len(names))})"
    return f"INSERT INTO {table.name} ({', '.join(names)}) {rows}{_on_conflict(table, is_postgres)}"


def _on_conflict(table: Table, is_postgres: bool) -> str:
    """Nothing for a table whose rows are inserted once: a key that is there already is a broken promise."""
    keys = ", ".join(column.name for column in table.primary_key.columns)
    changes = []
    for column in table.columns:
        here, there = f"{table.name}.{column.name}", f"excluded.{column.name}"
        if column.info.get("merge") == "sum":
            changes.append(f"{column.name} = {here} + {there}")
        elif column.info.get("merge") == "max":
            in_bytes = ' COLLATE "C"' if is_postgres and _type(column.type) == "text" else ""  # as Python and SQLite compare
            changes.append(f"{column.name} = {'greatest' if is_postgres else 'max'}({here}{in_bytes}, {there})")
    return f" ON CONFLICT ({keys}) DO UPDATE SET {', '.join(changes)}" if changes else ""


def _type(kind: object) -> str:
    return "bigint" if isinstance(kind, BigInteger) else "bytea" if isinstance(kind, LargeBinary) else "text"
