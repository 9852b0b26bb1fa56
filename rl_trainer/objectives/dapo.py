# pyright: basic, reportMissingImports=false
"""DAPO (Yu et al. 2025, arXiv 2503.14476, formula 8), after its advantages are known:

    L = -1/(sum_i |y_i|) sum_i sum_t min(rho_it A_it, clip(rho_it, 1 - eps_low, 1 + eps_high) A_it)

eps_low 0.2, eps_high 0.28. The mean is over all learnt tokens of the optimiser step, not of a micro-batch. With pi_old
the sampler's this is the loss of arXiv 2508.03501, which takes eps_high 0.3 and later 0.26.
"""

from rl_trainer.objectives.clipped import token_clipped as surrogate
from rl_trainer.objectives.shares import token_mean as share

__all__ = ["share", "surrogate"]
