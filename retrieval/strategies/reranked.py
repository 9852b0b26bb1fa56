"""Strategies of two stages: the product's search, and a reranker over its best."""

from collections.abc import Callable, Mapping

from retrieval.chat import Chat, endpoint_from_environment
from retrieval.document import passage_of
from retrieval.hit import Hit
from retrieval.rerank import DEPTH, Reranker, rerank
from retrieval.rerankers import CrossEncoderReranker, LlmReranker
from retrieval.strategies.both import open_hybrid
from retrieval.strategies.strategy import Collection, Strategy


class RerankedStrategy:
    """The first stage's hits in the order of a reranker that reads query and passage together."""

    def __init__(self, name: str, first: Strategy, passages: Mapping[str, str], reranker: Reranker) -> None:
        self._name = name
        self._first = first
        self._passages = passages
        self._reranker = reranker

    @property
    def name(self) -> str:
        return self._name

    def search(self, query: str, k: int = 10) -> list[Hit]:
        if k <= 0:
            return []
        return rerank(self._first.search(query, max(k, DEPTH)), query, self._passages, self._reranker)[:k]


def open_rerank_cross(collection: Collection) -> RerankedStrategy:
    """The product's search, its twenty best in the order of a cross-encoder (needs the extra sentence-transformers)."""
    return reranked("rerank_cross", collection, CrossEncoderReranker.load)


def open_rerank_llm(collection: Collection) -> RerankedStrategy:
    """The product's search, its twenty best in the order of a language model (needs QUARTERMASTER_LLM_URL)."""
    return reranked("rerank_llm", collection, lambda: LlmReranker(Chat(endpoint_from_environment())))


def reranked(name: str, collection: Collection, load: Callable[[], Reranker]) -> RerankedStrategy:
    """The product's search with any reranker, which is loaded first: what is missing is told before all work."""
    reranker = load()
    things = {tool.tool_id: passage_of(tool) for tool in collection.tools}
    passages = things | {card.name: passage_of(card) for card in collection.cards}
    return RerankedStrategy(name, open_hybrid(collection), passages, reranker)
