"""`Reranker`: looks at query and passage together; and how its scores change the order of hits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.hit import Hit

Floats = NDArray[np.float32]

DEPTH = 20
"""So many of the first stage's best are looked at again."""


class Reranker(Protocol):
    """Scores how well passages fit a query. It may be called from several threads."""

    @property
    def id(self) -> str: ...

    def score(self, query: str, passages: Sequence[str]) -> Floats:
        """float32[len(passages)], each from 0 to 1, higher for a better fit; passages come in the first stage's order.

        Raises:
            RetrievalError: it cannot be done now; the first stage's order still stands.
        """
        ...


def rerank(
    hits: Sequence[Hit], query: str, passages: Mapping[str, str], reranker: Reranker, *, depth: int = DEPTH
) -> list[Hit]:
    """The same hits, the first `depth` of them in the reranker's order; what scores alike keeps its order.

    A reranked hit's `score` is the reranker's, its old one stays in `signals["first_stage"]`. The hits below `depth`
    keep their order, their scores cut to the lowest above them. A hit without a passage is scored by its id.
    """
    head, tail = hits[:depth], hits[depth:]
    if not head:
        return list(hits)
    scores = reranker.score(query, [passages.get(hit.id, hit.id) for hit in head])
    again = [
        replace(
            head[place],
            score=float(scores[place]),
            signals={**head[place].signals, "first_stage": head[place].score, "rerank": float(scores[place])},
        )
        for place in np.argsort(-scores, kind="stable").tolist()
    ]
    return [*again, *(replace(hit, score=min(hit.score, again[-1].score)) for hit in tail)]
