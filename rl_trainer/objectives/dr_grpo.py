# pyright: basic, reportMissingImports=false
"""Dr. GRPO (Liu et al. 2025, arXiv 2503.20783), after its advantages (R - mean, not divided by std) are known:

    L = -1/G sum_i 1/C sum_t min(rho_it A_it, clip(rho_it, 1 - eps, 1 + eps) A_it)

C is one number for all sequences, so that a long wrong answer is not pushed down less per token than a short one: the
most tokens that a sequence may have (`constant`); where none is given, the most that one of this step has. eps 0.2 on
both sides.
"""

from rl_trainer.objectives.clipped import token_clipped as surrogate
from rl_trainer.objectives.shares import constant_mean as share

__all__ = ["share", "surrogate"]
