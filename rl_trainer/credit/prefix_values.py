"""TEMPO: what a step changed in the mean outcome of those who came this way, on top of the run's own outcome."""

from typing import Literal

import numpy as np

from rl_trainer.credit.credit import Credit, Floats, PerTurn, ones, spread
from rl_trainer.credit.settings import PrefixValues
from rl_trainer.credit.statistics import DELTA, centred, deviation, mean
from rl_trainer.trajectory import Group
from rl_trainer.turn_tree import ROOT, token_tree, turn_tree


def prefix_values(group: Group, settings: PrefixValues) -> Credit:
    """A_{i,j} = [(R_i - mean R) + (V(s_{j+1}) - V(s_j))] / (std R + delta), V(s) the mean R of those who passed s.

    Source: TEMPO / P2T (arXiv 2509.18314), there with prefixes by token; turns share far more of them. Where nothing
    branches off V stays, and the advantage is the group's. root: whether the first branch, off the task itself, counts
    too; for a run that is alone from its first step on, that is its whole outcome once more, so that without it unique
    runs have exactly the group's advantages.
    """
    if settings.level == "token":
        values = _by_token(group, root=settings.root)
    else:
        values = _by_turn(group, settings.level, root=settings.root)
    scale = deviation(group.rewards) + DELTA
    base = spread(group, centred(group.rewards))
    advantages = tuple(
        tuple((whole + change) / scale for whole, change in zip(one, other, strict=True))
        for one, other in zip(base, values, strict=True)
    )
    return Credit(advantages=advantages, weights=ones(group))


def _by_turn(group: Group, level: Literal["turn", "action"], *, root: bool) -> PerTurn:
    tree = turn_tree(group, level)
    value = [_value(group, node.members) for node in tree.nodes]
    changes = [0.0 if node.parent < 0 else value[place] - value[node.parent] for place, node in enumerate(tree.nodes)]
    if not root:
        changes = [0.0 if node.parent == ROOT else changes[place] for place, node in enumerate(tree.nodes)]
    return spread(group, [[changes[node] for node in path] for path in tree.paths])


def _by_token(group: Group, *, root: bool) -> PerTurn:
    tree = token_tree(group)
    value: Floats = np.array([_value(group, each) for each in tree.members], dtype=np.float64)
    changes = tuple(tuple(np.diff(value[path]) for path in member) for member in tree.paths)
    if not root:
        for member in changes:
            if member:
                member[0][:1] = 0.0
    return changes


def _value(group: Group, members: tuple[int, ...]) -> float:
    return mean([group.rewards[member] for member in members])
