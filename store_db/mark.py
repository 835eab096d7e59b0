"""A mark beside the store file: how far its journal had come. A backup that was copied back over the file stands behind it."""

import contextlib
import json
from pathlib import Path

from store_db.connection import Connection
from store_db.journal import head


def write(connection: Connection, path: Path) -> None:
    """Note the journal's head, at opening and closing. Best effort: a mark that cannot be read tells nothing."""
    with contextlib.suppress(OSError, connection.Error):
        _, epoch, seq, _ = head(connection)
        _mark(path).write_text(json.dumps({"epoch": epoch.hex(), "seq": seq}), encoding="ascii")


def is_behind(connection: Connection, path: Path) -> bool:
    """Whether the file has lost events that it once had: its mark is ahead, or of an epoch that it does not know."""
    try:
        noted = json.loads(_mark(path).read_text(encoding="ascii"))
        epoch, seq = bytes.fromhex(noted["epoch"]), int(noted["seq"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    _, epoch_now, seq_now, _ = head(connection)
    if epoch == epoch_now:
        return seq_now < seq
    return connection.execute("SELECT 1 FROM epochs WHERE epoch = ?", (epoch,)).fetchone() is None


def _mark(path: Path) -> Path:
    return path.with_name(path.name + ".head")
