"""How likely it is that a search found a right tool: logistic regression over what it saw, fitted for one model."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from retrieval.hit import Hit

Numbers = NDArray[np.float64]

DEPTH = 10
"""So many of the best hits are looked at; fewer are there only when fewer are allowed."""

SIGNALS = (
    "score",
    "dense",
    "dense_best",
    "lexical",
    "lexical_best",
    "to_second",
    "to_last",
    "agreement",
    "words",
    "covered",
)
"""What is looked at. Of the first hit its scores, and the best of the first ten; how far the second and the last of
them are behind; whether both searchers put it first (the mean of 1 / place); how many words were said, log(1 + n), and
the share of them that its text has."""

_PACKAGED = Path(__file__).parent / "calibrations"


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """P = 1 / (1 + exp(-(bias + weights . (signals - mean) / scale)))."""

    model: str
    """The embedder's id: another model has other cosines."""
    k: int
    """P is the probability that one of the first k is right."""
    bias: float
    weights: dict[str, float]
    mean: dict[str, float]
    scale: dict[str, float]
    fitted_on: dict[str, int] = {}
    """How many searches of which set it was fitted on."""


def packaged_calibration(model: str) -> Calibration | None:
    """The calibration that comes with this package for an embedder's id; None when there is none for that model.

    A model without one finds as well as any; it only cannot say that nothing fits.
    """
    for file in sorted(_PACKAGED.glob("*.json")):
        found = msgspec.json.decode(file.read_bytes(), type=Calibration)
        if found.model == model:
            return found
    return None


def signals_of(hits: Sequence[Hit], *, words: int) -> Numbers:
    """float64[len(SIGNALS)] of the best hits in order, at least `DEPTH` of them where so many are there.

    `words`: how many different words the query has (`len(written(without_values(query)))`). No hit at all gives zeros.
    """
    if not hits:
        return np.zeros(len(SIGNALS))
    best = hits[:DEPTH]
    first, seen = best[0], [hit.signals for hit in best]
    top = seen[0]
    return np.array(
        [
            first.score,
            top["dense"],
            max(each["dense"] for each in seen),
            top["lexical"],
            max(each["lexical"] for each in seen),
            first.score - best[min(1, len(best) - 1)].score,
            first.score - best[-1].score,
            (1 / top["dense_rank"] + (1 / top["lexical_rank"] if top["lexical"] > 0 else 0.0)) / 2,
            math.log1p(words),
            len(first.words) / words if words else 0.0,
        ]
    )


def confidence(calibration: Calibration, hits: Sequence[Hit], *, words: int) -> float:
    """The probability, from 0 to 1, that one of the first `calibration.k` hits is a right tool; 0 without hits."""
    if not hits:
        return 0.0
    bias, weights = _linear(calibration)
    return 1 / (1 + math.exp(-min(max(bias + float(weights @ signals_of(hits, words=words)), -500.0), 500.0)))


def with_fit(hits: Sequence[Hit], calibration: Calibration | None, *, words: int) -> list[Hit]:
    """The hits of one query with the signal `fit`, the same for all: how likely a right one is among the first.

    Give at least `DEPTH` of them, best first; without a calibration they come back as they are.
    """
    if calibration is None:
        return list(hits)
    fit_ = confidence(calibration, hits, words=words)
    return [replace(hit, signals={**hit.signals, "fit": fit_}) for hit in hits]


def nothing_fits(hits: Sequence[Hit], threshold: float) -> bool:
    """Whether the signal `fit` of every hit is below the threshold; False where there is no hit, or no such signal."""
    return bool(hits) and all(hit.signals.get("fit", 1.0) < threshold for hit in hits)


def probabilities(calibration: Calibration, signals: Numbers) -> Numbers:
    """float64[n] of float64[n, len(SIGNALS)]: the same of many searches."""
    bias, weights = _linear(calibration)
    return 1 / (1 + np.exp(-np.clip(bias + signals @ weights, -500, 500)))


def fit(
    signals: Numbers, right: NDArray[np.bool_], *, weights: Numbers | None = None, ridge: float = 1.0
) -> tuple[float, Numbers]:
    """The bias and the weights of a ridge logistic regression, by Newton's method.

    `signals` float64[n, d] are best standardised; `right` bool[n]; `weights` float64[n] is how much each search counts,
    one each unless given; `ridge` holds the weights, not the bias.

    Raises:
        ValueError: all searches ended alike, so there is nothing to tell apart.
    """
    if right.all() or not right.any():
        raise ValueError("a calibration needs searches that found a right tool, and some that did not")
    counts = np.ones(len(signals)) if weights is None else weights
    design = np.column_stack([np.ones(len(signals)), signals])
    penalty = np.diag([0.0, *[ridge] * signals.shape[1]])
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        likely = 1 / (1 + np.exp(-np.clip(design @ beta, -500, 500)))
        gradient = design.T @ (counts * (right - likely)) - penalty @ beta
        curvature = (design * (counts * likely * (1 - likely))[:, np.newaxis]).T @ design + penalty
        step = np.linalg.solve(curvature + 1e-9 * np.eye(len(beta)), gradient)
        beta += step
        if float(np.abs(step).max()) < 1e-9:
            break
    return float(beta[0]), beta[1:]


def _linear(calibration: Calibration) -> tuple[float, Numbers]:
    """The bias and the weights for signals as they are, not standardised."""
    scale = np.array([calibration.scale[name] for name in SIGNALS])
    weights = np.array([calibration.weights[name] for name in SIGNALS]) / scale
    return calibration.bias - float(weights @ np.array([calibration.mean[name] for name in SIGNALS])), weights
