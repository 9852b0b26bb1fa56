"""When votes are decided: the sequential stop rule of adaptive self-consistency."""

from math import comb

CONFIDENCE = 0.9
"""The leader must lead with this probability."""


def leads(first: int, second: int) -> float:
    """The probability that the answer with `first` votes is likelier to be sampled than the one with `second`.

    With p its share among the two, uniform before any vote, p is Beta(first + 1, second + 1) after them, and
    P(p > 1/2) = sum over j <= first of C(n + 1, j) / 2^(n + 1), with n = first + second. (Adaptive-Consistency,
    arXiv 2305.11860.)

    Example:
        leads(3, 0) -> 0.9375;  leads(2, 2) -> 0.5
    """
    tosses = first + second + 1
    return sum(comb(tosses, heads) for heads in range(first + 1)) / 2**tosses


def to_decide(first: int, second: int, confidence: float = CONFIDENCE) -> int:
    """The fewest further votes after which the leader can be certain enough; 0: it is already."""
    further = 0
    while leads(first + further, second) < confidence:
        further += 1
    return further
