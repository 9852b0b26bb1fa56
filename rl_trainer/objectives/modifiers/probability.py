# pyright: basic, reportMissingImports=false
"""AR and Lopti (Yang et al. 2025, arXiv 2505.12929): rare tokens have the larger gradients, and drown the others.

    AR      A_it <- (alpha pi_old(y_it) + 1 - alpha) A_it   alpha 0.3 or 0.1
    Lopti   first an update on the tokens with pi_old(y_it) <= eta, then one on the rest   eta 0.5

Denominators stay those of all tokens.
"""

from dataclasses import replace

from rl_trainer.objectives.batch import Denominators, TokenBatch
from rl_trainer.objectives.modifier_settings import Lopti, Reweight
from rl_trainer.objectives.terms import Terms


def reweight(settings: Reweight, batch: TokenBatch, _denominators: Denominators, terms: Terms) -> Terms:
    scale = settings.alpha * batch.old.exp() + 1.0 - settings.alpha
    return replace(terms, advantages=terms.advantages * scale)


def lopti(settings: Lopti, part: int, batch: TokenBatch, _denominators: Denominators, terms: Terms) -> Terms:
    """part 0: the rare tokens. part 1: the others."""
    rare = batch.old.exp() <= settings.threshold
    chosen = rare if part == 0 else ~rare
    return replace(terms, weights=terms.weights * chosen)
