"""One agent a store file: two would do no harm, but twice the work."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from pos_app.domain.errors import StoreError


@contextlib.contextmanager
def agent_lock(path: Path) -> Iterator[None]:
    """Hold the store's agent lock; the system lets go of it when the process ends. Raises StoreError POS-7009 when it is held."""
    name = path.with_name(f"{path.name}.agent.lock")
    try:
        handle = name.open("w")
    except OSError as error:
        raise StoreError("POS-1003", path=name, detail=error) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError("POS-7009", path=path) from error
        yield
