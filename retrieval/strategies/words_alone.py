"""Strategies that look at words only: a plain BM25 as the anchor, and the field-weighted one of the product."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from retrieval.card import ServerCard
from retrieval.document import fields_of, weighted_words
from retrieval.hit import Hit
from retrieval.lexical import build_lexical, corpus_of, full_match, score
from retrieval.strategies.strategy import Collection, in_order
from retrieval.tool import ToolSpec
from retrieval.words import STOP_WORDS, words

Tokenise = Callable[[str], Sequence[str]]

_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\dA-Za-z_]+")


class WordStrategy:
    """BM25 (k1 1.2, b 0.75) over documents given as weighted word counts; scores are divided by a full match's."""

    def __init__(self, name: str, documents: Mapping[str, Mapping[str, float]], tokenise: Tokenise) -> None:
        self._name = name
        self._ids = list(documents)
        self._segment = build_lexical(list(documents.values()))
        self._tokenise = tokenise

    @property
    def name(self) -> str:
        return self._name

    def search(self, query: str, k: int = 10) -> list[Hit]:
        corpus = corpus_of([self._segment], self._tokenise(query))
        scores = score(self._segment, corpus) / np.float32(full_match(corpus) or 1.0)
        found = np.flatnonzero(scores > 0)
        if k <= 0 or not len(found):
            return []
        if len(found) > k:
            # Everything that ties with the k-th stays in, so that ties are settled by id.
            found = found[scores[found] >= np.partition(scores[found], -k)[-k]]
        return in_order([(self._ids[place], float(scores[place])) for place in found], k, "lexical")


def plain_words(text: str) -> list[str]:
    """Lower-case words of a text, identifiers split and stop words dropped, nothing stemmed or joined.

    Example:
        "getUserByID lists the files_v2" -> ["get", "user", "id", "lists", "files", "v", "2"]
    """
    pieces = (piece.lower() for piece in _PIECE.findall(unicodedata.normalize("NFKC", text)))
    return [piece for piece in pieces if piece not in STOP_WORDS]


def open_bm25(collection: Collection) -> WordStrategy:
    """The anchor: name, description and parameter names as one bag of words, all alike, nothing stemmed or joined."""
    return WordStrategy("bm25", _documents(collection, _plain), plain_words)


def open_bm25f(collection: Collection) -> WordStrategy:
    """The product's lexical part alone: weighted fields, split and joined identifiers, light stemming."""
    return WordStrategy("bm25f", _documents(collection, weighted_words), words)


def _documents(
    collection: Collection, words_of: Callable[[ToolSpec | ServerCard], Mapping[str, float]]
) -> dict[str, Mapping[str, float]]:
    documents = {tool.tool_id: words_of(tool) for tool in collection.tools}
    return documents | {card.name: words_of(card) for card in collection.cards}


def _plain(thing: ToolSpec | ServerCard) -> dict[str, float]:
    fields = fields_of(thing)
    counts: dict[str, float] = {}
    for word in plain_words(f"{fields.name} {fields.description} {fields.parameters}"):
        counts[word] = counts.get(word, 0.0) + 1.0
    return counts
