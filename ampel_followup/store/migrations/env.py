"""What Alembic runs: the connection comes from the store, which holds the transaction."""

from __future__ import annotations

from alembic import context

from ampel_followup.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
