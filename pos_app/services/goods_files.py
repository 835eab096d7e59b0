"""Goods files as a stream of texts: CSV (UTF-8, UTF-16, GB18030), XLSX and its kin, Parquet.

What a file is, its first bytes say, never its name. Every fault of a file is BadInput POS-5002; a library that is not
installed is POS-5004.
"""

import codecs
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pos_app.domain.errors import BadInput
from pos_app.services.goods_columns import check_map, place_columns

HEADER_ROWS_MAX = 10  # sheets begin with a title, a date, who printed it
SHEET_MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
PARQUET_MAGIC = b"PAR1"
PARQUET_BATCH_ROWS = 2_000
READ_BYTES = 1 << 20
DELIMITERS = ",;\t"
Table = Iterator[list[str]]


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row: its number as a sheet counts (the first line of the file is 1), its cells by our columns, or its fault."""

    number: int
    cells: dict[str, str]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class GoodsFile:
    """Which of our columns a file has, and its rows, which are read as they are asked for."""

    columns: frozenset[str]
    rows: Iterator[RawRow]


def open_goods(file: Path, column_map: Mapping[str, str]) -> GoodsFile:
    """Find the header and stand before the first row.

    Raises BadInput POS-5002 (unreadable, now or while the rows are read), POS-5003 (columns missing), POS-5004, POS-5005.
    """
    check_map(column_map)
    rows = _guarded(file, _table(file))
    head = list(islice(rows, HEADER_ROWS_MAX))
    if not head:
        raise BadInput("POS-5002", file=file.name, detail="no rows")
    at, places = _find_header([cells for _, cells in head], column_map)
    below = chain(head[at + 1 :], rows)
    return GoodsFile(frozenset(places), _cells(file, below, places, len(head[at][1])))


def number_text(value: float) -> str:
    """A number of a sheet as people see it there, 15 digits at most: 12.5 is "12.5", 6901234567892.0 "6901234567892"."""
    return format(Decimal(format(value, ".15g")), "f")


def _find_header(head: list[list[str]], column_map: Mapping[str, str]) -> tuple[int, dict[str, int]]:
    first_fault: BadInput | None = None
    for at, cells in enumerate(head):
        try:
            return at, place_columns(cells, column_map)
        except BadInput as fault:
            first_fault = first_fault or fault
    assert first_fault is not None
    raise first_fault


def _cells(file: Path, rows: Iterator[tuple[int, list[str]]], places: Mapping[str, int], width: int) -> Iterator[RawRow]:
    """The rows under the header. A row of another length is a fault: its cells may stand in the wrong columns."""
    number = 0
    for number, texts in rows:
        if len(texts) < width or any(texts[width:]):
            yield RawRow(number, {}, f"{len(texts)} / {width}")
        else:
            yield RawRow(number, {ours: texts[place] for ours, place in places.items()})
    if not number:
        raise BadInput("POS-5002", file=file.name, detail="no rows")


def _guarded(file: Path, table: Table) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, numbered from 1; whatever a library says about a broken file is POS-5002."""
    try:
        for number, texts in enumerate(table, 1):
            if any(texts):
                yield number, texts
    except (BadInput, MemoryError):
        raise
    except Exception as error:
        raise BadInput("POS-5002", file=file.name, detail=error or type(error).__name__) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # how a Rust library stumbles; anything else is a person's Ctrl-C
            raise
        raise BadInput("POS-5002", file=file.name, detail="damaged") from error


def _table(file: Path) -> Table:
    with file.open("rb") as stream:
        magic = stream.read(4)
    if magic.startswith(SHEET_MAGIC):
        yield from _sheet_rows(file)
    elif magic == PARQUET_MAGIC:
        yield from _parquet_rows(file)
    else:
        yield from _csv_rows(file)


def _csv_rows(file: Path) -> Table:
    with file.open(encoding=_encoding(file), newline="") as stream:
        sample = "".join(islice(stream, HEADER_ROWS_MAX))
        if "\0" in sample:
            raise BadInput("POS-5002", file=file.name, detail="neither a table of texts nor XLSX nor Parquet")
        stream.seek(0)
        yield from csv.reader(stream, delimiter=max(DELIMITERS, key=sample.count), strict=True)


def _encoding(file: Path) -> str:
    """UTF-16 by its mark, UTF-8 (with or without) where all of the file is, else GB18030. Raises UnicodeDecodeError."""
    with file.open("rb") as stream:
        if stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    try:
        _decode_all(file, "utf-8-sig")
    except UnicodeDecodeError:
        _decode_all(file, "gb18030")
        return "gb18030"
    return "utf-8-sig"


def _decode_all(file: Path, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    with file.open("rb") as stream:
        while block := stream.read(READ_BYTES):
            decoder.decode(block)
    decoder.decode(b"", final=True)


def _sheet_rows(file: Path) -> Table:
    """The first sheet of a workbook, from its first line on."""
    try:
        from python_calamine import CalamineWorkbook
    except ImportError as error:
        raise BadInput("POS-5004", extra="import", package="python-calamine") from error
    sheet = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0)
    for cells in sheet.iter_rows():
        yield [_text(cell) for cell in cells]


def _parquet_rows(file: Path) -> Table:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise BadInput("POS-5004", extra="import", package="pyarrow") from error
    with ParquetFile(file) as table:
        yield list(table.schema_arrow.names)
        for batch in table.iter_batches(PARQUET_BATCH_ROWS):
            columns = (column.to_pylist() for column in batch.columns)
            yield from ([_text(cell) for cell in cells] for cells in zip(*columns, strict=True))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return number_text(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)
