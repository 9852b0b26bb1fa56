# pyright: basic, reportMissingImports=false
# torch comes with the extra `train`; checking must work without it.
"""What the embedder is trained to make small: pure functions of unit vectors."""

import torch
from torch import Tensor
from torch.nn import functional


def contrast(queries: Tensor, passages: Tensor, masked: Tensor, *, temperature: float) -> Tensor:
    """Mean InfoNCE over the rows: query i must be nearer to passage i than to every other that is not masked.

    queries float[n, d], passages float[m, d] with m >= n, masked bool[n, m] (never at i, i). van den Oord et al. 2018,
    formula 4, with cosine / temperature as the score.
    """
    scores = (queries @ passages.T / temperature).masked_fill(masked, float("-inf"))
    return functional.cross_entropy(scores, torch.arange(len(queries), device=scores.device))


def agreement(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean of 1 - cosine between two ways of embedding the same texts; the teacher gets no gradient."""
    return (1.0 - (student * teacher.detach()).sum(-1)).mean()
