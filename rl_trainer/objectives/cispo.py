# pyright: basic, reportMissingImports=false
"""CISPO (MiniMax-M1, arXiv 2506.13585):

    L = -1/(sum_i |y_i|) sum_i sum_t sg(clip(rho_it, 1 - eps_low, 1 + eps_high)) A_it log pi_theta(y_it)

No token loses its gradient; only what its ratio may multiply is held. eps_low 1 (no lower bound) and eps_high 4: the
largest ratio is 5, as in ScaleRL (arXiv 2510.13786).
"""

import torch

from rl_trainer.objectives.batch import TokenBatch
from rl_trainer.objectives.ratio import ratio
from rl_trainer.objectives.shares import token_mean as share
from rl_trainer.objectives.surrogate import Surrogate
from rl_trainer.objectives.terms import Terms

__all__ = ["share", "surrogate"]


def surrogate(batch: TokenBatch, terms: Terms) -> Surrogate:
    ratios = ratio(batch.logprobs, batch.old).detach()
    held = torch.minimum(torch.maximum(ratios, 1.0 - terms.low), 1.0 + terms.high)
    return Surrogate(
        losses=-held * terms.advantages * batch.logprobs,
        ratios=ratios,
        low=ratios < 1.0 - terms.low,
        high=ratios > 1.0 + terms.high,
    )
