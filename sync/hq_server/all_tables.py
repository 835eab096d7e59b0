"""Every table of HQ: whoever migrates or compares the database imports `metadata` from here."""

from sync.hq_server import (
    exceptions,
    feed,
    heard,
    hub_tables,
    operators,
    projected_tables,
    projections,
    quarantine,
    snapshots,
)
from sync.hq_server.tables import metadata

__all__ = ["metadata"]
_HERE = (exceptions, feed, heard, hub_tables, operators, projected_tables, projections, quarantine, snapshots)
