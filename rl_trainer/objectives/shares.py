# pyright: basic, reportMissingImports=false
"""What one token's loss counts for: float[N], from the denominators of the whole step."""

import torch
from torch import Tensor

from rl_trainer.errors import RecipeWrong
from rl_trainer.objectives.batch import Denominators, TokenBatch


def token_mean(batch: TokenBatch, denominators: Denominators) -> Tensor:
    """1 / tokens: every token of the step counts the same."""
    return torch.full_like(batch.old, 1.0 / denominators.tokens)


def sequence_mean(batch: TokenBatch, denominators: Denominators) -> Tensor:
    """1 / (|y_i| sequences): every sequence counts the same."""
    lengths = batch.lengths.to(batch.old.dtype)[batch.sequences]
    return 1.0 / (lengths * denominators.sequences)


def constant_mean(batch: TokenBatch, denominators: Denominators, constant: float) -> Tensor:
    """1 / (constant sequences): long and short sequences' tokens count the same, whatever else is in the step."""
    if constant <= 0:
        raise RecipeWrong(f"dr_grpo divides by a constant number of tokens, but it is {constant}; set constant")
    return torch.full_like(batch.old, 1.0 / (constant * denominators.sequences))
