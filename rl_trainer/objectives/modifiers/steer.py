# pyright: basic, reportMissingImports=false
"""STEER (arXiv 2510.10150): less weight to tokens that would change the policy's entropy much.

    Omega_t = A_t / pi_old(y_t) * pi(y_t) (1 - pi(y_t)) (ln pi(y_t) + H_t)
    w_t     = exp(-k |Omega_t|)          k = -ln(minimum) / max(max_t |Omega_t|, floor)       minimum 0.8, floor 0.02

The largest |Omega| is taken over the sequence, so that how a step is split does not change the loss; over = batch takes
it over the whole step, as the authors' code does over a micro-batch. pi(y)/pi_old(y) is held as every ratio is.
"""

import math
from dataclasses import replace

import torch

from rl_trainer.objectives.batch import Denominators, TokenBatch
from rl_trainer.objectives.modifier_settings import Steer
from rl_trainer.objectives.modifiers.entropies import compared, entropies_of
from rl_trainer.objectives.ratio import ratio
from rl_trainer.objectives.terms import Terms


def steer(settings: Steer, batch: TokenBatch, denominators: Denominators, terms: Terms) -> Terms:
    now = batch.logprobs.detach()
    spread = (1.0 - now.exp()) * (now + entropies_of(batch, "steer"))
    change = (terms.advantages * ratio(now, batch.old) * spread).abs()
    weights = torch.ones_like(change)
    for places in compared(batch, denominators, over=settings.over, modifier="steer"):
        if len(places):
            rate = -math.log(settings.minimum) / change[places].max().clamp_min(settings.floor)
            weights[places] = (-rate * change[places]).exp()
    return replace(terms, weights=terms.weights * weights)
