# pyright: basic, reportMissingImports=false
"""`Terms`: what an objective takes of each token besides its ratio, and all that a modifier may change."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rl_trainer.objectives.batch import TokenBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Each float[N], detached. low and high: a token's ratio counts from 1 - low to 1 + high."""

    advantages: Tensor
    weights: Tensor
    low: Tensor
    high: Tensor


def terms_of(batch: TokenBatch, clip: tuple[float, float]) -> Terms:
    """As the batch brings them, with one clip range for all."""
    low, high = (torch.full_like(batch.old, each) for each in clip)
    return Terms(advantages=batch.advantages.detach(), weights=batch.weights.detach(), low=low, high=high)
