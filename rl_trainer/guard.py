"""The guard: ids must be drawn from the distribution that the trainer differentiates; this says where they are not.

The team of arXiv 2508.03501 lost runs to an engine that began to apply top-k and min-p of the model's generation
config: the ratio was taken over the whole vocabulary, the ids were drawn from a part of it, and success went up for
some iterations before it went down. Only a check of what is in force, and of the drift, sees that in time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rl_trainer.errors import SamplingBiased
from rl_trainer.policy import Sampling

_NEUTRAL = {
    "top_p": (1.0,),
    "top_k": (0, -1),
    "min_p": (0.0,),
    "repetition_penalty": (1.0,),
    "presence_penalty": (0.0,),
    "frequency_penalty": (0.0,),
}
"""Values that leave the distribution as it is; engines write "no top-k" as 0 or as -1."""
_TRUNCATES = frozenset({"top_p", "top_k", "min_p"})
_OTHER_WEIGHTS = "nothing fits: other weights (an update that did not arrive), another model, or ids shifted by one"
_QUANTILES = (0.5, 0.9, 0.99, 0.999)


def check_sampling(wanted: Sampling, effective: Sampling, *, trained: float | None = None) -> None:
    """Refuse whatever cuts or tilts the distribution that ids are drawn from.

    wanted: what is asked of the sampler. effective: what it does by itself (`Policy.effective`); a temperature of 1 is
    none. trained: the temperature that the trainer divides its logits by, where it has one of its own.

    Raises:
        SamplingBiased: it names each parameter, its value, whose it is, and what to do.
    """
    faults = [*_tilts(wanted, "asked for by the recipe"), *_tilts(effective, "set by the engine itself")]
    if wanted.temperature <= 0:
        faults.append(f"temperature {wanted.temperature:g} (asked for by the recipe) explores nothing: use 1.0")
    if effective.temperature not in {1.0, wanted.temperature}:
        faults.append(f"temperature {effective.temperature:g} (set by the engine itself), not {wanted.temperature:g}")
    if trained is not None and trained != wanted.temperature:
        faults.append(f"temperature {wanted.temperature:g} when sampling, but {trained:g} when training: make them one")
    if faults:
        raise SamplingBiased(
            "the sampler does not draw from the distribution that is trained: "
            + "; ".join(faults)
            + ". Take such settings out of the recipe. A vLLM server takes them from the model's "
            "generation_config.json: start it with --generation-config vllm"
        )


def _tilts(sampling: Sampling, whose: str) -> list[str]:
    found: list[str] = []
    for name, neutral in _NEUTRAL.items():
        value: float = getattr(sampling, name)
        if value not in neutral:
            does = "cuts the distribution off" if name in _TRUNCATES else "tilts the distribution"
            found.append(f"{name} {value:g} ({whose}) {does}; only {neutral[0]:g} leaves it whole")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far the trainer's log-probabilities of sampled ids are from the sampler's, in nats, over learnt tokens.

    max, mean, quantiles: of |log pi_train - log pi_rollout|. k1 and k3: estimates of KL(pi_rollout || pi_train), the
    mean of -log r and of r - 1 - log r with r = pi_train / pi_rollout (Schulman, "Approximating KL divergence", 2020).
    below: the share of tokens that the trainer finds less likely than the sampler did. slope: of the trainer's values
    over the sampler's; 1 when they agree. finite: whether all were numbers; the others are counted out.
    """

    tokens: int
    max: float
    mean: float
    quantiles: dict[float, float]
    k1: float
    k3: float
    below: float
    slope: float
    finite: bool = True

    def metrics(self) -> dict[str, float]:
        """As a metrics record has it."""
        return {
            "drift/max": self.max,
            "drift/mean": self.mean,
            **{f"drift/q{quantile:g}": value for quantile, value in self.quantiles.items()},
            "drift/k1": self.k1,
            "drift/k3": self.k3,
        }


