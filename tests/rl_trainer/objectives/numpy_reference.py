"""Every objective and modifier once more, in NumPy and in loops over sequences, as the papers write them down."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rl_trainer.objectives import modifier_settings as m
from rl_trainer.objectives.settings import ObjectiveSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sequence:
    """One sequence's learnt tokens."""

    now: Floats
    old: Floats
    rollout: Floats
    advantages: Floats
    weights: Floats
    entropies: Floats
    reference: Floats


@dataclass(frozen=True)
class Part:
    """What a modifier leaves of a sequence's tokens."""

    advantages: Floats
    weights: Floats
    low: Floats
    high: Floats


def ragged(seed: int, lengths: list[int], *, moved: float = 0.3, per_token: bool = True) -> list[Sequence]:
    """Random sequences whose policies lie `moved` apart; per_token: every token has its own advantage and weight."""
    rng = np.random.default_rng(seed)
    out: list[Sequence] = []
    for length in lengths:
        now = np.log(rng.uniform(0.05, 0.999, length))
        worth = rng.normal(size=length if per_token else 1)
        weights = rng.uniform(0.5, 1.5, length if per_token else 1)
        out.append(
            Sequence(
                now=now,
                old=now + rng.normal(scale=moved, size=length),
                rollout=now + rng.normal(scale=moved, size=length),
                advantages=np.broadcast_to(worth, (length,)).copy(),
                weights=np.broadcast_to(weights, (length,)).copy(),
                entropies=rng.uniform(0.01, 2.0, length),
                reference=now + rng.normal(scale=moved, size=length),
            )
        )
    return out


def loss(settings: ObjectiveSettings, sequences: list[Sequence], longest: float) -> float:
    """Of the learning policy as it is."""
    return sum(_contribution(settings, sequences, each, longest)(each.now) for each in sequences)


def gradient(settings: ObjectiveSettings, sequences: list[Sequence], longest: float) -> Floats:
    """By central differences in each log-probability; what no gradient flows through stays where it is."""
    step, out = 1e-6, list[float]()
    for sequence in sequences:
        contribution = _contribution(settings, sequences, sequence, longest)
        for off in np.eye(len(sequence.now)) * step:
            out.append((contribution(sequence.now + off) - contribution(sequence.now - off)) / (2 * step))
    return np.array(out)


def _contribution(
    settings: ObjectiveSettings, sequences: list[Sequence], sequence: Sequence, longest: float
) -> Callable[[Floats], float]:
    """What one sequence adds to the loss, as a function of its log-probabilities."""
    part = _modified(settings, sequence, sequences)
    divisor = sum(len(each.now) for each in sequences)
    if settings.name in ("grpo", "gspo", "gspo_token", "sapo"):
        divisor = len(sequence.now) * len(sequences)
    elif settings.name == "dr_grpo":
        divisor = (settings.constant or longest) * len(sequences)

    def contribution(x: Floats) -> float:
        losses = part.weights * _losses(settings, sequence, part, x)
        if settings.kl:
            off = sequence.reference - x
            losses = losses + settings.kl * (np.exp(off) - off - 1)
        return float(losses.sum() / divisor)

    return contribution


def _losses(settings: ObjectiveSettings, sequence: Sequence, part: Part, x: Floats) -> Floats:
    rho, gain = np.exp(x - sequence.old), part.advantages
    match settings.name:
        case "sft":
            return -x
        case "cispo":
            held = np.clip(np.exp(sequence.now - sequence.old), 1 - part.low, 1 + part.high)
            return -held * gain * x
        case "sapo":
            tau = np.where(gain > 0, settings.tau_positive or 1.0, settings.tau_negative or 1.05)
            return -gain * 4 / tau / (1 + np.exp(-tau * (rho - 1)))
        case "gspo":
            rho = np.full(len(x), np.exp(np.mean(x - sequence.old)))
        case "gspo_token":
            rho = np.exp(np.mean(sequence.now - sequence.old)) * np.exp(x) / np.exp(sequence.now)
        case _:
            pass
    kept = np.array([min(r * a, np.clip(r, 1 - lo, 1 + hi) * a) for r, a, lo, hi in _rows(rho, part)])
    if settings.dual_clip:
        kept = np.where(gain < 0, np.maximum(kept, settings.dual_clip * gain), kept)
    return -kept


def _rows(rho: Floats, part: Part) -> list[tuple[float, float, float, float]]:
    return list(zip(rho, part.advantages, part.low, part.high, strict=True))


def _modified(settings: ObjectiveSettings, sequence: Sequence, all_of_them: list[Sequence]) -> Part:
    low, high = settings.clip
    length = len(sequence.now)
    part = Part(sequence.advantages, sequence.weights, np.full(length, low), np.full(length, high))
    for modifier in settings.modifiers:
        part = MODIFIERS[type(modifier)](modifier, sequence, part, all_of_them)
    return part


