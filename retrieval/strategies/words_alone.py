"""The anchor among the strategies: BM25 as textbooks have it, which knows of tools only how their names are written."""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from retrieval.card import ServerCard
from retrieval.document import fields_of
from retrieval.hit import Hit
from retrieval.strategies.strategy import Collection, in_order
from retrieval.tool import ToolSpec
from retrieval.words import STOP_WORDS

_K1 = 1.2
_B = 0.75

_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\dA-Za-z_]+")


class PlainBm25:
    """BM25 over bags of words, with nothing shared with the product's own, so that it stays what it is.

    score = sum over t of ln(1 + (N - n_t + 0.5) / (n_t + 0.5)) f (k1 + 1) / (f + k1 (1 - b + b length / mean length)),
    k1 = 1.2, b = 0.75 (Robertson and Zaragoza, 2009). A word that the query repeats counts once.
    """

    name = "bm25"

    def __init__(self, documents: Mapping[str, Mapping[str, int]]) -> None:
        self._ids = list(documents)
        lengths = np.array([sum(counts.values()) for counts in documents.values()], np.float64)
        postings: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for place, counts in enumerate(documents.values()):
            for word, count in counts.items():
                places, frequencies = postings[word]
                places.append(place)
                frequencies.append(count)
        norms = _K1 * (1 - _B + _B * lengths / (lengths.mean() or 1.0)) if len(lengths) else lengths
        self._postings = {
            word: _weighed(np.array(places), np.array(frequencies), norms)
            for word, (places, frequencies) in postings.items()
        }

    def search(self, query: str, k: int = 10) -> list[Hit]:
        scores = np.zeros(len(self._ids))
        for word in dict.fromkeys(plain_words(query)):
            if word in self._postings:
                places, adds = self._postings[word]
                scores[places] += adds
        found = np.flatnonzero(scores > 0)
        if len(found) > k > 0:
            # What ties with the k-th stays in: ids settle ties.
            found = found[scores[found] >= np.partition(scores[found], -k)[-k]]
        return in_order([(self._ids[place], float(scores[place])) for place in found], k, "lexical")


def plain_words(text: str) -> list[str]:
    """Lower-case words of a text, identifiers split and stop words dropped, nothing stemmed or joined.

    Example:
        "getUserByID lists the files_v2" -> ["get", "user", "id", "lists", "files", "v", "2"]
    """
    pieces = (piece.lower() for piece in _PIECE.findall(unicodedata.normalize("NFKC", text)))
    return [piece for piece in pieces if piece not in STOP_WORDS]


def open_bm25(collection: Collection) -> PlainBm25:
    """The lexical anchor: BM25 over name, description and parameter names as one bag of words, all alike."""
    documents = {tool.tool_id: _bag(tool) for tool in collection.tools}
    return PlainBm25(documents | {card.name: _bag(card) for card in collection.cards})


def _bag(thing: ToolSpec | ServerCard) -> Counter[str]:
    fields = fields_of(thing)
    return Counter(plain_words(f"{fields.name} {fields.description} {fields.parameters}"))


def _weighed(
    places: NDArray[np.int64], frequencies: NDArray[np.int64], norms: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    size, found = len(norms), len(places)
    idf = math.log(1 + (size - found + 0.5) / (found + 0.5))
    return places, idf * (_K1 + 1) * frequencies / (frequencies + norms[places])
