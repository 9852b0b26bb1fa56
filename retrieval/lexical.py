"""BM25 over immutable segments: postings as arrays, scores for a whole segment at once."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

K1 = 1.2
B = 0.75
_RARE_WORDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalSegment:
    """The words of n documents, by position. Postings of word t: `docs[starts[t]:starts[t + 1]]`, with `counts`.

    starts int64[words + 1]; docs int32[postings], ascending within a word; counts float32[postings], weighted term
    frequencies; lengths float32[n], the sum of a document's counts.
    """

    vocabulary: Mapping[str, int]
    starts: NDArray[np.int64]
    docs: NDArray[np.int32]
    counts: Floats
    lengths: Floats

    def __len__(self) -> int:
        return len(self.lengths)

    def postings(self, word: str) -> tuple[NDArray[np.int32], Floats]:
        """The documents that have a word, and how often."""
        term = self.vocabulary.get(word)
        if term is None:
            return self.docs[:0], self.counts[:0]
        where = slice(int(self.starts[term]), int(self.starts[term + 1]))
        return self.docs[where], self.counts[where]

    def frequency(self, word: str) -> int:
        """How many documents have a word."""
        term = self.vocabulary.get(word)
        return 0 if term is None else int(self.starts[term + 1] - self.starts[term])


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """What BM25 must know of the whole collection: one set of figures for all segments, so that scores compare."""

    size: int
    mean_length: float
    idf: Mapping[str, float]
    """Of the query's words that occur at all."""


def build_lexical(documents: Sequence[Mapping[str, float]]) -> LexicalSegment:
    """One segment of documents given as weighted word counts (see `document.weighted_words`)."""
    vocabulary: dict[str, int] = {}
    terms = np.fromiter(
        (vocabulary.setdefault(word, len(vocabulary)) for document in documents for word in document), dtype=np.int32
    )
    counts = np.fromiter((count for document in documents for count in document.values()), dtype=np.float32)
    sizes = np.fromiter((len(document) for document in documents), dtype=np.int64, count=len(documents))
    docs = np.repeat(np.arange(len(documents), dtype=np.int32), sizes)
    lengths = np.bincount(docs, weights=counts, minlength=len(documents)).astype(np.float32)
    return _from_postings(vocabulary, terms, docs, counts, lengths)


def merge_lexical(parts: Sequence[tuple[LexicalSegment, NDArray[np.bool_]]]) -> LexicalSegment:
    """One segment of the living documents of several, in order; a part is a segment and the bool[n] of its living."""
    vocabulary: dict[str, int] = {}
    terms: list[NDArray[np.int32]] = []
    docs: list[NDArray[np.int32]] = []
    counts: list[Floats] = []
    before = 0
    for segment, alive in parts:
        renamed = np.fromiter(
            (vocabulary.setdefault(word, len(vocabulary)) for word in segment.vocabulary),
            dtype=np.int32,
            count=len(segment.vocabulary),
        )
        of_posting = np.repeat(renamed, np.diff(segment.starts))
        moved = (np.cumsum(alive) - 1 + before).astype(np.int32)
        keep = alive[segment.docs]
        terms.append(of_posting[keep])
        docs.append(moved[segment.docs[keep]])
        counts.append(segment.counts[keep])
        before += int(alive.sum())
    lengths = [segment.lengths[alive] for segment, alive in parts]
    return _from_postings(
        vocabulary,
        _joined(terms, np.int32),
        _joined(docs, np.int32),
        _joined(counts, np.float32),
        _joined(lengths, np.float32),
    )


def _joined(parts: Sequence[NDArray[Any]], dtype: type[Any]) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *parts])


def _from_postings(
    vocabulary: Mapping[str, int],
    terms: NDArray[np.int32],
    docs: NDArray[np.int32],
    counts: Floats,
    lengths: Floats,
) -> LexicalSegment:
    order = np.argsort(terms, kind="stable")  # stable: documents stay ascending within a word
    starts = np.zeros(len(vocabulary) + 1, dtype=np.int64)
    np.cumsum(np.bincount(terms, minlength=len(vocabulary)), out=starts[1:])
    return LexicalSegment(vocabulary=vocabulary, starts=starts, docs=docs[order], counts=counts[order], lengths=lengths)


def corpus_of(segments: Sequence[LexicalSegment], query: Sequence[str]) -> Corpus:
    """The collection's figures for one query. Removed documents count until their segment is merged.

    idf(t) = ln(1 + (N - n_t + 0.5) / (n_t + 0.5)), never negative (Robertson and Zaragoza, 2009).
    """
    size = sum(len(segment) for segment in segments)
    total = sum(float(segment.lengths.sum()) for segment in segments)
    idf: dict[str, float] = {}
    for word in dict.fromkeys(query):
        found = sum(segment.frequency(word) for segment in segments)
        if found:
            idf[word] = math.log(1 + (size - found + 0.5) / (found + 0.5))
    return Corpus(size=size, mean_length=total / size if size else 1.0, idf=idf)


def score(segment: LexicalSegment, corpus: Corpus, *, k1: float = K1, b: float = B) -> Floats:
    """BM25 of every document of a segment: float32[n]; 0 where no word matches."""
    scores = np.zeros(len(segment), dtype=np.float32)
    for word, idf in corpus.idf.items():
        docs, counts = segment.postings(word)
        norm = k1 * (1 - b + b * segment.lengths[docs] / corpus.mean_length)
        scores[docs] += idf * (k1 + 1) * counts / (counts + norm)
    return scores


def full_match(corpus: Corpus, *, k1: float = K1) -> float:
    """What BM25 gives at most for the query's three rarest words: the score that counts as a full lexical match.

    Over the sum of all words a long query would make every match look weak, over the best score found every query
    would look well matched; this lies between, and was measured to beat both (docs/decisions/002-fusion.md).
    """
    rarest = sorted(corpus.idf.values(), reverse=True)[:_RARE_WORDS]
    return (k1 + 1) * sum(rarest)
