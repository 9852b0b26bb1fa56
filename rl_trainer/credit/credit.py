"""`Credit`: what each sampled token of a group is worth, and the protocol of what works that out."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rl_trainer.trajectory import Group

Floats = NDArray[np.float64]
PerTurn = tuple[tuple[Floats, ...], ...]
"""By member, by turn: float64[number of sampled ids of that turn]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """advantages: signed. weights: what the token's loss is multiplied with, 1 unless a variant says otherwise.

    informative: whether there is anything to learn; a group all of whose advantages are 0 is dropped.
    """

    advantages: PerTurn
    weights: PerTurn

    @property
    def informative(self) -> bool:
        return any(bool(np.any(turn != 0)) for member in self.advantages for turn in member)


class Estimator(Protocol):
    """From a group to its credit; pure."""

    def __call__(self, group: Group) -> Credit: ...


class Modifier(Protocol):
    """From a credit to another, with the group at hand; pure."""

    def __call__(self, group: Group, credit: Credit) -> Credit: ...


def spread(group: Group, values: list[list[float]] | list[float]) -> PerTurn:
    """A value a turn, or a value a member, written to each of its tokens.

    Example:
        spread(group, [1.0, -1.0])  # two members; every token of the first has 1, of the second -1
    """
    out: list[tuple[Floats, ...]] = []
    for trajectory, value in zip(group.trajectories, values, strict=True):
        each = value if isinstance(value, list) else [value] * len(trajectory.turns)
        out.append(tuple(np.full(len(turn.completion), of) for turn, of in zip(trajectory.turns, each, strict=True)))
    return tuple(out)


def ones(group: Group) -> PerTurn:
    """A weight of 1 for every token."""
    return spread(group, [1.0] * len(group.trajectories))
