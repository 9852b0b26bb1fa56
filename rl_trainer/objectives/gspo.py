# pyright: basic, reportMissingImports=false
"""GSPO and GSPO-token (Zheng et al. 2025, arXiv 2507.18071, formulas 5, 7, 13 and 14):

    s_i  = (pi_theta(y_i) / pi_old(y_i))^(1/|y_i|)              = exp(1/|y_i| sum_t log rho_it)
    s_it = sg(s_i) pi_theta(y_it) / sg(pi_theta(y_it))
    L    = -1/G sum_i min(s_i A_i, clip(s_i, 1 - eps_low, 1 + eps_high) A_i)                           GSPO
    L    = -1/G sum_i 1/|y_i| sum_t min(s_it A_it, clip(s_it, 1 - eps_low, 1 + eps_high) A_it)         GSPO-token

eps_low 3e-4, eps_high 4e-4. Where A_it = A_i both have the same value and gradient. GSPO has one gradient for all
tokens of a sequence; credits or weights that differ inside one would be averaged away, so they are refused there.
"""

import torch
from torch import Tensor

from rl_trainer.errors import RecipeWrong
from rl_trainer.objectives.batch import TokenBatch
from rl_trainer.objectives.clipped import clipped
from rl_trainer.objectives.ratio import sequence_ratio
from rl_trainer.objectives.shares import sequence_mean as share
from rl_trainer.objectives.surrogate import Surrogate
from rl_trainer.objectives.terms import Terms

__all__ = ["share", "surrogate", "token_surrogate"]

_ALIKE = 1e-5


def surrogate(batch: TokenBatch, terms: Terms) -> Surrogate:
    """GSPO: the loss of a sequence stands at each of its tokens.

    Raises:
        RecipeWrong: advantages or weights differ inside a sequence.
    """
    for name, values in (("advantages", terms.advantages), ("weights", terms.weights)):
        if _differs(values, batch):
            raise RecipeWrong(
                f"objective=gspo gives all tokens of a sequence one credit, but their {name} differ; choose gspo_token"
            )
    return clipped(sequence_ratio(batch), terms)


def token_surrogate(batch: TokenBatch, terms: Terms) -> Surrogate:
    """GSPO-token: the sequence's ratio, with each token's own gradient."""
    whole = sequence_ratio(batch).detach()
    return clipped(whole * (batch.logprobs - batch.logprobs.detach()).exp(), terms)


def _differs(values: Tensor, batch: TokenBatch) -> bool:
    # The largest against the least, not a mean: over many tokens a mean of equal numbers is not that number.
    least = torch.full_like(batch.lengths, torch.inf, dtype=values.dtype)
    least = least.scatter_reduce(0, batch.sequences, values, "amin")
    most = torch.full_like(least, -torch.inf).scatter_reduce(0, batch.sequences, values, "amax")
    return bool((most - least > _ALIKE * (1.0 + most.abs())).any())
