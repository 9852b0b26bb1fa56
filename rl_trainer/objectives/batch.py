# pyright: basic, reportMissingImports=false
# torch comes with the extra `train`; checking must work without it.
"""`TokenBatch`: the learnt tokens of some sequences, flat; `Denominators`: what their loss is divided by."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBatch:
    """N learnt tokens of one micro-batch, in order within a sequence; tokens that are not learnt are not here.

    logprobs: float[N], of the policy that learns, with gradient. old: float[N], pi_old: the trainer's own before the
    update, or the sampler's where the ratio is taken to it (bypass). rollout: float[N], the sampler's. advantages and
    weights: float[N]. sequences: int64[N], which sequence (0 to count - 1) of this micro-batch. lengths: float[count],
    the learnt tokens of each whole sequence; all of them are here, for a sequence is never split. entropies: float[N],
    nats, detached, of the current policy, where they were computed. turns: int64[N]. reference: float[N], of the
    policy that a KL penalty holds on to.
    """

    logprobs: Tensor
    old: Tensor
    rollout: Tensor
    advantages: Tensor
    weights: Tensor
    sequences: Tensor
    count: int
    lengths: Tensor
    entropies: Tensor | None = None
    turns: Tensor | None = None
    reference: Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Denominators:
    """Over the whole optimiser step, all micro-batches and processes: so how it is split does not change the loss.

    tokens: that are learnt. sequences: that have any. longest: the most of one sequence; Dr.GRPO divides by it where
    its settings name no constant.
    """

    tokens: float
    sequences: float
    longest: float
