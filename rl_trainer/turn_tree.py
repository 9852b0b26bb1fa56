"""The prefix tree of a group: which of its runs are still one and the same run, up to a turn or to a token."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rl_trainer.trajectory import Group, Trajectory

ROOT = 0
NOWHERE = -1
Sameness = Literal["action", "turn"]
"""What makes two turns one: action: the same action after the same observations, whatever was said with it. turn: the
same ids were written to the same prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A prefix. parent: -1 for the root. depth: its number of turns. members: whose runs begin with it, ascending."""

    parent: int
    depth: int
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTree:
    """nodes[0] is the root, a parent stands before its children. paths: by member, the node after each of its turns."""

    nodes: tuple[Node, ...]
    paths: tuple[tuple[int, ...], ...]

    def shared(self, member: int, turn: int) -> int:
        """How many members' runs are the same up to and with this turn; |lambda|."""
        return len(self.nodes[self.paths[member][turn]].members)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTree:
    """Prefixes by token. members: by node, who passed. paths: by member and turn, int64[sampled ids + 1].

    The first entry of a path is the node of the prompt, entry k + 1 the node after the sampled id k.
    """

    members: tuple[tuple[int, ...], ...]
    paths: tuple[tuple[NDArray[np.int64], ...], ...]


def turn_tree(group: Group, same: Sameness = "action") -> TurnTree:
    """The tree of the group's turns."""
    keys = _action_keys if same == "action" else _turn_keys
    return tree_of([keys(trajectory) for trajectory in group.trajectories])


def tree_of(sequences: Sequence[Sequence[Hashable]]) -> TurnTree:
    """The prefix tree of sequences: two of them share a node as long as all their keys so far are equal.

    Example:
        tree_of(["ab", "ac"]).nodes  # the root and "a" with members (0, 1), "ab" with (0,), "ac" with (1,)
    """
    children: dict[tuple[int, Hashable], int] = {}
    parents, depths = [-1], [0]
    members: list[list[int]] = [list(range(len(sequences)))]
    paths: list[tuple[int, ...]] = []
    for member, sequence in enumerate(sequences):
        at, path = ROOT, list[int]()
        for depth, key in enumerate(sequence, start=1):
            found = children.get((at, key))
            if found is None:
                found = children[at, key] = len(members)
                parents.append(at)
                depths.append(depth)
                members.append([])
            members[found].append(member)
            path.append(found)
            at = found
        paths.append(tuple(path))
    nodes = (Node(parent=p, depth=d, members=tuple(m)) for p, d, m in zip(parents, depths, members, strict=True))
    return TurnTree(nodes=tuple(nodes), paths=tuple(paths))


def token_tree(group: Group) -> TokenTree:
    """The tree of the group's sampled ids. Prompts hold all that came before, so equal prompts are equal histories."""
    prompts: dict[tuple[int, tuple[int, ...]], int] = {}
    children: dict[tuple[int, int], int] = {}
    members: list[set[int]] = []

    def enter(place: int | None, member: int) -> int:
        if place is None:
            place = len(members)
            members.append(set())
        members[place].add(member)
        return place

    paths: list[tuple[NDArray[np.int64], ...]] = []
    for member, trajectory in enumerate(group.trajectories):
        turns: list[NDArray[np.int64]] = []
        for turn, new in zip(trajectory.turns, _new_ids(trajectory), strict=True):
            start = (int(turns[turn.parent][-1]) if turn.parent >= 0 else NOWHERE, new)
            at = prompts[start] = enter(prompts.get(start), member)
            path = [at]
            for each in turn.completion:
                child = children[at, each] = enter(children.get((at, each)), member)
                path.append(child)
                at = child
            turns.append(np.array(path, dtype=np.int64))
        paths.append(tuple(turns))
    return TokenTree(members=tuple(tuple(sorted(each)) for each in members), paths=tuple(paths))


def _action_keys(trajectory: Trajectory) -> list[Hashable]:
    """What was seen last and then done; where no action could be read, the ids stand for it."""
    seen = ("", *trajectory.observations)
    return [
        (turn.purpose, seen[place] if place < len(seen) else "", turn.action or turn.completion)
        for place, turn in enumerate(trajectory.turns)
    ]


def _turn_keys(trajectory: Trajectory) -> list[Hashable]:
    return [
        (turn.parent, new, turn.completion) for turn, new in zip(trajectory.turns, _new_ids(trajectory), strict=True)
    ]


def _new_ids(trajectory: Trajectory) -> list[tuple[int, ...]]:
    """By turn: the prompt without what its parent had already: the rest is the same wherever the parent is."""
    out: list[tuple[int, ...]] = []
    for turn in trajectory.turns:
        known = 0
        if turn.parent >= 0:
            parent = trajectory.turns[turn.parent]
            known = len(parent.prompt) + len(parent.completion)
        out.append(turn.prompt[known:])
    return out
