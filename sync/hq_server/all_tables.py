"""Every table of HQ: whoever makes, migrates or compares the database imports `metadata` from here."""

import importlib.util

from sync.hq_server import exceptions, feed, heard, operators, projected_tables, projections, quarantine, snapshots
from sync.hq_server.tables import metadata

__all__ = ["metadata"]
_HERE = (exceptions, feed, heard, operators, projected_tables, projections, quarantine, snapshots)
if importlib.util.find_spec("sync.hq_server.hub_tables"):
    importlib.import_module("sync.hq_server.hub_tables")
