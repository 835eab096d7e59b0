"""One store file, opened: the device row, the epoch rule, transactions and the journal's append."""

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pos_app.domain.calendar import business_date
from pos_app.domain.errors import StoreError
from pos_app.domain.events import EpochOpened, Event, SeriesOpened, number_text
from pos_app.domain.ports import Clock, Ids
from store_db import journal, mark, series
from store_db.connection import APPLICATION_ID, Connection, connect, file_identity, make_private, transaction, translated
from store_db.journal import Device, Entry
from store_db.schema import VERSION
from store_db.system import SystemClock, SystemIds


class Store:
    """The store of one shop PC. One per process and thread; several lanes may share its file."""

    def __init__(self, path: Path, connection: Connection, clock: Clock, ids: Ids) -> None:
        self.path = path
        self.connection = connection
        self.clock = clock
        self.ids = ids
        self.device = self._read_device()

    @classmethod
    def create(
        cls,
        path: Path,
        store: str,
        *,
        clock: Clock | None = None,
        ids: Ids | None = None,
        utc_offset_min: int = 480,
        cutoff_hour: int = 4,
    ) -> Self:
        """A new store file with its first epoch. Raises StoreError POS-1010 when the file exists."""
        from store_db.migrations import migrate

        if path.exists():
            raise StoreError("POS-1010", path=path)
        clock, ids = clock or SystemClock(), ids or SystemIds()
        with translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        make_private(path)
        connection = connect(path, create=True)
        migrate(connection, path)
        with transaction(connection, path):
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(
                "INSERT INTO device VALUES (1,?,?,0,?,'',?,?,0)",
                (ids.random(16), store, b"", utc_offset_min, cutoff_hour),
            )
        created = cls(path, connection, clock, ids)
        created.open_epoch("init")
        return created

    @classmethod
    def open(cls, path: Path, *, clock: Clock | None = None, ids: Ids | None = None) -> Self:
        """Open an existing store; a copied file opens an epoch of its own, so that no number is issued twice."""
        connection = connect(path)
        with translated(path):
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            from store_db.migrations import migrate

            with translated(path):
                migrate(connection, path)
        store = cls(path, connection, clock or SystemClock(), ids or SystemIds())
        if store.identity() != file_identity(path):
            store.open_epoch("copy")
        elif mark.is_behind(connection, path):
            store.open_epoch("restore")
        mark.write(connection, path)
        return store

    def close(self) -> None:
        mark.write(self.connection, self.path)
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All of the block is durable when it has ended, or none of it. It works under the epoch that the file is in by now."""
        with transaction(self.connection, self.path):
            self.device = self._read_device()
            yield self.connection

    def append(self, event: Event, *, lane: str = "", uid: bytes | None = None) -> Entry:
        """Append an event inside the open transaction."""
        return journal.append(self.connection, self.device, self.clock, self.ids, event, lane=lane, uid=uid)

    def record(self, event: Event, *, lane: str = "") -> Entry:
        """Append an event in a transaction of its own."""
        with self.transaction():
            return self.append(event, lane=lane)

    def identity(self) -> str:
        """The file identity that the device row remembers."""
        with translated(self.path):
            return str(self.connection.execute("SELECT file_identity FROM device").fetchone()[0])

    def open_epoch(self, reason: str) -> None:
        """Begin a new chain, with a link to the one before."""
        with self.transaction():
            self.begin_epoch(reason)

    def begin_epoch(self, reason: str, device: bytes | None = None) -> None:
        """As `open_epoch`, inside the open transaction; from here on under another device id, if one is given."""
        connection = self.connection
        _, epoch, seq, previous = journal.head(connection)
        connection.execute(
            "UPDATE device SET epoch_no = epoch_no + 1, epoch = ?, file_identity = ?, device = ?",
            (self.ids.random(8), file_identity(self.path), device or self.device.device),
        )
        for (draft_id,) in connection.execute("SELECT id FROM drafts").fetchall():  # the other file has them too
            connection.execute("UPDATE drafts SET uid = ? WHERE id = ?", (self.ids.random(16), draft_id))
        self.device = self._read_device()
        parent = (epoch.hex(), seq, previous.hex()) if seq else ("", 0, "")
        self.append(EpochOpened(reason, self.device.store, *parent))

    def next_number(self, lane: str) -> tuple[int, int, str]:
        """(series_no, counter, number on paper): the lane's next, inside the open transaction; opens the series if needed."""
        found = series.series_of(self.connection, self.device.epoch, lane) or self._open_series(lane)
        counter = series.next_counter(self.connection, found[0])
        return found[0], counter, number_text(self.device.store, lane, found[1], counter)

    def latest_wall_ms(self, events: int) -> int:
        """The latest time among the newest events; 0 for an empty journal."""
        sql = "SELECT ifnull(max(wall_ms), 0) FROM (SELECT wall_ms FROM journal ORDER BY id DESC LIMIT ?)"
        with translated(self.path):
            return int(self.connection.execute(sql, (events,)).fetchone()[0])

    def business_date(self) -> str:
        """The business date of this moment."""
        return business_date(self.clock.wall_ms(), self.device.utc_offset_min, self.device.cutoff_hour)

    def is_own_series(self, series_no: int) -> bool:
        """Whether a series belongs to the epoch the file is in."""
        row = self.connection.execute("SELECT epoch FROM series WHERE series_no = ?", (series_no,)).fetchone()
        return row is not None and row[0] == self.device.epoch

    def number(self, series_no: int, counter: int) -> str:
        """The number on paper of one that was taken."""
        lane, code = series.codes(self.connection)[series_no]
        return number_text(self.device.store, lane, code, counter)

    def _open_series(self, lane: str) -> tuple[int, str]:
        series_no = series.next_series_no(self.connection)
        code = base64.b32encode(self.device.epoch).decode()[:4]
        taken = {taken for _, (where, taken) in series.codes(self.connection).items() if where == lane}
        while code in taken:
            code = base64.b32encode(self.ids.random(5)).decode()[:4]
        self.append(SeriesOpened(series_no, lane, code), lane=lane)
        return series_no, code

    def _read_device(self) -> Device:
        with translated(self.path):
            row = self.connection.execute(
                "SELECT device, store, epoch_no, epoch, utc_offset_min, cutoff_hour, hq_offset_ms FROM device"
            ).fetchone()
        if row is None:
            raise StoreError("POS-1002", path=self.path, detail="its making was cut short")
        return Device(*row)
