"""`Sample`: a sequence of tokens to learn from, four lists of one length and what each token's loss is worth."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class SampleInvalid(ValueError):
    """Lists that do not belong together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sequence. Only tokens with `mask` are learnt from: those that the policy itself sampled.

    ids: int64[n]. mask: bool[n]. logprobs: float32[n], the sampler's, 0 where the mask is not set. advantages and
    weights: float32[n]; a token's loss is the objective's, times its weight. versions: int32[n], the policy's version.
    trajectory: the number of the trajectory it comes from; where one gives several samples its reward counts once.
    turns: int32[n], the place of the turn that sampled a token; -1 elsewhere.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.bool_]
    logprobs: Floats
    advantages: Floats
    weights: Floats
    turns: NDArray[np.int32]
    versions: NDArray[np.int32]
    trajectory: int = 0
    task_id: str = ""
    facts: dict[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        lengths = {
            name: len(getattr(self, name))
            for name in ("ids", "mask", "logprobs", "advantages", "weights", "turns", "versions")
        }
        if len(set(lengths.values())) != 1:
            raise SampleInvalid(f"the lists of a sample have one length; these have {lengths}")
        if len(self.ids) == 0:
            raise SampleInvalid("a sample has at least one token")
        if self.mask[0]:
            raise SampleInvalid("the first token has nothing before it, so it cannot have been sampled")
        for name in ("logprobs", "advantages", "weights"):
            if not np.isfinite(getattr(self, name)).all():
                raise SampleInvalid(f"{name} of a sample of task {self.task_id!r} are not all finite")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def learnt(self) -> int:
        """How many tokens it teaches."""
        return int(self.mask.sum())
