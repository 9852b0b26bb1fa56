"""The words of one immutable segment: an inverted index as flat arrays, built, merged and looked up by numpy alone."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Hashes = NDArray[np.uint64]

K1 = 1.2
B = 0.75


@lru_cache(maxsize=65_536)
def word_hash(word: str) -> int:
    """64 bits that stand for a word, the same in every process.

    Two words of one hash would be one word; among a million words that happens with a probability of 3 in 10^8.
    """
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def hashes_of(words: Iterable[str]) -> Hashes:
    """uint64[words], in the order given."""
    return np.fromiter((word_hash(word) for word in words), dtype=np.uint64)


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalSegment:
    """The words of n documents, by position. Postings of term t: `docs[starts[t]:starts[t + 1]]`, with `counts`.

    hashes uint64[terms], ascending; starts int64[terms + 1]; docs int32[postings], ascending within a term; counts
    float16[postings], weighted term frequencies (11 bits of precision: BM25 within 0.05 % of the exact one); lengths
    float32[n], the sum of a document's counts; peaks float32[terms], the greatest saturated frequency that a term has
    in any document, `c / (c + K1 (1 - B + B length / mean))` with this segment's mean.
    """

    hashes: Hashes
    starts: NDArray[np.int64]
    docs: NDArray[np.int32]
    counts: NDArray[np.float16]
    lengths: Floats
    peaks: Floats
    total_length: float

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def mean_length(self) -> float:
        return self.total_length / len(self) if len(self) and self.total_length else 1.0

    def terms(self, hashes: Hashes) -> NDArray[np.int64]:
        """The term of each hash, -1 for words that no document has."""
        if not len(self.hashes):
            return np.full(len(hashes), -1, np.int64)
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.where(self.hashes[at] == hashes, at, -1)

    def frequencies(self, hashes: Hashes) -> NDArray[np.int64]:
        """How many documents have each word."""
        terms = self.terms(hashes)
        return np.where(terms >= 0, self.starts[terms + 1] - self.starts[terms], 0)

    def postings(self, word: str) -> tuple[NDArray[np.int32], Floats]:
        """The documents that have a word, and how often."""
        return self.postings_of(int(self.terms(hashes_of([word]))[0]))

    def postings_of(self, term: int) -> tuple[NDArray[np.int32], Floats]:
        """The same of a term, none for -1."""
        where = slice(0, 0) if term < 0 else slice(int(self.starts[term]), int(self.starts[term + 1]))
        return self.docs[where], self.counts[where].astype(np.float32)


def build_lexical(documents: Sequence[Mapping[str, float]]) -> LexicalSegment:
    """One segment of documents given as weighted word counts (see `document.weighted_words`)."""
    hashes = np.fromiter((word_hash(word) for document in documents for word in document), dtype=np.uint64)
    counts = np.fromiter((count for document in documents for count in document.values()), dtype=np.float32)
    sizes = np.fromiter((len(document) for document in documents), dtype=np.int64, count=len(documents))
    docs = np.repeat(np.arange(len(documents), dtype=np.int32), sizes)
    lengths = np.bincount(docs, weights=counts, minlength=len(documents)).astype(np.float32)
    return _from_postings(hashes, docs, counts.astype(np.float16), lengths)


def merge_lexical(parts: Sequence[tuple[LexicalSegment, NDArray[np.bool_]]]) -> LexicalSegment:
    """One segment of the living documents of several, in order; a part is a segment and the bool[n] of its living."""
    hashes: list[Hashes] = []
    docs: list[NDArray[np.int32]] = []
    counts: list[NDArray[np.float16]] = []
    before = 0
    for segment, alive in parts:
        keep = alive[segment.docs]
        moved = (np.cumsum(alive) - 1 + before).astype(np.int32)
        hashes.append(np.repeat(segment.hashes, np.diff(segment.starts))[keep])
        docs.append(moved[segment.docs[keep]])
        counts.append(segment.counts[keep])
        before += int(np.count_nonzero(alive))
    lengths = [segment.lengths[alive] for segment, alive in parts]
    return _from_postings(
        _joined(hashes, np.uint64), _joined(docs, np.int32), _joined(counts, np.float16), _joined(lengths, np.float32)
    )


def _joined(parts: Sequence[NDArray[Any]], dtype: type[Any]) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *parts])


def _from_postings(
    hashes: Hashes, docs: NDArray[np.int32], counts: NDArray[np.float16], lengths: Floats
) -> LexicalSegment:
    order = np.argsort(hashes, kind="stable")  # stable: documents stay ascending within a term
    hashes, docs, counts = hashes[order], docs[order], counts[order]
    first = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]])) if len(hashes) else np.empty(0, int)
    total = float(lengths.sum(dtype=np.float64))
    return LexicalSegment(
        hashes=hashes[first],
        starts=np.append(first, len(hashes)).astype(np.int64),
        docs=docs,
        counts=counts,
        lengths=lengths,
        peaks=_peaks(first, docs, counts, lengths),
        total_length=total,
    )


def _peaks(first: NDArray[np.int64], docs: NDArray[np.int32], counts: NDArray[np.float16], lengths: Floats) -> Floats:
    if not len(first):
        return np.empty(0, np.float32)
    mean = float(lengths.mean()) or 1.0
    saturated = counts / (counts + saturation(lengths, mean)[docs])
    return np.maximum.reduceat(saturated.astype(np.float32), first)


def saturation(lengths: Floats, mean_length: float) -> Floats:
    """BM25's `K1 (1 - B + B length / mean)`: the frequency at which a word has half its weight."""
    return np.float32(K1 * (1 - B)) + np.float32(K1 * B / mean_length) * lengths
