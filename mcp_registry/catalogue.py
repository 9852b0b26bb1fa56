"""`open_catalogue`: all that is known of servers, tools and offers, in one database."""

from collections.abc import Generator
from contextlib import contextmanager

from mcp_registry.catalogue_calls import Calls
from mcp_registry.catalogue_facts import FactsShelf
from mcp_registry.catalogue_offers import Offers
from mcp_registry.catalogue_probes import Probes
from mcp_registry.catalogue_servers import Servers
from mcp_registry.catalogue_sync import Syncs
from mcp_registry.catalogue_tools import Tools
from mcp_registry.database import open_database


class Catalogue(Servers, Syncs, Tools, Offers, Calls, Probes, FactsShelf):
    """An open catalogue: plain nouns in and out, never a row.

    Each method is one short transaction that blocks its thread, so async code calls it through `asyncio.to_thread`;
    any number of threads and processes may do so at once. Every method may raise CatalogueError when the database goes
    away, is locked for too long, or cannot be written.
    """


@contextmanager
def open_catalogue(url: str, *, wait_s: float = 10.0) -> Generator[Catalogue]:
    """The catalogue of a database URL, made where there is none (SQLite) and migrated to the newest revision.

    `wait_s` is how long any operation waits for another writer.

    Raises:
        CatalogueError: it cannot be opened; the message says why and what to do, and shows no password.

    Example:
        with open_catalogue("sqlite:////home/me/.quartermaster/catalogue.sqlite") as catalogue:
            catalogue.servers()
    """
    with open_database(url, wait_s=wait_s) as database:
        yield Catalogue(database)
