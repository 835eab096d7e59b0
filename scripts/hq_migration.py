"""`python scripts/hq_migration.py NAME`: write the next migration of HQ, from what the tables say and the last one made.

Read what was written, format it, raise `VERSION` in sync/hq_server/schema.py. What only one database has is added by hand.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command

from sync.hq_server import schema
from sync.hq_server.database import Database


def write(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{folder}/hq.sqlite")
        with database.write() as connection:
            schema.migrate(connection)
        with database.write() as connection:
            number = len(list((Path(schema.__file__).parent / "migrations" / "versions").glob("0*.py"))) + 1
            command.revision(schema.config(connection), name, autogenerate=True, rev_id=f"{number:04}")


if __name__ == "__main__":
    write(sys.argv[1])
