# pyright: basic, reportMissingImports=false
"""DMMPT of UloRL (arXiv 2507.19766): what is mastered already is not pushed further, so that entropy does not collapse.

    no loss on token t of sequence i   if A_it > 0 and pi(y_it) >= tau and mean_t H_it < sigma

tau 0.99, sigma 0.2. Denominators stay those of all tokens.
"""

from dataclasses import replace

from rl_trainer.objectives.batch import Denominators, TokenBatch
from rl_trainer.objectives.modifier_settings import Dmmpt
from rl_trainer.objectives.modifiers.entropies import entropies_of
from rl_trainer.objectives.ratio import means
from rl_trainer.objectives.terms import Terms


def dmmpt(settings: Dmmpt, batch: TokenBatch, _denominators: Denominators, terms: Terms) -> Terms:
    sure = means(entropies_of(batch, "dmmpt"), batch)[batch.sequences] < settings.sigma
    mastered = (terms.advantages > 0) & (batch.logprobs.detach().exp() >= settings.tau) & sure
    return replace(terms, weights=terms.weights * ~mastered)