def _ar(s: m.Reweight, seq: Sequence, part: Part, _: object) -> Part:
    return _with(part, advantages=part.advantages * (s.alpha * np.exp(seq.old) + (1 - s.alpha)))


def _lopti(s: m.Lopti, seq: Sequence, part: Part, _: object) -> Part:
    return _with(part, weights=np.where(np.exp(seq.old) <= s.threshold, part.weights, 0))


def _steer(s: m.Steer, seq: Sequence, part: Part, every: list[Sequence]) -> Part:
    def omega(of: Sequence, advantages: Floats) -> Floats:
        p = np.exp(of.now)
        return np.abs(advantages / np.exp(of.old) * p * (1 - p) * (np.log(p) + of.entropies))

    mine = omega(seq, part.advantages)
    largest = mine.max() if s.over == "sequence" else max(omega(each, each.advantages).max() for each in every)
    k = -np.log(s.minimum) / max(largest, s.floor)
    return _with(part, weights=part.weights * np.clip(np.exp(-k * mine), s.minimum, 1))


def _dmmpt(s: m.Dmmpt, seq: Sequence, part: Part, _: object) -> Part:
    mastered = (part.advantages > 0) & (np.exp(seq.now) >= s.tau) & (seq.entropies.mean() < s.sigma)
    return _with(part, weights=np.where(mastered, 0, part.weights))


def _hapo(s: m.Hapo, seq: Sequence, part: Part, every: list[Sequence]) -> Part:
    logs = np.log(seq.entropies if s.over == "sequence" else np.concatenate([each.entropies for each in every]))
    h = (np.log(seq.entropies) - np.quantile(logs, s.quantile)) / (np.std(logs) or 1)
    all_h = (logs - np.quantile(logs, s.quantile)) / (np.std(logs) or 1)
    score = np.where(h > 0, h / max(all_h.max(), 1e-12), h / max(-all_h.min(), 1e-12))
    rho, gain, low, high = np.exp(seq.now - seq.old), part.advantages.copy(), part.low.copy(), part.high.copy()
    for t in range(len(h)):
        neutral = 1 - part.low[t] / 2 <= rho[t] <= 1 + part.high[t] / 2
        if (score[t] > 0 and not neutral) or (score[t] < 0 and neutral):
            gain[t] *= 1 + score[t]
        if score[t] > 0:
            high[t] *= 1 + score[t]
        if score[t] < 0:
            low[t] *= 1 - score[t]
    return Part(gain, part.weights, low, high)


def _tis(s: m.Tis, seq: Sequence, part: Part, _: object) -> Part:
    r = np.exp(seq.old) / np.exp(seq.rollout)
    r = r if s.level == "token" else np.full(len(r), np.prod(r))
    return _with(part, weights=part.weights * np.clip(r, s.floor, s.cap))


def _icepop(s: m.IcePop, seq: Sequence, part: Part, _: object) -> Part:
    r = np.exp(seq.old) / np.exp(seq.rollout)
    return _with(part, weights=part.weights * np.where((r >= s.low) & (r <= s.high), r, 0))


def _sequence_mask(s: m.SequenceMask, seq: Sequence, part: Part, _: object) -> Part:
    mean = np.prod(np.exp(seq.old) / np.exp(seq.rollout)) ** (1 / len(seq.old))
    return _with(part, weights=part.weights * (s.low <= mean <= s.high))


def _outlier_mask(s: m.OutlierMask, seq: Sequence, part: Part, _: object) -> Part:
    r = np.exp(seq.now) / np.exp(seq.rollout)
    return _with(part, weights=part.weights * (s.low <= r.min() and r.max() <= s.high))


def _off_policy_mask(s: m.OffPolicyMask, seq: Sequence, part: Part, _: object) -> Part:
    away = np.mean(seq.rollout - seq.now) > s.delta
    return _with(part, weights=np.where((part.advantages < 0) & away, 0, part.weights))


def _with(part: Part, *, advantages: Floats | None = None, weights: Floats | None = None) -> Part:
    return Part(
        part.advantages if advantages is None else advantages,
        part.weights if weights is None else weights,
        part.low,
        part.high,
    )


MODIFIERS: dict[type[object], Callable[..., Part]] = {
    m.Reweight: _ar,
    m.Lopti: _lopti,
    m.Steer: _steer,
    m.Dmmpt: _dmmpt,
    m.Hapo: _hapo,
    m.Tis: _tis,
    m.IcePop: _icepop,
    m.SequenceMask: _sequence_mask,
    m.OutlierMask: _outlier_mask,
    m.OffPolicyMask: _off_policy_mask,
}
