# pyright: basic, reportMissingImports=false
"""GRPO (Shao et al. 2024, arXiv 2402.03300, formula 3), after its advantages are known:

    L = -1/G sum_i 1/|y_i| sum_t min(rho_it A_it, clip(rho_it, 1 - eps, 1 + eps) A_it)   + beta KL (penalty.py)

rho_it = pi_theta(y_it | before) / pi_old(y_it | before). eps 0.2 on both sides. A short sequence's tokens count more.
"""

from rl_trainer.objectives.clipped import token_clipped as surrogate
from rl_trainer.objectives.shares import sequence_mean as share

__all__ = ["share", "surrogate"]
