"""Revisions of the catalogue's tables, oldest first: `versions/0001_*.py`, `0002_*.py`, ...

After a change of `tables.py`, this writes the draft of the next one (read it before you commit it):

    python -m mcp_registry.migrations "what changes"
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

VERSIONS = Path(__file__).parent / "versions"


def revisions() -> list[str]:
    """The numbers of all revisions that this code knows, oldest first. Costs no import of Alembic."""
    return sorted(file.name.partition("_")[0] for file in VERSIONS.glob("[0-9]*_*.py"))


def upgrade(connection: "Connection") -> None:
    """Bring the connected database to the newest revision, inside the transaction that the connection is in."""
    from alembic import command

    command.upgrade(configuration(connection), "head")


def configuration(connection: "Connection") -> "Config":
    """Alembic's configuration, in code: there is no alembic.ini to be found or missed."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "mcp_registry:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
