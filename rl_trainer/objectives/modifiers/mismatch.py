# pyright: basic, reportMissingImports=false
"""Corrections for a sampler that is not the trainer (or stale): r_t = pi_old(y_t) / pi_rollout(y_t).

    tis, token       w_t = min(max(r_t, floor), cap)         Yao et al. 2025; cap 2
    tis, sequence    w_t = min(max(prod_t r_t, floor), cap)  unbiased up to the cap, and of high variance
    icepop           w_t = r_t where low <= r_t <= high, otherwise 0         IcePop (Ring-1T, arXiv 2510.18855)
    sequence_mask    w_t = 1 where low <= (prod_t r_t)^(1/|y|) <= high, otherwise 0
    outlier_mask     w_t = 0 in sequences with a token whose pi_theta / pi_rollout is not from low to high

The first four leave rho = pi_theta / pi_old alone: engine mismatch and off-policy drift are two ratios. Denominators
stay those of all tokens.
"""

from dataclasses import replace

from torch import Tensor

from rl_trainer.objectives.batch import Denominators, TokenBatch
from rl_trainer.objectives.modifier_settings import IcePop, OutlierMask, SequenceMask, Tis
from rl_trainer.objectives.ratio import means, ratio, sums
from rl_trainer.objectives.terms import Terms


def tis(settings: Tis, batch: TokenBatch, _denominators: Denominators, terms: Terms) -> Terms:
    ratios = ratio(batch.old, batch.rollout)
    if settings.level == "sequence":
        ratios = ratio(sums(batch.old, batch), sums(batch.rollout, batch))[batch.sequences]
    return _weighed(terms, ratios.clamp(settings.floor, settings.cap))


def icepop(settings: IcePop, batch: TokenBatch, _denominators: Denominators, terms: Terms) -> Terms:
    ratios = ratio(batch.old, batch.rollout)
    return _weighed(terms, ratios * _within(ratios, settings))


def sequence_mask(settings: SequenceMask, batch: TokenBatch, _denominators: Denominators, terms: Terms) -> Terms:
    kept = _within(means(batch.old - batch.rollout, batch).exp(), settings)
    return _weighed(terms, kept[batch.sequences])


def outlier_mask(settings: OutlierMask, batch: TokenBatch, _denominators: Denominators, terms: Terms) -> Terms:
    outliers = ~_within(ratio(batch.logprobs.detach(), batch.rollout), settings)
    kept = sums(outliers.to(batch.old.dtype), batch) == 0
    return _weighed(terms, kept[batch.sequences])


def _within(values: Tensor, settings: IcePop | SequenceMask | OutlierMask) -> Tensor:
    return (values >= settings.low) & (values <= settings.high)


def _weighed(terms: Terms, weights: Tensor) -> Terms:
    return replace(terms, weights=terms.weights * weights)
