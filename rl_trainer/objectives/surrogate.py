# pyright: basic, reportMissingImports=false
"""`Surrogate`: a loss for each token, not yet weighted or averaged."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Surrogate:
    """losses: float[N], with gradient. ratios: float[N], detached. low, high: bool[N], where the clip took hold."""

    losses: Tensor
    ratios: Tensor
    low: Tensor
    high: Tensor
