"""Bring a goods file into the catalogue while lanes sell: stage and judge all of it, then apply what differs bit by bit.

Nothing reaches the store before the whole file has been read and judged. Each batch is one short write transaction; running
the same file again goes on after a cut, and changes nothing once it is done.
"""

import contextlib
import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pos_app.domain.errors import BadInput
from pos_app.domain.events import Event, GoodsImported, StockMove, StockMoved
from pos_app.services.goods_files import open_goods
from pos_app.services.stage_goods import stage_goods
from store_db import catalogue, journal
from store_db.staging import Stage, Staged
from store_db.store import Store

FORMAT = b"lanewise/import-goods/1"  # another number when rows are judged in another way: half-done stages start anew
SAMPLES_MAX = 200
MOVES_MAX = 200
BATCH_ROWS_FIRST, BATCH_ROWS_MIN, BATCH_ROWS_MAX = 100, 10, 500
BATCH_MS = 10  # aimed at; the rows of a batch follow, so that hardly one takes 20
PAUSE_MS_MIN = 5

Progress = Callable[[int, int], None]
Pause = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """One doubt: where it is, and what was seen there."""

    row_no: int
    code: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do. `rows = added + changed + unchanged + refused`; `doubtful` counts rows per reason."""

    rows: int
    added: int
    changed: int
    unchanged: int
    refused: int
    doubtful: dict[str, int]
    samples: tuple[Sample, ...]
    dry_run: bool


CACHE_KIB = 8_192


def import_goods(
    store: Store,
    file: Path,
    column_map: dict[str, str],
    *,
    dry_run: bool,
    progress: Progress,
    pause: Pause,
    report_file: Path | None = None,
) -> ImportReport:
    """Import a goods file; `dry_run` judges and compares only.

    `column_map`: our column -> the file's. `progress(done, total)`: total 0 while the file is read. `pause(seconds)` lets
    lanes take the lock between batches. `report_file` gets every doubt as CSV, before anything is applied.
    Raises BadInput (nothing was changed) and StoreError (what was applied stays; the same call goes on from there).
    """
    digest = _digest(file, column_map)
    store.connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")  # a lane needs little, an import goes all over the file
    with _stage(store.path, digest, dry_run) as stage:
        staged = stage.staged() or stage_goods(stage, store, open_goods(file, column_map), progress)
        stage.plan(store.path, staged.kept)
        report = _report(stage, staged, dry_run)
        if report_file is not None:
            _write_doubts(stage, report_file)
        if not dry_run:
            _apply(store, stage, progress, pause)
            _record(store, staged.after_id, _events(stage, staged, file.name, digest, report))
    return report


def _digest(file: Path, column_map: Mapping[str, str]) -> str:
    """What makes two imports the same one: the bytes of the file and the column map."""
    digest = hashlib.blake2b(FORMAT + repr(sorted(column_map.items())).encode(), digest_size=32)
    try:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise BadInput("POS-5002", file=file.name, detail=error.strerror or error) from error
    return digest.hexdigest()


@contextlib.contextmanager
def _stage(store_path: Path, digest: str, dry_run: bool) -> Iterator[Stage]:
    """The stage of a file, beside the store. It outlives a fault only where there is something to go on with."""
    stage = Stage.open(store_path.with_name(f"{store_path.name}.import-{digest[:12]}{'-dry' if dry_run else ''}"))
    try:
        yield stage
    except BaseException:
        if dry_run or stage.staged() is None:
            stage.remove()
        stage.close()
        raise
    stage.remove()


def _report(stage: Stage, staged: Staged, dry_run: bool) -> ImportReport:
    outcomes = stage.outcomes()
    return ImportReport(
        rows=staged.rows,
        added=outcomes.get("added", 0),
        changed=outcomes.get("changed", 0),
        unchanged=outcomes.get("unchanged", 0),
        refused=staged.refused,
        doubtful=stage.doubts_by_reason(),
        samples=tuple(Sample(*sample) for sample in stage.samples(SAMPLES_MAX)),
        dry_run=dry_run,
    )


def _write_doubts(stage: Stage, report_file: Path) -> None:
    """Every doubt, for a spreadsheet (hence the byte order mark)."""
    try:
        with report_file.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(("row", "code", "reason", "seen"))
            writer.writerows(stage.doubts())
    except OSError as error:
        raise BadInput("POS-5005", detail=f"--report {report_file}: {error.strerror or error}") from error


def _apply(store: Store, stage: Stage, progress: Progress, pause: Pause) -> None:
    """Write what differs. How many rows a batch has follows how long the last one took."""
    total, done, row_no, most = stage.todo(), 0, 0, BATCH_ROWS_FIRST
    while batch := stage.batch(row_no, most):
        spent_ms = _write(store, batch)
        row_no, done = batch[-1]["row_no"], done + len(batch)
        progress(done, total)
        pause(max(spent_ms, PAUSE_MS_MIN) / 1000)
        most = batch_rows(most, spent_ms)


def _write(store: Store, batch: list[dict[str, Any]]) -> int:
    """One transaction; the milliseconds for which it held the lock."""
    with store.transaction() as connection:
        since_ms = store.clock.mono_ms()
        catalogue.put_items(connection, batch, store.clock.wall_ms())
    return store.clock.mono_ms() - since_ms


def batch_rows(rows: int, spent_ms: int) -> int:
    """How many rows the next batch has, when `rows` took `spent_ms`: towards `BATCH_MS`, at most twice or half as many.

    `batch_rows(100, 5) == 200`, `batch_rows(100, 40) == 50`.
    """
    wanted = rows * BATCH_MS // max(spent_ms, 1)
    return max(BATCH_ROWS_MIN, min(wanted, rows * 2, BATCH_ROWS_MAX), rows // 2)


def _events(stage: Stage, staged: Staged, file: str, digest: str, report: ImportReport) -> Iterator[tuple[bytes, Event]]:
    """(uid, event) of what happened: the import, and the opening stock of goods that are new. Nothing when nothing did."""
    if not report.added + report.changed:
        return
    yield (
        staged.uid,
        GoodsImported(file, digest, report.rows, report.added, report.changed, report.unchanged, stage.doubtful_rows()),
    )
    moves = [StockMove(sku, quantity) for sku, quantity in stage.opening_stock()]
    for first in range(0, len(moves), MOVES_MAX):
        uid = hashlib.blake2b(staged.uid + first.to_bytes(8, "big"), digest_size=16).digest()
        yield uid, StockMoved("opening", tuple(moves[first : first + MOVES_MAX]))


def _record(store: Store, after_id: int, events: Iterator[tuple[bytes, Event]]) -> None:
    """Append each event in a transaction of its own, unless an earlier run of this import has done so."""
    recorded = {entry.header.uid for entry in journal.entries(store.connection, after_id)}
    for uid, event in events:
        if uid not in recorded:
            with store.transaction():
                store.append(event, uid=uid)
