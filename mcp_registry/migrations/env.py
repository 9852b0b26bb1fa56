"""Alembic's entry: runs the revisions over the connection that `mcp_registry.migrations` hands in.

It is never run by the `alembic` command: that would need an alembic.ini, and a database URL with its password in it.
The next revision is drafted by `python -m mcp_registry.migrations "what changes"`.
"""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from mcp_registry.columns import AnyText, Json, UtcTime
from mcp_registry.tables import metadata


def render(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our column types as what they are in the database: a revision must not change with the code."""
    if kind == "type" and isinstance(item, AnyText):
        return 'sa.String().with_variant(sa.String(collation="C"), "postgresql")'
    if kind == "type" and isinstance(item, Json):
        return "sa.Text()"
    if kind == "type" and isinstance(item, UtcTime):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=render,
    render_as_batch=True,  # SQLite alters a table by making a new one
    transactional_ddl=True,  # both databases take table changes back with the rest of a transaction
)
with context.begin_transaction():
    context.run_migrations()
