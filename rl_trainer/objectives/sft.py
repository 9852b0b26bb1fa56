# pyright: basic, reportMissingImports=false
"""Imitation, as rejection fine-tuning does it (arXiv 2508.03501, 2.3):

    L = -1/(sum_i |y_i|) sum_i sum_t log pi_theta(y_it)

Advantages and old policies do not enter. Turns that are not to be imitated are not among the learnt tokens.
"""

import torch

from rl_trainer.objectives.batch import TokenBatch
from rl_trainer.objectives.ratio import ratio
from rl_trainer.objectives.shares import token_mean as share
from rl_trainer.objectives.surrogate import Surrogate
from rl_trainer.objectives.terms import Terms

__all__ = ["share", "surrogate"]


def surrogate(batch: TokenBatch, terms: Terms) -> Surrogate:
    never = torch.zeros_like(terms.advantages, dtype=torch.bool)
    ratios = ratio(batch.logprobs, batch.old).detach()
    return Surrogate(losses=-batch.logprobs, ratios=ratios, low=never, high=never)
