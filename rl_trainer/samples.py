"""From trajectories to samples: every sampled id is learnt from once, in the sequence that it was sampled in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rl_trainer.credit.credit import Credit
from rl_trainer.sample import Sample
from rl_trainer.trajectory import Group, Trajectory, Turn


@dataclass(slots=True)
class _Sequence:
    """A branch that grows: what stands in it so far, and the turns whose ids it has."""

    ids: tuple[int, ...]
    spans: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """(turn, where its first sampled id stands)."""


def branches(turns: Sequence[Turn]) -> list[_Sequence]:
    """The sequences that the turns make: a turn goes on from the longest that its prompt begins with.

    A prompt that was not only appended to (a mistake that the history forgot, memory written anew) begins another;
    what it shares with earlier ones stands in it as context, and is not learnt from again.
    """
    open_: list[_Sequence] = []
    for place, turn in enumerate(turns):
        found = [each for each in open_ if turn.prompt[: len(each.ids)] == each.ids]
        best = max(found, key=lambda each: len(each.ids), default=None)
        if best is None:
            best = _Sequence(ids=())
            open_.append(best)
        best.spans.append((place, len(turn.prompt)))
        best.ids = turn.prompt + turn.completion
    return open_


def samples_of(
    trajectory: Trajectory,
    advantages: Sequence[NDArray[np.floating]],
    weights: Sequence[NDArray[np.floating]],
    *,
    number: int = 0,
    skip: frozenset[int] = frozenset(),
) -> list[Sample]:
    """The samples of one trajectory; advantages and weights by turn, one value a sampled id. `skip`: turns to mask."""
    out: list[Sample] = []
    for branch in branches(trajectory.turns):
        length = len(branch.ids)
        logprobs, worth, weight = (np.zeros(length, np.float32) for _ in range(3))
        mask, turns = np.zeros(length, np.bool_), np.full(length, -1, np.int32)
        versions = np.zeros(length, np.int32)
        for place, start in branch.spans:
            turn = trajectory.turns[place]
            at = slice(start, start + len(turn.completion))
            if place in skip or start == 0:
                continue
            mask[at], turns[at] = True, place
            versions[at] = turn.versions or turn.version
            logprobs[at], worth[at], weight[at] = turn.logprobs, advantages[place], weights[place]
        if mask.any():
            ids = np.asarray(branch.ids, np.int64)
            out.append(
                Sample(
                    ids=ids,
                    mask=mask,
                    turns=turns,
                    versions=versions,
                    trajectory=number,
                    task_id=trajectory.task_id,
                    logprobs=logprobs,
                    advantages=worth,
                    weights=weight,
                )
            )
    return out


def samples_of_group(group: Group, credit: Credit, *, first: int = 0) -> list[Sample]:
    """The samples of a group with its credit; trajectories are numbered from `first`. Runs whose world broke give none.

    Tokens without an advantage stay: they count in the denominator of a token mean.
    """
    out: list[Sample] = []
    for place, trajectory in enumerate(group.trajectories):
        if not trajectory.infra and trajectory.turns:
            out += samples_of(trajectory, credit.advantages[place], credit.weights[place], number=first + place)
    return out


def imitation_samples(trajectories: Iterable[Trajectory], *, mask_malformed: bool = True) -> list[Sample]:
    """Samples that teach what was done: advantage and weight 1. Turns that provoked a format error are masked (RFT)."""
    out: list[Sample] = []
    for number, trajectory in enumerate(trajectories):
        skip = frozenset(place for place, turn in enumerate(trajectory.turns) if turn.malformed and mask_malformed)
        ones = [np.ones(len(turn.completion), np.float32) for turn in trajectory.turns]
        out += samples_of(trajectory, ones, ones, number=number, skip=skip)
    return out
