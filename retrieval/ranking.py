"""One query over one snapshot: candidates of both searchers, fused, copies put together, in order."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.alike import alike, alternatives, plain_name
from retrieval.bm25 import corpus_of
from retrieval.candidates import Allow, Candidates, Kind, candidates
from retrieval.embedding import Vectors
from retrieval.exact_vectors import VectorsOf
from retrieval.fusion import fuse, ranks
from retrieval.hit import Hit
from retrieval.settings import RetrievalSettings
from retrieval.snapshot import Snapshot
from retrieval.tool import split_tool_id
from retrieval.values import without_values
from retrieval.words import written

Scores = NDArray[np.float32]

_NOT_PREFERRED = 0.85
"""So much of its score is left to what belongs to no preferred server."""
_MOST_COPIES = 8
"""More servers than this that publish one tool say no more about it: copies cost nothing to make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for, beside the words: how many, of which kind, among which.

    `prefer`: servers whose tools come before others that fit about as well, and stand for their copies elsewhere;
    where nothing found belongs to one of them, nothing is changed.
    """

    k: int
    kind: Kind = "all"
    allow: Allow | None = None
    prefer: Collection[str] | None = None


def rank(
    now: Snapshot, query: str, vector: Vectors, settings: RetrievalSettings, *, asked: Asked, vectors_of: VectorsOf
) -> list[Hit]:
    """The k best hits, best first; equal scores by id, so that the same query gives the same list.

    `vector` is the query's, float32[dim]. A tool that several servers publish alike stands once, with the others as
    its alternatives, and gains a little by them; alternatives have places of their own only where too little is left.
    """
    said = words_asked(query)
    corpus = corpus_of([segment.lexical for segment in now.segments], list(said))
    depth = max(2 * asked.k, settings.candidates)
    found = candidates(now, vector, corpus, depth, kind=asked.kind, allow=asked.allow)
    scores = fuse(settings.fusion, found.dense, found.lexical, dense_weight=settings.dense_weight)
    scores = scores * _preference(found.ids, asked.prefer)
    groups: Mapping[int, Sequence[int]] = {}
    order = _ordered(scores, found.ids)
    if settings.group_alike:
        groups = _groups(found, order, vectors_of)
        scores = scores * _popularity(groups, len(found), settings.popularity)
        order = _ordered(scores, found.ids)
        order = [place for place in order if place in groups] + [place for place in order if place not in groups]
    spoken = [said[word] for word in corpus.idf]
    dense_ranks, lexical_ranks = ranks(found.dense), ranks(found.lexical)
    return [
        Hit(
            id=found.ids[place],
            kind="tool" if "/" in found.ids[place] else "server",
            score=float(scores[place]),
            signals={
                "dense": float(found.dense[place]),
                "dense_rank": int(dense_ranks[place]),
                "lexical": float(found.lexical[place]),
                "lexical_rank": int(lexical_ranks[place]),
            },
            words=tuple(dict.fromkeys(spoken[word] for word in found.has[:, place].nonzero()[0].tolist())),
            alternatives=tuple(found.ids[other] for other in groups.get(place, ())),
        )
        for place in order[: asked.k]
    ]


def words_asked(query: str) -> dict[str, str]:
    """The query's words that may match, each with how the query writes it."""
    return written(without_values(query))


def _preference(ids: Sequence[str], prefer: Collection[str] | None) -> Scores:
    """float32[n]: what each score is multiplied with for the sake of its server."""
    liked = np.ones(len(ids), np.bool_)
    if prefer is not None:
        liked = np.fromiter((split_tool_id(id_)[0] in prefer for id_ in ids), np.bool_, len(ids))
    return np.where(liked | ~liked.any(), np.float32(1), np.float32(_NOT_PREFERRED))


def _ordered(scores: Scores, ids: Sequence[str]) -> list[int]:
    keys = list(zip((-scores).tolist(), ids, strict=True))
    return sorted(range(len(ids)), key=keys.__getitem__)


def _groups(found: Candidates, order: Sequence[int], vectors_of: VectorsOf) -> dict[int, list[int]]:
    """Each thing that stands for itself, with the places of its copies on other servers, both in order."""
    names = [split_tool_id(id_)[1] for id_ in found.ids]
    count: dict[str, int] = {}
    for name in names:
        count[plain_name(name)] = count.get(plain_name(name), 0) + 1
    # Vectors are read for namesakes alone: most candidates have a name of their own.
    shared = [place for place in order if names[place] and count[plain_name(names[place])] > 1]
    if not shared:
        return {place: [] for place in order}
    heads = list(range(len(names)))
    among = alike([names[place] for place in shared], vectors_of(found.rows[shared]), range(len(shared)))
    for place, head in zip(shared, among, strict=True):
        heads[place] = shared[head]
    return alternatives(heads, order)


def _popularity(groups: Mapping[int, Sequence[int]], count: int, weight: float) -> Scores:
    """float32[n]: 1 + weight * log2(servers that publish the tool), for a tool and for its copies.

    What many have forked, mirrored or wrapped is more often what is meant than what one server has alone.
    """
    gains = [1.0] * count
    for head, copies in groups.items():
        if copies:
            gain = 1 + weight * math.log2(min(1 + len(copies), _MOST_COPIES))
            for place in (head, *copies):
                gains[place] = gain
    return np.array(gains, np.float32)
