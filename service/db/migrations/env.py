"""Runs one migration step on the connection it is handed."""

from alembic import context

from service.db.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
context.run_migrations()
