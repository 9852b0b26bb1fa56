"""Means and deviations that come out the same, to the bit, whatever the order of what they are of."""

import math
from collections.abc import Sequence

DELTA = 1e-6
"""Added to every divisor: the papers' delta, as in TEMPO and GiGPO."""


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing."""
    return math.fsum(values) / len(values) if values else 0.0


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of the whole (divided by n); exactly 0 where all values are equal."""
    if not values or min(values) == max(values):
        return 0.0
    centre = mean(values)
    return math.sqrt(mean([(value - centre) ** 2 for value in values]))


def centred(values: Sequence[float]) -> list[float]:
    """Each minus the mean; exactly 0 where all are equal, so that nothing is learnt from rounding."""
    if not values or min(values) == max(values):
        return [0.0] * len(values)
    centre = mean(values)
    return [value - centre for value in values]


def standardised(values: Sequence[float]) -> list[float]:
    """(value - mean) / (deviation + DELTA)."""
    scale = deviation(values) + DELTA
    return [value / scale for value in centred(values)]
