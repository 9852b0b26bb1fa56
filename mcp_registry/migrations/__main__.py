"""`python -m mcp_registry.migrations "what changes"`: the draft of the next revision."""

import sys

from alembic import command
from sqlalchemy import create_engine

from mcp_registry.migrations import configuration, revisions, upgrade


def write_next_revision(message: str) -> str:
    """Compare tables.py with the revisions so far, and write what is missing as the next one; gives its path."""
    number = f"{int(revisions()[-1]) + 1:04d}"
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        upgrade(connection)
        script = command.revision(configuration(connection), message, autogenerate=True, rev_id=number)
    engine.dispose()
    if script is None or isinstance(script, list):
        raise SystemExit("no revision was written")
    return str(script.path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(f"{__doc__}\n(found {len(sys.argv) - 1} arguments; give one, in quotation marks)")
    print(f"{write_next_revision(sys.argv[1])}: read it, and run the tests of tests/mcp_registry/test_migrations.py")
