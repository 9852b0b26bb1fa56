"""The catalogue opened for a sub-command that changes it, with the index following."""

from collections.abc import Generator
from contextlib import contextmanager

from mcp_registry.catalogue import Catalogue, open_catalogue
from mcp_registry.cli.console import embedding_progress
from mcp_registry.home import Home
from mcp_registry.indexing import reconcile
from mcp_registry.settings import load_settings
from retrieval.embedders import open_embedder
from retrieval.index import open_index


@contextmanager
def catalogue_and_index(home: Home) -> Generator[Catalogue]:
    """The catalogue, with the index made equal to it at the end."""
    settings = load_settings(home)
    with open_catalogue(home.database_url) as catalogue:
        yield catalogue
        embedder = open_embedder(settings.retrieval.model, threads=settings.retrieval.threads or None)
        index = open_index(home.index, embedder, settings.retrieval)
        with embedding_progress() as progress:
            reconcile(index, catalogue, progress)
