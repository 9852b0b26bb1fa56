"""Strategies that are the product's own search: as everyone gets it, and with parts of it left out."""

from retrieval.hit import Hit
from retrieval.index import ToolIndex
from retrieval.multi import search_many
from retrieval.settings import RetrievalSettings
from retrieval.strategies.strategy import Collection


class IndexStrategy:
    """A `ToolIndex` over the collection, made anew so that it never answers from older texts; vectors are kept.

    `clauses`: whether a long request is searched by its clauses too.
    """

    def __init__(
        self, name: str, collection: Collection, settings: RetrievalSettings, *, clauses: bool = False
    ) -> None:
        self._name = name
        self._clauses = clauses
        self._index = ToolIndex(collection.folder, collection.embedder, settings)
        self._index.apply([*collection.tools, *collection.cards], generation=0)

    @property
    def name(self) -> str:
        return self._name

    @property
    def index(self) -> ToolIndex:
        return self._index

    def search(self, query: str, k: int = 10) -> list[Hit]:
        return search_many(self._index.search, query, k) if self._clauses else self._index.search(query, k)


def open_hybrid(collection: Collection) -> IndexStrategy:
    """What everyone gets: the search with the default settings, long requests by their clauses too."""
    return IndexStrategy("hybrid", collection, RetrievalSettings(), clauses=True)


def open_hybrid_whole(collection: Collection) -> IndexStrategy:
    """The same without clauses: every request as it stands."""
    return IndexStrategy("hybrid_whole", collection, RetrievalSettings())


def open_grouped(collection: Collection) -> IndexStrategy:
    """The same without popularity too: copies of a tool only stand together."""
    return IndexStrategy("grouped", collection, RetrievalSettings(popularity=0.0))


def open_weighted(collection: Collection) -> IndexStrategy:
    """Vectors and words by their weighted scores, and nothing else."""
    return IndexStrategy("weighted", collection, RetrievalSettings(fusion="weighted", group_alike=False))


def open_rrf(collection: Collection) -> IndexStrategy:
    """Vectors and words by reciprocal rank fusion, and nothing else."""
    return IndexStrategy("rrf", collection, RetrievalSettings(fusion="rrf", group_alike=False))


def open_bm25f(collection: Collection) -> IndexStrategy:
    """The product's words alone: BM25 over weighted fields, identifiers split and joined, light stemming."""
    return IndexStrategy("bm25f", collection, RetrievalSettings(fusion="lexical", group_alike=False))
