"""The SQLite store of one shop PC: connection, journal, projections and queries."""
