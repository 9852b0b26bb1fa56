"""SPO: a segment of turns is worth what it changed in the chance of success, as continued runs showed it."""

import numpy as np

from rl_trainer.credit.credit import Credit, ones, spread
from rl_trainer.credit.settings import ProbabilityMask, Segments
from rl_trainer.errors import CreditImpossible
from rl_trainer.trajectory import Group, Trajectory


def segment_values(group: Group, settings: Segments) -> Credit:
    """A_k = V_{k+1} - V_k for every turn of segment k: V_k is the value of the state before it, V at the end is R.

    Source: SPO-chain (arXiv 2505.23564), there with cuts at uncertain tokens; here at turns. Over a run the segments'
    advantages sum to R - V_0.

    Raises:
        CreditImpossible: a turn that begins a segment was not valued.
    """
    return Credit(
        advantages=spread(group, [_changes(run, settings.every) for run in group.trajectories]), weights=ones(group)
    )


def mask_probable(group: Group, credit: Credit, settings: ProbabilityMask) -> Credit:
    """w = 0 where pi_old >= below: tokens that were as good as certain took no decision. Source: as above."""
    weights = tuple(
        tuple(
            weight * (np.exp(np.array(turn.logprobs, dtype=np.float64)) < settings.below)
            for turn, weight in zip(run.turns, member, strict=True)
        )
        for run, member in zip(group.trajectories, credit.weights, strict=True)
    )
    return Credit(advantages=credit.advantages, weights=weights)


def _changes(run: Trajectory, every: int) -> list[float]:
    values = [_value(run, place) for place in range(0, len(run.turns), every)]
    changes = (
        [after - before for before, after in zip(values, [*values[1:], run.reward], strict=True)] if values else []
    )
    return [changes[place // every] for place in range(len(run.turns))]


def _value(run: Trajectory, place: int) -> float:
    value = run.turns[place].value
    if value is None:
        raise CreditImpossible(
            f"spo needs the value of the state before turn {place} of run {run.member} on task {run.task_id!r}, and "
            "nothing was continued from there: switch on the forks of the rollout with the same `every`, in an "
            "environment whose worlds can be forked"
        )
    return value