def measure_drift(trained: ArrayLike, sampled: ArrayLike, mask: ArrayLike | None = None) -> Drift:
    """The drift between two lists of log-probabilities of the same ids; only where `mask` is set, if there is one.

    Example:
        measure_drift([-1.0, -2.0], [-1.0, -2.5]).max  # 0.5
    """
    ours, theirs = np.asarray(trained, dtype=np.float64).ravel(), np.asarray(sampled, dtype=np.float64).ravel()
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} log-probabilities of the trainer, but {len(theirs)} of the sampler")
    if mask is not None:
        kept = np.asarray(mask, dtype=bool).ravel()
        ours, theirs = ours[kept], theirs[kept]
    numbers = np.isfinite(ours) & np.isfinite(theirs)
    finite = bool(numbers.all())
    ours, theirs = ours[numbers], theirs[numbers]
    if len(ours) == 0:
        return _nothing(finite)
    log_ratio = ours - theirs
    size = np.abs(log_ratio)
    with np.errstate(over="ignore"):
        k3 = float(np.mean(np.expm1(log_ratio) - log_ratio))
    return Drift(
        tokens=len(ours),
        max=float(size.max()),
        mean=float(size.mean()),
        quantiles={each: float(np.quantile(size, each)) for each in _QUANTILES},
        k1=float(-log_ratio.mean()),
        k3=k3,
        below=float(np.mean(log_ratio < 0)),
        slope=_slope(theirs, ours),
        finite=finite,
    )


def _nothing(finite: bool) -> Drift:
    zeros = dict.fromkeys(_QUANTILES, 0.0)
    return Drift(tokens=0, max=0.0, mean=0.0, quantiles=zeros, k1=0.0, k3=0.0, below=0.0, slope=1.0, finite=finite)


def _slope(over: NDArray[np.float64], of: NDArray[np.float64]) -> float:
    spread = over - over.mean()
    variance = float(spread @ spread)
    return float(spread @ (of - of.mean())) / variance if variance > 0 else 1.0


def check_drift(drift: Drift, limit: float, *, mean: float | None = None) -> None:
    """Refuse log-probabilities that are not those of the weights in training.

    limit: of the largest difference, in nats. mean: of the mean difference, where that is to be held as well. With
    sampler and trainer in one process 1e-3 is generous; a server in bfloat16 has single tokens that are off by more
    than 0.1 while its mean stays near 0.01.

    Raises:
        SamplingBiased: with the figures, and what their pattern makes likely.
    """
    over_mean = mean is not None and drift.mean > mean
    if drift.finite and drift.max <= limit and not over_mean:
        return
    bound = f"{limit:g}" if mean is None else f"{limit:g} (largest) and {mean:g} (mean)"
    raise SamplingBiased(
        f"the log-probabilities of {drift.tokens} sampled tokens differ between sampler and trainer by up to "
        f"{drift.max:.3g} nats, {drift.mean:.3g} on average (KL {drift.k3:.3g}); allowed: {bound}. "
        f"Likely: {likely_cause(drift)}"
    )


def likely_cause(drift: Drift) -> str:
    """What the pattern of the differences points to, and what to do about it."""
    if not drift.finite:
        return "some are no numbers: an id that one side forbids (a grammar, a stop list), or weights that have burst"
    if drift.quantiles[0.9] < 0.1 * drift.max and drift.mean < 0.05:
        return (
            "single tokens only: ids that were tokenised again, a mask that begins or ends one token off, or a rare id "
            "in low precision; keep the sampled ids verbatim, and look at the tokens"
        )
    if drift.mean > 1.0:
        return _OTHER_WEIGHTS
    if drift.below > 0.9:
        return (
            "the sampler finds nearly every id more likely than the trainer does, as if it shared out the mass of ids "
            "that it had cut off: top_k, top_p or min_p is in force; start vLLM with --generation-config vllm"
        )
    if abs(drift.slope - 1) > 0.1 and drift.mean > 0.02 and drift.slope > 0.3:
        return (
            "the differences grow with the log-probability, as with two temperatures: log-probabilities from before "
            "the temperature (start vLLM with --logprobs-mode processed_logprobs), or another one in the trainer"
        )
    if drift.mean > 0.3:
        return _OTHER_WEIGHTS
    return (
        "all tokens a little: low precision on one side, or weights of a version before; compute both in one "
        "precision, or correct it (truncated importance sampling)"
    )
