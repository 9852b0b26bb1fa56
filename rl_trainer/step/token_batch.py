# pyright: basic, reportMissingImports=false
"""A row's learnt tokens as the `TokenBatch` that objectives take."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rl_trainer.objectives.batch import TokenBatch
from rl_trainer.sample import Floats, Sample
from rl_trainer.step.row import Row

PerSample = Sequence[Floats] | None


def token_batch(
    row: Row, samples: Sequence[Sample], found: Tensor, entropies: Tensor, *, given: tuple[PerSample, PerSample]
) -> TokenBatch:
    """found, entropies: of the row's learnt tokens, member by member. given: by sample, log-probabilities of pi_old
    and of the reference; without pi_old it is the policy's own."""
    members = [samples[place] for place in row.members]
    counts = [member.learnt for member in members]
    old, reference = (_chosen(row, samples, values, found) for values in given)

    def flat(name: str) -> Tensor:
        return torch.from_numpy(np.concatenate([getattr(member, name)[member.mask] for member in members]))

    return TokenBatch(
        logprobs=found,
        old=found.detach() if old is None else old,
        rollout=flat("logprobs").to(found),
        advantages=flat("advantages").to(found),
        weights=flat("weights").to(found),
        sequences=torch.arange(len(counts)).repeat_interleave(torch.tensor(counts)).to(found.device),
        count=len(counts),
        lengths=torch.tensor(counts).to(found),
        entropies=entropies,
        turns=flat("turns").to(found.device, torch.int64),
        reference=reference,
    )


def _chosen(row: Row, samples: Sequence[Sample], values: PerSample, like: Tensor) -> Tensor | None:
    if values is None:
        return None
    parts = [np.asarray(values[place], np.float32)[samples[place].mask] for place in row.members]
    return torch.from_numpy(np.concatenate(parts)).to(like)
