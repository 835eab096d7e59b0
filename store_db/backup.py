"""Copies of the store: SQLite's online backup while lanes sell, verified before it counts; restored under a new epoch."""

import os
from datetime import UTC, datetime
from pathlib import Path

from pos_app.domain.errors import StoreError
from store_db.connection import connect, make_private, sqlite, translated
from store_db.store import Store
from store_db.system import SystemClock, SystemIds
from store_db.verify import verify_file


def backup(path: Path, folder: Path) -> Path:
    """A dated, verified copy in a folder. Raises StoreError; an unverified copy never keeps its final name."""
    with translated(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError("POS-1003", path=folder, detail=error) from error
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    part = folder / f"{path.stem}-{stamp}.part"
    _copy(path, part)
    _must_verify(part)
    final = part.with_suffix(".sqlite")
    os.replace(part, final)
    return final


def restore(copy: Path, path: Path) -> Store:
    """Make a store file of a copy, with a new epoch and so new number series. POS-1010 where a file is already."""
    if path.exists():
        raise StoreError("POS-1010", path=path)
    _must_verify(copy)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    _copy(copy, part)
    for suffix in ("-wal", "-shm"):  # of the file that is gone: they must not be read into this one
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    os.replace(part, path)
    store = Store(path, connect(path), SystemClock(), SystemIds())
    store.open_epoch("restore")
    return store


def _copy(source: Path, target: Path) -> None:
    reader = connect(source, read_only=True)
    make_private(target)
    writer = sqlite.connect(str(target))
    try:
        with translated(target):
            reader.backup(writer, pages=1000, sleep=0.005)
            writer.execute("PRAGMA journal_mode=DELETE")
    finally:
        writer.close()
        reader.close()
    with target.open("rb+") as handle:
        os.fsync(handle.fileno())


def _must_verify(path: Path) -> None:
    proof = verify_file(path)
    if not proof.is_ok:
        raise StoreError("POS-1002", path=path, detail="; ".join(proof.problems[:3]))
