"""How good a stated probability is: ranking of right over wrong, calibration error, risk against coverage."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Right = NDArray[np.bool_]


def auroc(stated: Numbers, right: Right) -> float:
    """The probability that a right one was given more than a wrong one, ties half (the area under the ROC curve)."""
    positive, negative = int(right.sum()), int((~right).sum())
    if not positive or not negative:
        raise ValueError("the area under the curve needs right and wrong ones")
    _, inverse, counts = np.unique(stated, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[right].sum() - positive * (positive + 1) / 2) / (positive * negative))


def calibration_error(stated: Numbers, right: Right, *, bins: int = 15) -> float:
    """The mean distance of what was stated from what was right, over bins of equal width (ECE; Guo et al., 2017)."""
    places = np.minimum((stated * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(places, weights=stated - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(stated))


def risk_coverage(stated: Numbers, right: Right) -> tuple[Numbers, Numbers]:
    """Coverage float64[n], and the share of wrong ones among the covered, surest first (El-Yaniv and Wiener, 2010)."""
    order = np.argsort(-stated, kind="stable")
    covered = np.arange(1, len(stated) + 1)
    return covered / len(stated), np.cumsum(~right[order]) / covered


def area_under_risk(stated: Numbers, right: Right) -> float:
    """The mean risk over all coverages (AURC): 0 is perfect, the overall share of wrong ones is chance."""
    return float(risk_coverage(stated, right)[1].mean())
