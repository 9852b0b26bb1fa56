"""`Candidates`: what both searchers find in a snapshot for one query, every one with both scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retrieval.bm25 import Corpus, best, contributions, full_match
from retrieval.embedding import Vectors
from retrieval.segment import Alive, Segment
from retrieval.snapshot import Snapshot

Kind = Literal["tools", "servers", "all"]

Allow = Callable[[str], bool]
"""Whether a search may return an id. Give the same hashable object again and it is evaluated once per segment."""

_MAX_MASKS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """n things, by place: their ids, the rows of their vectors in the store, and what the searchers say of each.

    dense float32[n], cosines; lexical float32[n], BM25 over `full_match`, so that it means the same for every query:
    1 is a match of its three rarest words; has bool[words, n], which of the corpus's words each has.
    """

    ids: Sequence[str]
    rows: NDArray[np.int64]
    dense: NDArray[np.float32]
    lexical: NDArray[np.float32]
    has: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)


def candidates(
    now: Snapshot, vector: Vectors, corpus: Corpus, depth: int, *, kind: Kind = "all", allow: Allow | None = None
) -> Candidates:
    """The `depth` best of each searcher in every segment, each once."""
    parts = [_of(segment, alive & _mask(segment, kind, allow), vector, corpus, depth) for segment, alive in now.parts()]
    return Candidates(
        ids=[id_ for part in parts for id_ in part.ids],
        rows=np.concatenate([np.empty(0, np.int64), *(part.rows for part in parts)]),
        dense=np.concatenate([np.empty(0, np.float32), *(part.dense for part in parts)]),
        lexical=np.concatenate([np.empty(0, np.float32), *(part.lexical for part in parts)]),
        has=np.concatenate([np.empty((len(corpus.idf), 0), np.bool_), *(part.has for part in parts)], axis=1),
    )


def _of(segment: Segment, allowed: Alive, vector: Vectors, corpus: Corpus, depth: int) -> Candidates:
    mask = None if allowed.all() else allowed
    _, near = segment.vectors.search(vector, depth, mask)
    said, _ = best(segment.lexical, corpus, depth, mask)
    positions = np.union1d(near, said).astype(np.int64)
    adds = contributions(segment.lexical, corpus, positions)
    return Candidates(
        ids=[segment.ids[position] for position in positions.tolist()],
        rows=segment.rows[positions],
        dense=segment.vectors.cosines(vector, positions),
        lexical=adds.sum(axis=0, dtype=np.float32) / np.float32(full_match(corpus) or 1.0),
        has=adds > 0,
    )


def _mask(segment: Segment, kind: Kind, allow: Allow | None) -> Alive:
    cached = segment.masks.get((kind, allow))
    if cached is not None:
        return cached
    mask = np.ones(len(segment), np.bool_)
    if kind != "all":
        mask &= segment.is_tool if kind == "tools" else ~segment.is_tool
    if allow is not None:
        mask &= np.fromiter((allow(id_) for id_ in segment.ids), dtype=np.bool_, count=len(segment))
    if len(segment.masks) >= _MAX_MASKS:
        segment.masks.clear()
    segment.masks[kind, allow] = mask
    return mask
