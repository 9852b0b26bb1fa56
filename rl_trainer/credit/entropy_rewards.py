"""GTPO and GRPO-S: of a solved run the uncertain steps get more, of a failed one the certain steps lose more."""

import math
from collections.abc import Sequence

import numpy as np

from rl_trainer.credit.credit import Credit, Floats, PerTurn, ones, spread
from rl_trainer.credit.settings import EntropySequences, EntropyTokens
from rl_trainer.credit.statistics import DELTA, deviation, mean, standardised
from rl_trainer.errors import CreditImpossible
from rl_trainer.trajectory import Group, Turn

_LEAST = 1e-6
"""Entropies below it count as this much, so that 1 / H stays finite."""


def entropy_tokens(group: Group, settings: EntropyTokens) -> Credit:
    """r~ = a1 R + a2 d H / sum H for tokens of solved runs, a1 R - a2 h (1/H) / sum(1/H) for those of failed ones.

    Sums are over the runs of the same outcome that have a token at the same place of the same turn; d and h count
    them. A = (r~ - mean) / (std + delta), mean and std over the runs' means, solved and failed ones together: apart, as
    in the paper, each outcome has mean 0, and it is no longer told what is right. R where the paper has 1 and -1, so
    that penalties keep their effect. With a2 = 0 that is GRPO. Nothing is learnt where all rewards are equal, as in
    DAPO. Source: GTPO (arXiv 2508.04349).

    Raises:
        CreditImpossible: the engine gave no entropies.
    """
    _require_entropies(group)
    if _decided(group):
        return _nothing(group)
    shares = _shares(group)
    signed = [1.0 if run.passed else -1.0 for run in group.trajectories]
    shaped = tuple(
        tuple(settings.reward * run.reward + settings.entropy * sign * turn for turn in turns)
        for run, sign, turns in zip(group.trajectories, signed, shares, strict=True)
    )
    means = [mean([float(each) for turn in turns for each in turn]) for turns in shaped]
    centre, scale = mean(means), deviation(means) + DELTA
    return Credit(
        advantages=tuple(tuple((turn - centre) / scale for turn in turns) for turns in shaped), weights=ones(group)
    )


def entropy_sequences(group: Group, settings: EntropySequences) -> Credit:
    """As `entropy_tokens`, with one r~ a run from its mean entropy. Source: GRPO-S (arXiv 2508.04349).

    Raises:
        CreditImpossible: the engine gave no entropies.
    """
    _require_entropies(group)
    if _decided(group):
        return _nothing(group)
    runs = group.trajectories
    entropies = [mean([each for turn in run.turns for each in turn.entropies]) for run in runs]
    shaped = [settings.reward * run.reward for run in runs]
    for solved, sign in ((True, 1.0), (False, -1.0)):
        alike = [member for member, run in enumerate(runs) if run.passed is solved]
        for member, share in zip(alike, _parts([entropies[each] for each in alike], solved=solved), strict=True):
            shaped[member] += settings.entropy * sign * share
    return Credit(advantages=spread(group, standardised(shaped)), weights=ones(group))


def _shares(group: Group) -> PerTurn:
    """By token: its part of what the runs of its outcome have at its place; 1 on average."""
    out = [[np.ones(len(turn.completion)) for turn in run.turns] for run in group.trajectories]
    for solved in (True, False):
        alike = [member for member, run in enumerate(group.trajectories) if run.passed is solved]
        for place in range(max((len(group.trajectories[each].turns) for each in alike), default=0)):
            here = [each for each in alike if place < len(group.trajectories[each].turns)]
            turns = [group.trajectories[each].turns[place] for each in here]
            _fill([out[each][place] for each in here], turns, solved=solved)
    return tuple(tuple(turns) for turns in out)


def _fill(into: list[Floats], turns: list[Turn], *, solved: bool) -> None:
    for place in range(max(len(turn.entropies) for turn in turns)):
        alive = [each for each, turn in enumerate(turns) if place < len(turn.entropies)]
        parts = _parts([turns[each].entropies[place] for each in alive], solved=solved)
        for each, part in zip(alive, parts, strict=True):
            into[each][place] = part


def _parts(entropies: Sequence[float], *, solved: bool) -> list[float]:
    """n H / sum H, or n (1/H) / sum(1/H)."""
    raw = [max(each, _LEAST) if solved else 1.0 / max(each, _LEAST) for each in entropies]
    total = math.fsum(raw)
    return [len(raw) * each / total for each in raw]


def _decided(group: Group) -> bool:
    return not group.rewards or min(group.rewards) == max(group.rewards)


def _nothing(group: Group) -> Credit:
    return Credit(advantages=spread(group, [0.0] * len(group.trajectories)), weights=ones(group))


def _require_entropies(group: Group) -> None:
    for run in group.trajectories:
        for place, turn in enumerate(run.turns):
            if turn.completion and not turn.entropies:
                raise CreditImpossible(
                    f"gtpo and grpo_s need the entropy of each token, and turn {place} of run {run.member} on task "
                    f"{group.task_id!r} has none: use an engine that gives entropies (in_process does)"
                )
