# pyright: basic, reportMissingImports=false
"""The clipped surrogate of PPO (Schulman et al. 2017, formula 7), with a range on each side."""

import torch
from torch import Tensor

from rl_trainer.objectives.batch import TokenBatch
from rl_trainer.objectives.ratio import ratio
from rl_trainer.objectives.surrogate import Surrogate
from rl_trainer.objectives.terms import Terms


def clipped(ratios: Tensor, terms: Terms, *, dual_clip: float = 0.0) -> Surrogate:
    """-min(rho A, clip(rho, 1 - low, 1 + high) A); where A < 0, at most -dual_clip A (Ye et al. 2020, formula 5)."""
    advantages = terms.advantages
    held = torch.minimum(torch.maximum(ratios, 1.0 - terms.low), 1.0 + terms.high)
    losses = torch.maximum(-ratios * advantages, -held * advantages)
    if dual_clip:
        losses = torch.where(advantages < 0, torch.minimum(losses, -dual_clip * advantages), losses)
    at = ratios.detach()
    return Surrogate(
        losses=losses,
        ratios=at,
        low=(at < 1.0 - terms.low) & (advantages < 0),
        high=(at > 1.0 + terms.high) & (advantages > 0) | _dual(at, advantages, dual_clip),
    )


def token_clipped(batch: TokenBatch, terms: Terms, *, dual_clip: float = 0.0) -> Surrogate:
    """The same with each token's own pi_theta / pi_old."""
    return clipped(ratio(batch.logprobs, batch.old), terms, dual_clip=dual_clip)


def _dual(ratios: Tensor, advantages: Tensor, dual_clip: float) -> Tensor:
    bound = dual_clip or float("inf")
    return (ratios > bound) & (advantages < 0)
