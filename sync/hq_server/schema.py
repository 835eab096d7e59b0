"""Making HQ's tables."""

from sqlalchemy import Connection


def make_tables(connection: Connection) -> None:
    """Every table, in a fresh database."""
    from sync.hq_server.all_tables import metadata

    metadata.create_all(connection)
