"""The sequences of the NumPy reference as the flat batch that objectives take; needs the extra `train`."""

from collections.abc import Sequence as ListOf
from typing import Any

import numpy as np
import torch

from rl_trainer.objectives.batch import Denominators, TokenBatch
from rl_trainer.objectives.registry import objective_of
from rl_trainer.objectives.settings import ObjectiveSettings, passes
from tests.rl_trainer.objectives.numpy_reference import Sequence


def batch_of(sequences: ListOf[Sequence]) -> TokenBatch:
    """float64, so that differences are the formulas' and not the digits'."""

    def flat(name: str) -> Any:
        return torch.from_numpy(np.concatenate([getattr(each, name) for each in sequences]))

    lengths = torch.tensor([len(each.now) for each in sequences])
    return TokenBatch(
        logprobs=flat("now").requires_grad_(),
        old=flat("old"),
        rollout=flat("rollout"),
        advantages=flat("advantages"),
        weights=flat("weights"),
        sequences=torch.repeat_interleave(torch.arange(len(sequences)), lengths),
        count=len(sequences),
        lengths=lengths.to(torch.float32),
        entropies=flat("entropies"),
        reference=flat("reference"),
    )


def denominators_of(sequences: ListOf[Sequence], longest: float = 16) -> Denominators:
    tokens = sum(len(each.now) for each in sequences)
    return Denominators(tokens=tokens, sequences=len(sequences), longest=longest)


def outcome(
    settings: ObjectiveSettings, sequences: ListOf[Sequence], *, step: ListOf[Sequence] = (), part: int = 0
) -> tuple[float, Any]:
    """(loss, gradient by log-probability as an array) of one micro-batch of a step."""
    batch = batch_of(sequences)
    objective = objective_of(settings, part=part if passes(settings) > 1 else None)
    loss, _ = objective(batch, denominators_of(step or sequences))
    loss.backward()
    assert batch.logprobs.grad is not None
    return float(loss.detach()), batch.logprobs.grad.numpy()
