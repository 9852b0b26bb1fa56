"""How sure a figure is: pass@k, intervals over tasks and over seeds, tests of paired outcomes. NumPy only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Clusters = Sequence[Sequence[float]]
"""By task, by run: what was measured."""

_BLOCK = 256
_DRAWS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean, and the interval that holds the true one at the level that was asked for."""

    mean: float
    low: float
    high: float


def pass_at_k(samples: int, passed: int, k: int) -> float:
    """The chance that at least one of k runs passes, from more runs than that; unbiased.

    Chen et al. 2021 (arXiv 2107.03374), formula 1: 1 - C(n - c, k) / C(n, k).

    Example:
        pass_at_k(10, 3, 1)  # 0.3
    """
    if not 1 <= k <= samples or not 0 <= passed <= samples:
        raise ValueError(f"pass@{k} of {samples} runs, {passed} of which passed, is not defined")
    return 1.0 - math.comb(samples - passed, k) / math.comb(samples, k)


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """The mean and its standard error, s / sqrt(n); NaN for the error of a single value."""
    _filled(values)
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return float(np.mean(values)), error


def clustered_interval(
    clusters: Clusters, *, level: float = 0.95, draws: int = _DRAWS, seed: int = 0
) -> tuple[float, float]:
    """(low, high) of the mean over tasks of each task's mean: bootstrap that draws whole tasks, by percentiles.

    Runs of one task are alike, so they are drawn together. The same values and seed give the same interval.
    """
    return _percentiles(_means(clusters), level=level, draws=draws, seed=seed)


def paired_interval(
    before: Clusters, after: Clusters, *, level: float = 0.95, draws: int = _DRAWS, seed: int = 0
) -> Estimate:
    """after - before, the mean over tasks; the same tasks in the same order. Bootstrap that draws tasks as pairs."""
    if len(before) != len(after):
        raise ValueError(f"{len(before)} tasks before, {len(after)} after: they are not pairs")
    differences = _means(after) - _means(before)
    low, high = _percentiles(differences, level=level, draws=draws, seed=seed)
    return Estimate(mean=float(differences.mean()), low=low, high=high)


def wilson_interval(passed: int, samples: int, *, level: float = 0.95) -> tuple[float, float]:
    """(low, high) of a share of independent runs (Wilson 1927): never outside [0, 1], right for shares near them."""
    if not 0 <= passed <= samples or samples == 0:
        raise ValueError(f"{passed} of {samples} is no share")
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, spread = passed / samples, z * z / samples
    middle = share + spread / 2
    half = z * math.sqrt(share * (1 - share) / samples + spread / (4 * samples))
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return (0.0 if passed == 0 else low, 1.0 if passed == samples else high)


def sign_test(better: int, worse: int) -> float:
    """p of as uneven a count, or more, where both are equally likely; exact, two-sided. Ties are left out before."""
    if better < 0 or worse < 0:
        raise ValueError(f"{better} better and {worse} worse are no counts")
    tail = sum(math.comb(better + worse, i) for i in range(min(better, worse) + 1))
    return min(1.0, 2.0 * tail / 2 ** (better + worse))


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> float:
    """p of the change between paired passes and failures; exact (McNemar 1947: only pairs that changed count)."""
    pairs = list(zip(before, after, strict=True))
    return sign_test(sum(not old and new for old, new in pairs), sum(old and not new for old, new in pairs))


def seeds_interval(values: Sequence[float], *, level: float = 0.95) -> Estimate:
    """The mean over seeds with Student's t interval; infinite for a single seed, which says nothing of the others."""
    mean, error = mean_and_error(values)
    if len(values) == 1:
        return Estimate(mean=mean, low=-math.inf, high=math.inf)
    half = t_quantile((1 + level) / 2, len(values) - 1) * error
    return Estimate(mean=mean, low=mean - half, high=mean + half)


def t_quantile(probability: float, freedom: int) -> float:
    """t with P(T <= t) = probability, of Student's distribution with a whole number of degrees of freedom.

    Example:
        t_quantile(0.975, 2)  # 4.303
    """
    if not 0 < probability < 1 or freedom < 1:
        raise ValueError(f"no t has probability {probability} with {freedom} degrees of freedom")
    if probability < 0.5:
        return -t_quantile(1 - probability, freedom)
    low, high = 0.0, math.pi / 2
    for _ in range(100):
        middle = (low + high) / 2
        below = _between(middle, freedom) < 2 * probability - 1
        low, high = (middle, high) if below else (low, middle)
    return math.sqrt(freedom) * math.tan(low)


def _between(angle: float, freedom: int) -> float:
    """P(-t <= T <= t) with t = sqrt(freedom) tan(angle): Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    odd = freedom % 2 == 1
    term, total = (math.cos(angle), 0.0) if odd else (1.0, 0.0)
    for i in range((freedom - 1) // 2 if odd else freedom // 2):
        total += term
        term *= math.cos(angle) ** 2 * ((2 * i + 2) / (2 * i + 3) if odd else (2 * i + 1) / (2 * i + 2))
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total


def _means(clusters: Clusters) -> NDArray[np.float64]:
    _filled(clusters)
    for runs in clusters:
        _filled(runs)
    return np.array([np.mean(runs) for runs in clusters], np.float64)


def _percentiles(values: NDArray[np.float64], *, level: float, draws: int, seed: int) -> tuple[float, float]:
    rng, count = np.random.default_rng(seed), len(values)
    means = [
        values[rng.integers(count, size=(min(_BLOCK, draws - start), count))].mean(1)
        for start in range(0, draws, _BLOCK)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _filled(values: Sequence[object]) -> None:
    if len(values) == 0:
        raise ValueError("nothing was measured, so nothing is known")
