# pyright: basic, reportMissingImports=false
"""HAPO (arXiv 2509.16591): advantages and clip ranges by each token's entropy.

    h_t    = (ln H_t - q_0.8(ln H)) / std(ln H)        h^_t = h_t / max h where h_t > 0, h_t / |min h| where h_t < 0
    A_t   <- A_t (1 + h^_t)    where h^_t > 0 and rho_t outside, or h^_t < 0 and rho_t inside [1 - low/2, 1 + high/2]
    low_t  = low (1 - h^_t)    where h^_t < 0            high_t = high (1 + h^_t)    where h^_t > 0

The published code divides the negative h by min h, which is negative, so no h^ is below 0 and the half for low
entropies never acts; here it does. The quantile and the deviation are taken over the sequence, so that how a step is
split does not change the loss, or over the whole step (over = batch). Not here: the mean and deviation of advantages
over tokens, which is the credit's matter, and the temperature that follows the entropy, which the settings refuse.
"""

from dataclasses import replace

import torch
from torch import Tensor

from rl_trainer.objectives.batch import Denominators, TokenBatch
from rl_trainer.objectives.modifier_settings import Hapo
from rl_trainer.objectives.modifiers.entropies import compared, entropies_of
from rl_trainer.objectives.ratio import ratio
from rl_trainer.objectives.terms import Terms

_LEAST_ENTROPY = 1e-8
_LEAST_SPREAD = 1e-6


def hapo(settings: Hapo, batch: TokenBatch, denominators: Denominators, terms: Terms) -> Terms:
    entropies = entropies_of(batch, "hapo")
    scores = torch.zeros_like(entropies)
    for places in compared(batch, denominators, over=settings.over, modifier="hapo"):
        scores[places] = entropy_score(entropies[places], quantile=settings.quantile)
    scores = scores.to(terms.advantages.dtype)
    ratios = ratio(batch.logprobs.detach(), batch.old)
    inside = (ratios >= 1.0 - terms.low / 2) & (ratios <= 1.0 + terms.high / 2)
    scaled = torch.where(scores > 0, ~inside, inside)
    return replace(
        terms,
        advantages=torch.where(scaled, terms.advantages * (1.0 + scores), terms.advantages),
        low=terms.low * (1.0 - scores.clamp_max(0.0)),
        high=terms.high * (1.0 + scores.clamp_min(0.0)),
    )


def entropy_score(entropies: Tensor, *, quantile: float) -> Tensor:
    """h^: float[n] from -1 to 1; above 0 for the entropies above the quantile. All 0 where they are all alike."""
    logs = entropies.clamp_min(_LEAST_ENTROPY).log()
    if len(logs) < 2 or float(logs.std(correction=0)) < _LEAST_SPREAD:
        return torch.zeros_like(logs)
    scores = (logs - torch.quantile(logs, quantile)) / logs.std(correction=0)
    above, below = scores.clamp_min(0.0), scores.clamp_max(0.0)
    return above / above.max().clamp_min(_LEAST_SPREAD) + below / below.abs().max().clamp_min(_LEAST_SPREAD)
