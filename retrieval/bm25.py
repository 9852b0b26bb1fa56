"""BM25 over segments: the k best documents without touching the postings of words that cannot matter.

score(d) = sum over the query's words t of  idf(t) (K1 + 1) c / (c + K1 (1 - B + B length(d) / mean length)), with
idf(t) = ln(1 + (N - n_t + 0.5) / (n_t + 0.5)), never negative (Robertson and Zaragoza, 2009).
"""

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.lexical import K1, Floats, Hashes, LexicalSegment, hashes_of, saturation

Positions = NDArray[np.int64]

_RARE_WORDS = 3
_FEW = 512
"""A search among at most so many allowed documents scores all of them and nothing else."""
_MANY = 4096
"""Only postings of at least so many documents are worth the question whether they can be left out."""
_LEAST = float(np.finfo(np.float32).tiny)
_NONE = np.empty(0, np.int64)
_NO_SCORES = np.empty(0, np.float32)
_SLACK = 1 + 1e-5
"""Bounds are widened by this much, so that rounding never drops what belongs to the best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """What BM25 must know of the whole collection: one set of figures for all segments, so that scores compare."""

    size: int
    mean_length: float
    idf: Mapping[str, float]
    """Of the query's words that occur at all."""
    hashes: Hashes
    """Of the same words, in the same order."""

    @property
    def weights(self) -> Floats:
        """float32[words]: idf (K1 + 1), what a word gives at most."""
        return np.fromiter(self.idf.values(), dtype=np.float32, count=len(self.idf)) * np.float32(K1 + 1)


def corpus_of(segments: Sequence[LexicalSegment], query: Sequence[str]) -> Corpus:
    """The collection's figures for one query. Removed documents count until their segment is merged."""
    size = sum(len(segment) for segment in segments)
    total = sum(segment.total_length for segment in segments)
    words = list(dict.fromkeys(query))
    hashes = hashes_of(words)
    found = sum((segment.frequencies(hashes) for segment in segments), np.zeros(len(words), np.int64))
    occur = found > 0
    idf = {
        word: math.log(1 + (size - count + 0.5) / (count + 0.5))
        for word, count in zip(words, found.tolist(), strict=True)
        if count
    }
    return Corpus(size=size, mean_length=total / size if size and total else 1.0, idf=idf, hashes=hashes[occur])


def full_match(corpus: Corpus) -> float:
    """What BM25 gives at most for the query's three rarest words: the score that counts as a full lexical match.

    Over the sum of all words a long query would make every match look weak, over the best score found every query
    would look well matched; this lies between, and was measured to beat both (docs/decisions/002-fusion.md).
    """
    rarest = sorted(corpus.idf.values(), reverse=True)[:_RARE_WORDS]
    return (K1 + 1) * sum(rarest)


def contributions(segment: LexicalSegment, corpus: Corpus, positions: Positions) -> Floats:
    """float32[words, len(positions)]: what each of the corpus's words adds to the scores of some documents.

    The sum over the words is a document's BM25; what is above 0 is a word that the document has.
    """
    found = np.zeros((len(corpus.hashes), len(positions)), np.float32)
    norms = saturation(segment.lengths[positions], corpus.mean_length)
    for row, (term, weight) in enumerate(
        zip(segment.terms(corpus.hashes).tolist(), corpus.weights.tolist(), strict=True)
    ):
        if term >= 0:
            _look_up(segment, term, weight, positions, norms, found[row])
    return found


def scores_of(segment: LexicalSegment, corpus: Corpus, positions: Positions) -> Floats:
    """BM25 of some documents, float32[len(positions)]."""
    return contributions(segment, corpus, positions).sum(axis=0, dtype=np.float32)


def score(segment: LexicalSegment, corpus: Corpus) -> Floats:
    """BM25 of every document of a segment: float32[n]; 0 where no word matches."""
    scores = np.zeros(len(segment), np.float32)
    for term, weight in zip(segment.terms(corpus.hashes).tolist(), corpus.weights.tolist(), strict=True):
        if term >= 0:
            docs, counts = segment.postings_of(term)
            scores[docs] += _adds(docs, counts, weight, segment, corpus)
    return scores


