"""How Alembic runs the migrations: on the connection that it is given, in its transaction."""

from alembic import context

from sync.hq_server.all_tables import metadata
from sync.hq_server.migrations.names import is_ours

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, include_name=is_ours, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
