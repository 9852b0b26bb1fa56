"""`StepRecord`: what one optimiser step did, for the metrics file."""

import msgspec


class StepRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """step: its number, from 1. loss: of the whole step, before the update. grad_norm: before clipping. skipped: the
    loss or a gradient was not finite, and the weights stayed as they were.

    tokens: that were learnt. computed: that went through the network; fewer than `given` where prefixes are shared.
    drift: |log pi_old - log pi_sampler|. ratio_max: of pi / pi_old over all tokens. entropy: nats a token, mean.
    memory_mb: the most memory so far, of the accelerator, or of the process on the CPU. statistics: the objective's,
    a mean over learnt tokens, or the largest where the name ends in _max.
    """

    step: int
    loss: float
    grad_norm: float
    learning_rate: float
    samples: int
    tokens: int
    computed: int
    given: int
    rows: int
    seconds: float
    skipped: bool = False
    clip_fraction: float = 0.0
    drift_max: float = 0.0
    drift_mean: float = 0.0
    ratio_max: float = 0.0
    ratio_mean: float = 0.0
    entropy: float = 0.0
    memory_mb: float = 0.0
    statistics: dict[str, float] = {}
