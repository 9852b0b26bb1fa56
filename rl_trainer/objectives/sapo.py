# pyright: basic, reportMissingImports=false
"""SAPO (Gao et al. 2025, arXiv 2511.20347): a soft gate where PPO clips.

    L = -1/G sum_i 1/|y_i| sum_t f(rho_it) A_it        f(x) = 4/tau sigmoid(tau (x - 1))

tau 1.0 where A > 0, otherwise 1.05. f has slope 1 at x = 1, and falls off smoothly on both sides.
"""

import torch

from rl_trainer.objectives.batch import TokenBatch
from rl_trainer.objectives.ratio import ratio
from rl_trainer.objectives.shares import sequence_mean as share
from rl_trainer.objectives.surrogate import Surrogate
from rl_trainer.objectives.terms import Terms

__all__ = ["share", "surrogate"]

TAU_POSITIVE = 1.0
TAU_NEGATIVE = 1.05


def surrogate(batch: TokenBatch, terms: Terms, *, positive: float, negative: float) -> Surrogate:
    ratios = ratio(batch.logprobs, batch.old)
    tau = torch.full_like(terms.advantages, negative).masked_fill(terms.advantages > 0, positive)
    never = torch.zeros_like(terms.advantages, dtype=torch.bool)
    gate = torch.sigmoid(tau * (ratios - 1.0)) * 4.0 / tau
    return Surrogate(losses=-gate * terms.advantages, ratios=ratios.detach(), low=never, high=never)
