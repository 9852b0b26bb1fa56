"""MOTIF: what a run wrote for its memory is worth what runs that went on from it came to."""

import numpy as np

from agent.llm import Purpose
from rl_trainer.credit.credit import Credit
from rl_trainer.credit.settings import MemoryTurns
from rl_trainer.credit.statistics import standardised
from rl_trainer.errors import CreditImpossible
from rl_trainer.trajectory import Group, Trajectory

MEMORY = (Purpose.SUMMARISE, Purpose.REVISE)


def value_memory(group: Group, credit: Credit, settings: MemoryTurns) -> Credit:
    """A = (v - mean v) / (std v + delta) for turns that summarise or revise; all others keep their advantage.

    v is the mean outcome of K continuations from after the turn (`Turn.value` of the next one), or the run's reward
    where it was the last; the mean is over all such turns of the group. Source: MOTIF (arXiv 2507.02851), whose first
    round is rewarded by the mean accuracy of 4 continuations.

    Raises:
        CreditImpossible: nothing was continued from after such a turn.
    """
    places = [
        (member, place)
        for member, run in enumerate(group.trajectories)
        for place, turn in enumerate(run.turns)
        if turn.purpose in MEMORY
    ]
    worth = standardised([_value_after(group.trajectories[member], place) for member, place in places])
    found = dict(zip(places, worth, strict=True))
    advantages = tuple(
        tuple(
            np.full_like(turn, found[member, place]) if (member, place) in found else turn
            for place, turn in enumerate(turns)
        )
        for member, turns in enumerate(credit.advantages)
    )
    return Credit(advantages=advantages, weights=credit.weights)


def _value_after(run: Trajectory, place: int) -> float:
    if place + 1 == len(run.turns):
        return run.reward
    value = run.turns[place + 1].value
    if value is None:
        raise CreditImpossible(
            f"motif needs runs that were continued from after turn {place} of run {run.member} on task "
            f"{run.task_id!r}, which wrote for its memory: switch on the forks of the rollout, with `every` = 1"
        )
    return value
