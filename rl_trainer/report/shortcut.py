"""`shortcut_of`: whether a curve that no longer rises stands at the share of some kinds of task.

A policy that learns to do one thing whatever the task solves the tasks of one kind, and no other; its curve rises and
then stands at that kind's share. Read as one number that looks like learning.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, variance

import msgspec

from rl_trainer.run_folder import Record

_LEAST = 8
"""Iterations before anything is said."""
_FLAT = 0.03
_SOLVED, _UNSOLVED = 0.75, 0.25


class Shortcut(msgspec.Struct, frozen=True, kw_only=True):
    """Success has stood at `success` for `iterations`. solved and unsolved: success by kind, no kind lies between."""

    success: float
    iterations: int
    solved: dict[str, float]
    unsolved: dict[str, float]


def shortcut_of(records: Sequence[Record]) -> Shortcut | None:
    """The shortcut that the last half of the iterations looks like; None where it does not.

    Example:
        shortcut_of(records)  # success has stood at 0.39; solved {"condition": 0.98}, unsolved {"init": 0.02, ...}
    """
    every = [each for each in records if each.kind == "iteration" and "rollout/success" in each.values]
    if len(every) < _LEAST:
        return None
    late = [each for each in every if each.stage == every[-1].stage][-(len(every) // 2) :]
    success = [each.values["rollout/success"] for each in late]
    if len(late) < _LEAST // 2 or not is_flat(success):
        return None
    kinds = {name for each in late for name in each.values if name.startswith("success/")}
    means = {
        name.removeprefix("success/"): fmean(each.values[name] for each in late if name in each.values)
        for name in sorted(kinds)
    }
    solved = {name: value for name, value in means.items() if value >= _SOLVED}
    unsolved = {name: value for name, value in means.items() if value <= _UNSOLVED}
    if not solved or not unsolved or len(solved) + len(unsolved) < len(means):
        return None
    return Shortcut(success=fmean(success), iterations=len(late), solved=solved, unsolved=unsolved)


def is_flat(values: Sequence[float]) -> bool:
    """Whether the second half is no higher than the first, beyond 3 points or two standard errors."""
    half = len(values) // 2
    first, second = values[:half], values[-half:]
    noise = sqrt((variance(first) + variance(second)) / half) if half > 1 else 0.0
    return abs(fmean(second) - fmean(first)) <= max(_FLAT, 2 * noise)
