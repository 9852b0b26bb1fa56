"""How good a ranking is: recall, nDCG, average precision, completeness and reciprocal rank, with intervals.

A query needs one or more tools. Of each it names the acceptable ids, its group: what several servers offer alike is one
need, not several. A group counts once, at its first id in the ranking; an id meets one group, the first that waits.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Needed = Sequence[AbstractSet[str]]
"""The tools that a query needs; of each the acceptable ids."""

_RESAMPLES = 1_000
_CONFIDENCE = 0.95
_SEED = 20261121


def recall(found: Sequence[str], needed: Needed, k: int) -> float:
    """The share of the needed groups that the first k meet."""
    return len(_places(found, needed, k)) / len(needed)


def completeness(found: Sequence[str], needed: Needed, k: int) -> float:
    """1 if the first k meet every needed group, otherwise 0 (COMP@k of COLT, ToolLens's paper)."""
    return float(len(_places(found, needed, k)) == len(needed))


def ndcg(found: Sequence[str], needed: Needed, k: int) -> float:
    """Discounted gain of the first k over that of the best possible ranking; every group gains 1."""
    gain = sum(_discount(place) for place in _places(found, needed, k))
    return gain / sum(_discount(place) for place in range(1, min(k, len(needed)) + 1))


def average_precision(found: Sequence[str], needed: Needed, k: int) -> float:
    """The mean of the precision at each place that meets a group, over as many as the first k could meet (MAP@k)."""
    precisions = [count / place for count, place in enumerate(_places(found, needed, k), start=1)]
    return sum(precisions) / min(k, len(needed))


def reciprocal_rank(found: Sequence[str], needed: Needed, k: int) -> float:
    """1 over the first place that meets a group; 0 when none of the first k does."""
    places = _places(found, needed, k)
    return 1 / places[0] if places else 0.0


Metric = Callable[[Sequence[str], Needed, int], float]
METRICS: Mapping[str, Metric] = {
    "Recall": recall,
    "nDCG": ndcg,
    "MAP": average_precision,
    "Completeness": completeness,
    "MRR": reciprocal_rank,
}
"""The measures by the names that tables give them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean over queries and where it lies with 95 % confidence."""

    mean: float
    low: float
    high: float


def interval(values: ArrayLike, *, seed: int = _SEED, resamples: int = _RESAMPLES) -> Interval:
    """The mean of one figure a query, with the percentile interval of bootstrap resamples of the queries."""
    return intervals(np.asarray(values, dtype=np.float64)[:, np.newaxis], seed=seed, resamples=resamples)[0]


def intervals(values: ArrayLike, *, seed: int = _SEED, resamples: int = _RESAMPLES) -> list[Interval]:
    """The same for each column of float64[queries, figures]; every column sees the same resamples."""
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or not len(table):
        raise ValueError(f"an interval needs figures of at least one query, not an array of shape {table.shape}")
    means = _resampled_means(table, seed, resamples)
    tail = (1 - _CONFIDENCE) / 2
    lows, highs = np.quantile(means, (tail, 1 - tail), axis=0)
    return [
        Interval(mean=float(mean), low=float(low), high=float(high))
        for mean, low, high in zip(table.mean(axis=0), lows, highs, strict=True)
    ]


def paired_difference(
    values: ArrayLike, baseline: ArrayLike, *, seed: int = _SEED, resamples: int = _RESAMPLES
) -> Interval:
    """How much more the first has than the baseline on the same queries; an interval without 0 is a difference.

    Both are asked about the same queries, so that what makes a query hard for both falls out.
    """
    mine, theirs = np.asarray(values, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    if mine.shape != theirs.shape:
        raise ValueError(f"a paired difference needs the same queries: {mine.shape} and {theirs.shape} figures")
    return interval(mine - theirs, seed=seed, resamples=resamples)


def _places(found: Sequence[str], needed: Needed, k: int) -> list[int]:
    """The places, from 1, at which one of the first k meets a group that none before it met."""
    if k < 1:
        raise ValueError(f"k is a number of places, at least 1, not {k}")
    if not needed:
        raise ValueError("a query that needs nothing cannot be scored: leave it out")
    waiting = list(needed)
    places: list[int] = []
    for place, id_ in enumerate(found[:k], start=1):
        met = next((number for number, group in enumerate(waiting) if id_ in group), None)
        if met is not None:
            del waiting[met]
            places.append(place)
    return places


def _discount(place: int) -> float:
    return 1 / math.log2(place + 1)


def _resampled_means(table: NDArray[np.float64], seed: int, resamples: int) -> NDArray[np.float64]:
    """float64[resamples, figures]: the means over as many queries, drawn with repeats."""
    rng = np.random.default_rng(seed)
    size = len(table)
    # A resample is how often each query was drawn: one product then gives the means of every column.
    draws = (np.bincount(rng.integers(size, size=size), minlength=size) for _ in range(resamples))
    return np.stack([draw @ table for draw in draws]) / size
