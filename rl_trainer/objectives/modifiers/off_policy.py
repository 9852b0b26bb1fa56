# pyright: basic, reportMissingImports=false
"""The off-policy sequence mask of DeepSeek-V3.2:

    no loss on token t of sequence i   if A_it < 0 and 1/|y_i| sum_t log(pi_rollout(y_it) / pi_theta(y_it)) > delta

Learning from one's own mistakes helps, from those of a policy that one no longer is it does not. Taken to the sampler's
log-probabilities, so it covers both updates since then and the mismatch of engines. delta 0.5.
"""

from dataclasses import replace

from rl_trainer.objectives.batch import Denominators, TokenBatch
from rl_trainer.objectives.modifier_settings import OffPolicyMask
from rl_trainer.objectives.ratio import means
from rl_trainer.objectives.terms import Terms


def off_policy_mask(settings: OffPolicyMask, batch: TokenBatch, _denominators: Denominators, terms: Terms) -> Terms:
    away = means(batch.rollout - batch.logprobs.detach(), batch)[batch.sequences] > settings.delta
    return replace(terms, weights=terms.weights * ~(away & (terms.advantages < 0)))
