"""Two rankings become one: pure functions over the scores of the same candidates."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
FusionKind = Literal["weighted", "rrf", "dense", "lexical"]

RRF_K = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher, 2009)."""


def ranks(scores: Floats) -> NDArray[np.int64]:
    """The place of each score, 1 for the highest; equal scores keep their order."""
    order = np.argsort(-scores, kind="stable")
    places = np.empty(len(scores), np.int64)
    places[order] = np.arange(1, len(scores) + 1)
    return places


def reciprocal_rank(dense: Floats, lexical: Floats) -> Floats:
    """Sum of 1 / (60 + place) over the two rankings, scaled so that first in both is 1. No lexical match adds none."""
    fused = 1.0 / (RRF_K + ranks(dense)) + np.where(lexical > 0, 1.0 / (RRF_K + ranks(lexical)), 0.0)
    return (fused * (RRF_K + 1) / 2).astype(np.float32)


def weighted(dense: Floats, lexical: Floats, *, dense_weight: float) -> Floats:
    """`w * cosine + (1 - w) * lexical`, with negative cosines as 0; lexical scores are 1 for a full match."""
    return (dense_weight * np.clip(dense, 0.0, 1.0) + (1.0 - dense_weight) * lexical).astype(np.float32)


def fuse(kind: FusionKind, dense: Floats, lexical: Floats, *, dense_weight: float) -> Floats:
    """The fused score of each candidate, 0 or more; higher is better, and 1 is about the best there is."""
    match kind:
        case "weighted":
            return weighted(dense, lexical, dense_weight=dense_weight)
        case "rrf":
            return reciprocal_rank(dense, lexical)
        case "dense":
            return np.clip(dense, 0.0, 1.0)
        case "lexical":
            return lexical