def best(
    segment: LexicalSegment, corpus: Corpus, k: int, allowed: NDArray[np.bool_] | None = None
) -> tuple[Positions, Floats]:
    """The k best allowed documents with a score above 0, and their BM25; best first, equal ones by position.

    Words are taken in the order of the most that they can give (MaxScore: Turtle and Flood, 1995). As soon as all that
    are left together give less than the k-th best score so far, no new document can come in, and the postings of the
    words that are left, the longest ones, are only looked up for the documents found already. The result is exact.
    """
    if k <= 0:
        return _NONE, _NO_SCORES
    if allowed is not None and np.count_nonzero(allowed) <= max(_FEW, k):
        positions = np.flatnonzero(allowed)
        return _highest(positions, scores_of(segment, corpus, positions), k)
    weights, terms = corpus.weights.tolist(), segment.terms(corpus.hashes).tolist()
    bounds = _bounds(segment, corpus)
    order = [row for row in np.argsort(-bounds, kind="stable").tolist() if terms[row] >= 0]
    left: list[float] = [*(np.cumsum(bounds[order][::-1])[::-1] * _SLACK).tolist(), 0.0]
    with _Tally(len(segment)) as tally:
        taken = 0
        for row in order:
            docs, counts = segment.postings_of(terms[row])
            if len(docs) >= _MANY and left[0] > 2 * left[taken] and left[taken] < tally.threshold(k):
                break
            adds = _adds(docs, counts, weights[row], segment, corpus)
            if allowed is not None:
                keep = allowed[docs]
                docs, adds = docs[keep], adds[keep]
            tally.add(docs, adds)
            taken += 1
        positions, scores = tally.above(tally.threshold(k) - left[taken])
    for place in range(taken, len(order)):
        positions, scores = _still_possible(positions, scores, k, left[place])
        norms = saturation(segment.lengths[positions], corpus.mean_length)
        _look_up(segment, terms[order[place]], weights[order[place]], positions, norms, scores)
    return _highest(positions, scores, k)


def _bounds(segment: LexicalSegment, corpus: Corpus) -> Floats:
    """float32[words]: the most that each word gives to any document of a segment.

    Peaks are of the segment's own mean length; with a greater one a word gives more, at most in proportion.
    """
    if not len(segment.peaks):
        return np.zeros(len(corpus.hashes), np.float32)
    widening = np.float32(max(1.0, corpus.mean_length / segment.mean_length))
    return corpus.weights * segment.peaks[segment.terms(corpus.hashes)] * widening


class _Tally:
    """Scores of the documents of some words, over an array that the thread keeps and that is all 0 in between."""

    _kept = threading.local()

    def __init__(self, size: int) -> None:
        self._lists: list[NDArray[np.int32]] = []
        scores: Floats | None = getattr(self._kept, "scores", None)
        if scores is None or len(scores) < size:
            scores = self._kept.scores = np.zeros(size, np.float32)
        self._scores = scores

    def __enter__(self) -> "_Tally":
        return self

    def __exit__(self, *_: object) -> None:
        for docs in self._lists:
            self._scores[docs] = 0

    def add(self, docs: NDArray[np.int32], adds: Floats) -> None:
        self._lists.append(docs)
        self._scores[docs] += adds

    def threshold(self, k: int) -> float:
        """A score that at least k documents have by now: the k-th best among the documents of one word."""
        docs = max(self._lists[-2:], key=len, default=_NONE)
        return _kth(self._scores[docs], k) if len(docs) >= k else 0.0

    def above(self, least: float) -> tuple[Positions, Floats]:
        """The documents with a score above 0 of at least so much, each once, and their scores; the tally ends empty."""
        positions: list[Positions] = []
        scores: list[Floats] = []
        least = max(least, _LEAST)
        for docs in self._lists:
            found = self._scores[docs]
            self._scores[docs] = 0  # so that what an earlier word's documents gave is not given again
            keep = found >= least
            positions.append(docs[keep].astype(np.int64))
            scores.append(found[keep])
        self._lists.clear()
        return np.concatenate([_NONE, *positions]), np.concatenate([_NO_SCORES, *scores])


def _adds(
    docs: NDArray[np.int32], counts: Floats, weight: float, segment: LexicalSegment, corpus: Corpus
) -> NDArray[Any]:
    """float32: what a word of so much weight gives to each of its documents."""
    return counts / (counts + saturation(segment.lengths[docs], corpus.mean_length)) * np.float32(weight)


def _look_up(
    segment: LexicalSegment, term: int, weight: float, positions: Positions, norms: Floats, into: Floats
) -> None:
    """Add what one word gives to the documents at `positions`."""
    start, end = int(segment.starts[term]), int(segment.starts[term + 1])
    docs = segment.docs[start:end]
    at = np.minimum(np.searchsorted(docs, positions.astype(np.int32)), len(docs) - 1)
    has = docs[at] == positions
    counts = segment.counts[start + at[has]].astype(np.float32)
    into[has] += np.float32(weight) * counts / (counts + norms[has])


def _still_possible(positions: Positions, scores: Floats, k: int, left: float) -> tuple[Positions, Floats]:
    """Those that can still be among the k best when the words that are left give at most so much."""
    if len(positions) <= k:
        return positions, scores
    keep = scores + left >= _kth(scores, k)
    return positions[keep], scores[keep]


def _highest(positions: Positions, scores: Floats, k: int) -> tuple[Positions, Floats]:
    if len(positions) > k:
        # All that tie with the k-th are kept until positions decide, so that equal scores give the same k every time.
        keep = scores >= _kth(scores, k)
        positions, scores = positions[keep], scores[keep]
    order = np.lexsort((positions, -scores))[:k]
    order = order[scores[order] > 0]
    return positions[order], scores[order]


def _kth(scores: Floats, k: int) -> float:
    """The k-th best of at least k scores."""
    return float(np.partition(scores, len(scores) - k)[len(scores) - k])
