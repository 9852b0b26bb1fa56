"""Means and deviations that come out the same, to the bit, whatever the order of what they are of."""

import math
from collections.abc import Sequence

DELTA = 1e-6
"""Added to every divisor: the papers' delta, as in TEMPO and GiGPO."""


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing, and exactly the common value where all are equal: nothing is learnt from rounding."""
    if not values:
        return 0.0
    return values[0] if min(values) == max(values) else math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of the whole (divided by n)."""
    centre = mean(values)
    return math.sqrt(mean([(value - centre) ** 2 for value in values]))


def centred(values: Sequence[float]) -> list[float]:
    """Each minus the mean."""
    centre = mean(values)
    return [value - centre for value in values]


def standardised(values: Sequence[float]) -> list[float]:
    """(value - mean) / (deviation + DELTA)."""
    scale = deviation(values) + DELTA
    return [value / scale for value in centred(values)]
