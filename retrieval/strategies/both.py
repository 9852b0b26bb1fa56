"""Strategies that are the product's own search, with its default settings or with others."""

from retrieval.hit import Hit
from retrieval.index import ToolIndex
from retrieval.settings import RetrievalSettings
from retrieval.strategies.strategy import Collection


class IndexStrategy:
    """A `ToolIndex` over the collection, made anew so that it never answers from older texts; vectors are kept."""

    def __init__(self, name: str, collection: Collection, settings: RetrievalSettings) -> None:
        self._name = name
        self._index = ToolIndex(collection.folder, collection.embedder, settings)
        self._index.apply([*collection.tools, *collection.cards], generation=0)

    @property
    def name(self) -> str:
        return self._name

    @property
    def index(self) -> ToolIndex:
        return self._index

    def search(self, query: str, k: int = 10) -> list[Hit]:
        return self._index.search(query, k)


def open_hybrid(collection: Collection) -> IndexStrategy:
    """What everyone gets: the search with the default settings."""
    return IndexStrategy("hybrid", collection, RetrievalSettings())


def open_rrf(collection: Collection) -> IndexStrategy:
    """Vectors and words by reciprocal rank fusion."""
    return IndexStrategy("rrf", collection, RetrievalSettings(fusion="rrf"))


def open_weighted(collection: Collection) -> IndexStrategy:
    """Vectors and words by their weighted scores, whatever the default is."""
    return IndexStrategy("weighted", collection, RetrievalSettings(fusion="weighted"))


def open_bm25f(collection: Collection) -> IndexStrategy:
    """The product's words alone: BM25 over weighted fields, identifiers split and joined, light stemming."""
    return IndexStrategy("bm25f", collection, RetrievalSettings(fusion="lexical"))
