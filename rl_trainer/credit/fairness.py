"""Runs that failed with their world are no evidence: every estimator works on the others alone."""

from collections.abc import Sequence

import msgspec
import numpy as np

from rl_trainer.credit.credit import Credit, Estimator, Modifier, PerTurn
from rl_trainer.trajectory import Group


def without_failed_worlds(estimator: Estimator, modifiers: Sequence[Modifier] = ()) -> Estimator:
    """The estimator and then the modifiers, blind to members with `infra`; these get advantages and weights of 0."""

    def estimate(group: Group) -> Credit:
        living = [place for place, each in enumerate(group.trajectories) if not each.infra]
        sound = msgspec.structs.replace(group, trajectories=tuple(group.trajectories[place] for place in living))
        credit = estimator(sound)
        for modifier in modifiers:
            credit = modifier(sound, credit)
        return Credit(
            advantages=_put_back(group, living, credit.advantages),
            weights=_put_back(group, living, credit.weights),
        )

    return estimate


def _put_back(group: Group, living: list[int], values: PerTurn) -> PerTurn:
    found = dict(zip(living, values, strict=True))
    return tuple(
        found[place] if place in found else tuple(np.zeros(len(turn.completion)) for turn in each.turns)
        for place, each in enumerate(group.trajectories)
    )
