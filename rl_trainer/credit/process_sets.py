"""lambda-GRPO: a step that several siblings share is counted once, not once for each of them."""

from typing import Literal

import numpy as np

from rl_trainer.credit.credit import Credit, Floats, PerTurn, spread
from rl_trainer.credit.settings import SharedPrefixes
from rl_trainer.trajectory import Group
from rl_trainer.turn_tree import token_tree, turn_tree


def share_weights(group: Group, credit: Credit, settings: SharedPrefixes) -> Credit:
    """w_{i,t} = 1 / |lambda(i,t)|, lambda(i,t) being the members that share the prefix through token t.

    Denominators stay as they are. Source: "GRPO is secretly a process reward model" (arXiv 2509.21154). level: token
    is the paper's; turn counts turns that were written alike as a whole; action counts the same actions after the same
    observations, whatever was thought on the way.
    """
    shares = _by_token(group) if settings.level == "token" else _by_turn(group, settings.level)
    weights = tuple(
        tuple(weight * share for weight, share in zip(old, new, strict=True))
        for old, new in zip(credit.weights, shares, strict=True)
    )
    return Credit(advantages=credit.advantages, weights=weights)


def _by_token(group: Group) -> PerTurn:
    tree = token_tree(group)
    share: Floats = 1.0 / np.array([len(each) for each in tree.members] or [1], dtype=np.float64)
    return tuple(tuple(share[path[1:]] for path in member) for member in tree.paths)


def _by_turn(group: Group, level: Literal["turn", "action"]) -> PerTurn:
    tree = turn_tree(group, level)
    return spread(group, [[1.0 / len(tree.nodes[node].members) for node in path] for path in tree.paths])
