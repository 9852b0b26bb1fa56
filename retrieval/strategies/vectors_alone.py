"""Strategies that look at one vector a tool: the product's passage, plain text as the anchor, and TDWA."""

from collections.abc import Sequence

import numpy as np

from retrieval.card import ServerCard
from retrieval.document import passage_of
from retrieval.embedding import Vectors
from retrieval.hit import Hit
from retrieval.question_writers import template_questions
from retrieval.strategies.strategy import Collection, in_order
from retrieval.tdwa import QuestionsOf, TdwaWeights, tdwa_vectors
from retrieval.tool import ToolSpec
from retrieval.vectors import build_vectors


class VectorStrategy:
    """Cosine of the query's vector with one vector of each thing."""

    def __init__(self, name: str, ids: Sequence[str], vectors: Vectors, collection: Collection) -> None:
        self._name = name
        self._ids = ids
        self._vectors = build_vectors(vectors, "flat")
        self._collection = collection

    @property
    def name(self) -> str:
        return self._name

    def search(self, query: str, k: int = 10) -> list[Hit]:
        if k <= 0 or not self._ids:
            return []
        cosines, places = self._vectors.search(self._collection.query(query), k)
        found = [(self._ids[int(place)], float(cosine)) for place, cosine in zip(places, cosines, strict=True)]
        return in_order(found, k, "dense")


def open_dense(collection: Collection) -> VectorStrategy:
    """The product's passage (server, name in words, description, parameter names), vectors alone."""
    return _over_texts("dense", collection, [passage_of(thing) for thing in _things(collection)])


def open_dense_plain(collection: Collection) -> VectorStrategy:
    """The anchor: the text "name description" as it was published."""
    return _over_texts("dense_plain", collection, [_plain(thing) for thing in _things(collection)])


def open_tdwa(collection: Collection) -> VectorStrategy:
    """TDWA (ScaleMCP): a weighted mean of name, description, parameters and the given questions, vectors alone."""
    return _over_parts("tdwa", collection, collection.questions)


def open_tdwa_template(collection: Collection) -> VectorStrategy:
    """TDWA with questions written by rules, vectors alone."""
    return _over_parts("tdwa_template", collection, template_questions)


def _over_parts(name: str, collection: Collection, questions: QuestionsOf | None) -> VectorStrategy:
    tools = tdwa_vectors(collection.tools, TdwaWeights(), embed=collection.vectors, questions=questions)
    cards = collection.vectors([passage_of(card) for card in collection.cards])
    return VectorStrategy(name, ids_of(collection), np.concatenate([tools, cards]), collection)


def _over_texts(name: str, collection: Collection, texts: Sequence[str]) -> VectorStrategy:
    return VectorStrategy(name, ids_of(collection), collection.vectors(texts), collection)


def ids_of(collection: Collection) -> list[str]:
    """The ids of all tools, then of all cards."""
    return [*(tool.tool_id for tool in collection.tools), *(card.name for card in collection.cards)]


def _things(collection: Collection) -> list[ToolSpec | ServerCard]:
    return [*collection.tools, *collection.cards]


def _plain(thing: ToolSpec | ServerCard) -> str:
    return f"{thing.name} {thing.description}"
