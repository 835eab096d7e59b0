"""Events read back from the log, as they were pushed."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, select

from sync.hq_server.log import event_of
from sync.hq_server.tables import log
from sync.protocol import ChainId, WireEvent

ROWS_AT_ONCE = 1_000


def chain_of(row: Row[Any]) -> ChainId:
    """The chain that a row of the log, the quarantine or the waiting belongs to."""
    return ChainId(bytes(row.device), bytes(row.epoch), bytes(row.branch))


def event_at(connection: Connection, store: str, chain: ChainId, seq: int) -> WireEvent:
    """One event; NoResultFound where the log has none."""
    at = (log.c.store == store, log.c.device == chain.device, log.c.epoch == chain.epoch, log.c.branch == chain.branch)
    return event_of(connection.execute(select(log).where(*at, log.c.seq == seq)).one())


def whole_log(connection: Connection) -> Iterator[Row[Any]]:
    """Every row, chain by chain in sequence, a thousand in memory."""
    order = (log.c.store, log.c.device, log.c.epoch, log.c.branch, log.c.seq)
    rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(select(log).order_by(*order))
    yield from rows
