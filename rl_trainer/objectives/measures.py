# pyright: basic, reportMissingImports=false
"""What a micro-batch's loss is logged with: sums over tokens, and largest values."""

from collections.abc import Iterable

import torch
from torch import Tensor

from rl_trainer.objectives.batch import TokenBatch
from rl_trainer.objectives.surrogate import Surrogate
from rl_trainer.objectives.terms import Terms


def measures(batch: TokenBatch, found: Surrogate, terms: Terms) -> dict[str, Tensor]:
    """Detached scalars: sums over the tokens, so that a mean is sum / tokens; names with `_max` are largest values.

    drift: |log pi_theta - log pi_rollout|. mismatch: |log pi_old - log pi_rollout|. kl_old: an estimate of
    KL(pi_old || pi_theta), k3. clipped_low, clipped_high: tokens whose ratio was held. masked: tokens whose
    weight a modifier made 0.
    """
    now = batch.logprobs.detach()
    drift, mismatch = (now - batch.rollout).abs(), (batch.old - batch.rollout).abs()
    moved = now - batch.old
    out = {
        "tokens": torch.full_like(drift, 1.0).sum(),
        "clipped_low": found.low.sum(),
        "clipped_high": found.high.sum(),
        "ratio": found.ratios.sum(),
        "ratio_max": _largest(found.ratios),
        "drift": drift.sum(),
        "drift_max": _largest(drift),
        "mismatch": mismatch.sum(),
        "mismatch_max": _largest(mismatch),
        "kl_old": (moved.exp() - moved - 1.0).sum(),
        "weight": terms.weights.sum(),
        "masked": ((terms.weights == 0) & (batch.weights != 0)).sum(),
    }
    if batch.entropies is not None:
        out["entropy"] = batch.entropies.sum()
    return {name: value.detach().to(now.dtype) for name, value in out.items()}


def joined(parts: Iterable[dict[str, Tensor]]) -> dict[str, float]:
    """Those of several micro-batches as one: sums added, largest values compared."""
    out: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            number = float(value)
            if name in out:
                number = max(out[name], number) if name.endswith("_max") else out[name] + number
            out[name] = number
    return out


def per_token(sums: dict[str, float]) -> dict[str, float]:
    """Means over the tokens, largest values as they are; `tokens` stays the count."""
    tokens = max(1.0, sums.get("tokens", 0.0))
    kept = {name: value for name, value in sums.items() if name.endswith("_max") or name == "tokens"}
    return kept | {name: value / tokens for name, value in sums.items() if name not in kept}


def _largest(values: Tensor) -> Tensor:
    return values.max() if len(values) else values.sum()
