# pyright: basic, reportMissingImports=false
"""Ratios of two policies, of tokens and of whole sequences."""

import torch
from torch import Tensor

from rl_trainer.objectives.batch import TokenBatch

_BOUND = 20.0


def ratio(above: Tensor, below: Tensor) -> Tensor:
    """exp(above - below), the difference held within 20: beyond that it is no number to learn from, only to survive."""
    return (above - below).clamp(-_BOUND, _BOUND).exp()


def sums(values: Tensor, batch: TokenBatch) -> Tensor:
    """float[count]: the sum over each sequence's tokens."""
    return torch.zeros(batch.count, dtype=values.dtype, device=values.device).index_add(0, batch.sequences, values)


def means(values: Tensor, batch: TokenBatch) -> Tensor:
    """float[count]: the mean over each sequence's tokens."""
    return sums(values, batch) / batch.lengths.to(values.dtype).clamp_min(1)


def sequence_ratio(batch: TokenBatch) -> Tensor:
    """float[N], at each token its sequence's (pi_theta(y) / pi_old(y))^(1 / |y|), with gradient (GSPO, formula 7)."""
    return means(batch.logprobs - batch.old, batch).clamp(-_BOUND, _BOUND).exp()[batch.sequences]
