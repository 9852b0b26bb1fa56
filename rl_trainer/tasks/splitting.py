"""Splits: tasks shared out by a hash of their group, so that no exercise stands on both sides."""

import hashlib
from collections.abc import Collection, Iterable, Mapping

from rl_trainer.task import Task

HELD_OUT = "held_out_kinds"


def split(
    tasks: Iterable[Task], *, seed: int = 0, shares: Mapping[str, float], held_out: Collection[str] = ()
) -> dict[str, list[Task]]:
    """The tasks of each part; the shares are of groups, and need not sum to 1 (what is over belongs to no part).

    Where a group falls depends on its name and the seed alone: more tasks later move none of those before. held_out:
    kinds that are in no part but in one of their own, "held_out_kinds", if their group is not in the first part
    either, which is the one that is learnt from; otherwise they are in none.

    Example:
        split(tasks, shares={"train": 0.8, "test": 0.2}, held_out=["and_or"])
    """
    if any(share < 0 for share in shares.values()) or sum(shares.values()) > 1 + 1e-9:
        raise ValueError(f"shares are from 0 to 1 together; these are {dict(shares)}")
    parts: dict[str, list[Task]] = {name: [] for name in shares}
    if held_out:
        parts[HELD_OUT] = []
    for task in tasks:
        name = _part(task.group or task.id, seed, shares)
        if task.kind in held_out:
            if name != next(iter(shares), ""):
                parts[HELD_OUT].append(task)
        elif name:
            parts[name].append(task)
    return parts


def _part(group: str, seed: int, shares: Mapping[str, float]) -> str:
    digest = hashlib.sha256(f"{seed}\0{group}".encode()).digest()
    drawn, below = int.from_bytes(digest[:8]) / 2**64, 0.0
    for name, share in shares.items():
        below += share
        if drawn < below:
            return name
    return ""
