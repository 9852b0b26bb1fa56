"""`Pool`: which tasks come next, how they went so far, and groups that wait to be learnt from. A value; saved whole."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from rl_trainer.stages import PoolSettings
from rl_trainer.task import Task
from rl_trainer.trajectory import Group


class Tried(msgspec.Struct, frozen=True):
    """How a task went: runs that were graded, and those that passed."""

    runs: int = 0
    passed: int = 0

    @property
    def share(self) -> float:
        return self.passed / self.runs if self.runs else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """drawn: tasks taken so far in this stage; with the seed it says what comes next. waiting: surplus groups."""

    drawn: int = 0
    tried: Mapping[str, Tried] = field(default_factory=dict[str, Tried])
    waiting: tuple[Group, ...] = ()


def draw(pool: Pool, tasks: Sequence[Task], count: int, seed: str) -> tuple[list[Task], Pool]:
    """The next tasks: every task once in an order of its own for each round, round after round."""
    taken: list[Task] = []
    drawn = pool.drawn
    while len(taken) < count:
        lap, place = divmod(drawn, len(tasks))
        order = list(range(len(tasks)))
        random.Random(f"{seed}/{lap}").shuffle(order)  # noqa: S311 - an order, no secret
        some = order[place : place + count - len(taken)]
        taken += [tasks[number] for number in some]
        drawn += len(some)
    return taken, replace(pool, drawn=drawn)


def noted(pool: Pool, groups: Sequence[Group]) -> Pool:
    """The pool that knows how these groups went; runs whose world broke say nothing."""
    tried = dict(pool.tried)
    for group in groups:
        graded = [each for each in group.trajectories if not each.infra]
        before = tried.get(group.task_id, Tried())
        tried[group.task_id] = Tried(before.runs + len(graded), before.passed + sum(each.passed for each in graded))
    return replace(pool, tried=tried)


def fresh(pool: Pool, iteration: int, carry: int) -> tuple[Group, ...]:
    """The waiting groups that are not older than `carry` iterations, oldest first."""
    return tuple(group for group in pool.waiting if iteration - group.iteration <= carry)


def eligible(tasks: Sequence[Task], pool: Pool, settings: PoolSettings) -> list[Task]:
    """The tasks that a stage draws from, by what earlier stages found."""
    kept: list[Task] = []
    for task in tasks:
        tried = pool.tried.get(task.id, Tried())
        if not tried.runs:
            if settings.untried:
                kept.append(task)
        elif (tried.share < settings.below or settings.below >= 1.0) and (tried.passed or not settings.solved):
            kept.append(task)
    return kept
