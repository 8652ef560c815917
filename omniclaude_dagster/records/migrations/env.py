"""Alembic's door: runs the migrations on the connection that `records/migrate.py` hands in. Nothing else runs it."""

from alembic import context

from omniclaude_dagster.records import schema
from omniclaude_dagster.records.migrate import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.Generation.metadata,
    version_table=VERSION_TABLE,
    # SQLite too: engine.py makes its DDL part of the transaction, so a killed migration leaves nothing behind.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
