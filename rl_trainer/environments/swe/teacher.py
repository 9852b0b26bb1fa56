"""`demonstrations`: runs of a scripted expert that knows the right files and goes its way through the real tools.

It is for training tasks, to begin with where a model never succeeds: rejection fine-tuning needs runs that passed.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import msgspec

from agent.message import Message
from rl_trainer.environments.swe.lesson import lesson
from rl_trainer.errors import RecipeWrong
from rl_trainer.policy import Sampling, Written
from rl_trainer.rollout import Rig, roll_one
from rl_trainer.task import Task
from rl_trainer.trajectory import Group, Trajectory


@runtime_checkable
class WritesActions(Protocol):
    """A renderer that has canonical ids for what was said (`ChatRenderer`)."""

    def completion(self, message: Message) -> list[int]: ...


class Teacher:
    """A `rl_trainer.policy.Policy` for one run: says its lesson, one action a turn.

    Where it stands it reads off the prompt: how many of its actions are in it, in their order.
    """

    def __init__(self, said: Sequence[Message], renderer: WritesActions) -> None:
        self._actions = [tuple(renderer.completion(message)) for message in said]

    @property
    def id(self) -> str:
        return "swe-teacher"

    @property
    def version(self) -> int:
        return 0

    async def effective(self) -> Sampling:
        return Sampling()

    async def complete(self, prompt: Sequence[int], *, sampling: Sampling, seed: int) -> Written:
        """Nothing is drawn from a distribution over ids: the log-probabilities are zeros."""
        del sampling, seed
        prompt, at = tuple(prompt), 0
        for ids in self._actions[:-1]:
            found = _find(prompt, ids, at)
            if found < 0:
                break
            at = found + len(ids)
        else:
            ids = self._actions[-1]
        return Written(ids=ids, logprobs=(0.0,) * len(ids), finish="stop", version=0)


async def demonstrations(
    tasks: Sequence[Task], rig: Rig, *, seed: str, share_right: float, each: int = 1
) -> list[Group]:
    """A group for each task that has right files, with `each` runs of it, graded as any other run.

    share_right: how often the first edit is right; after a wrong one the tests fail, and it is mended. The fact
    `scripted` marks the runs: their log-probabilities are no sampler's.

    Raises:
        RecipeWrong: no task has right files, or the renderer cannot write what a teacher says.
    """
    renderer = rig.renderer
    if not isinstance(renderer, WritesActions):
        raise RecipeWrong(f"{type(renderer).__name__} has no canonical ids for actions: a teacher cannot speak it")
    gate = asyncio.Semaphore(rig.settings.concurrency)
    drawn = {
        (task.id, member): lesson(task, f"{seed}/{task.id}/{member}", share_right, turns=rig.settings.turns)
        for task in tasks
        for member in range(each)
    }

    async def run(task: Task, member: int) -> Trajectory:
        async with gate:
            own = replace(rig, policy=Teacher(drawn[task.id, member], renderer))
            made = (await roll_one(task, member, own, seed=seed)).trajectory
        return msgspec.structs.replace(made, facts={**made.facts, "scripted": 1.0})

    taught = [task for task in tasks if all(drawn[task.id, member] for member in range(each))]
    if not taught:
        raise RecipeWrong(f"none of the {len(tasks)} tasks has the right content of its files: there is no expert")
    async with asyncio.TaskGroup() as group:
        runs = [[group.create_task(run(task, member)) for member in range(each)] for task in taught]
    return [
        Group(task_id=task.id, trajectories=tuple(run.result() for run in some))
        for task, some in zip(taught, runs, strict=True)
    ]


def _find(ids: tuple[int, ...], part: tuple[int, ...], start: int) -> int:
    """Where a part begins, from `start` on; -1 for nowhere."""
    first, size = part[0], len(part)
    for at in range(start, len(ids) - size + 1):
        if ids[at] == first and ids[at : at + size] == part:
            return at
    return -1
