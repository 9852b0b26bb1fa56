"""One query over one snapshot: candidates of both searchers, all with both scores, fused and put in order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retrieval.bm25 import Corpus, best, contributions, corpus_of, full_match
from retrieval.embedding import Vectors
from retrieval.fusion import fuse, ranks
from retrieval.hit import Hit
from retrieval.segment import Alive, Segment
from retrieval.settings import RetrievalSettings
from retrieval.snapshot import Snapshot
from retrieval.words import written

Kind = Literal["tools", "servers", "all"]

Allow = Callable[[str], bool]
"""Whether a search may return an id. Give the same hashable object again and it is evaluated once per segment."""

_MAX_MASKS = 32


@dataclass(frozen=True, slots=True)
class Candidates:
    """Positions of one segment with the scores of each: three arrays of one length, and bool[words, positions]: which
    of the corpus's words each has."""

    segment: Segment
    positions: NDArray[np.int64]
    dense: NDArray[np.float32]
    lexical: NDArray[np.float32]
    has: NDArray[np.bool_]


def rank(
    now: Snapshot, query: str, vector: Vectors, settings: RetrievalSettings, *, k: int, kind: Kind, allow: Allow | None
) -> list[Hit]:
    """The k best hits, best first. Equal scores are ordered by id, so the same query gives the same list.

    `vector` is the query's, float32[dim]. Lexical scores are BM25 over `full_match`, so that they mean the same for
    every query: 1 is a match of its three rarest words.
    """
    said = written(query)
    corpus = corpus_of([segment.lexical for segment in now.segments], list(said))
    depth = max(k, settings.candidates)
    found = [
        _candidates(segment, alive & _mask(segment, kind, allow), vector, corpus, depth)
        for segment, alive in now.parts()
    ]
    if not any(len(part.positions) for part in found):
        return []
    dense = np.concatenate([part.dense for part in found])
    lexical = np.concatenate([part.lexical for part in found])
    fused = fuse(settings.fusion, dense, lexical, dense_weight=settings.dense_weight)
    has = np.concatenate([part.has for part in found], axis=1)
    spoken = [said[word] for word in corpus.idf]
    places = [(part.segment, int(position)) for part in found for position in part.positions]
    by_id = sorted(range(len(places)), key=lambda i: (-float(fused[i]), places[i][0].ids[places[i][1]]))
    dense_ranks, lexical_ranks = ranks(dense), ranks(lexical)
    return [
        _hit(
            *places[i],
            score=float(fused[i]),
            signals={
                "dense": float(dense[i]),
                "dense_rank": int(dense_ranks[i]),
                "lexical": float(lexical[i]),
                "lexical_rank": int(lexical_ranks[i]),
            },
            words=tuple(dict.fromkeys(word for word, there in zip(spoken, has[:, i], strict=True) if there)),
        )
        for i in by_id[:k]
    ]


def _candidates(segment: Segment, allowed: Alive, vector: Vectors, corpus: Corpus, depth: int) -> Candidates:
    mask = None if allowed.all() else allowed
    _, near = segment.vectors.search(vector, depth, mask)
    said, _ = best(segment.lexical, corpus, depth, mask)
    positions = np.union1d(near, said).astype(np.int64)
    adds = contributions(segment.lexical, corpus, positions)
    lexical = adds.sum(axis=0, dtype=np.float32) / np.float32(full_match(corpus) or 1.0)
    return Candidates(segment, positions, segment.vectors.cosines(vector, positions), lexical, adds > 0)


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


def _hit(segment: Segment, place: int, *, score: float, signals: dict[str, float], words: tuple[str, ...]) -> Hit:
    id_ = segment.ids[place]
    return Hit(
        id=id_,
        kind="tool" if "/" in id_ else "server",
        score=score,
        signals=signals,
        words=words,
    )
