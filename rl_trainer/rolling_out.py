"""Who makes the groups of an iteration: this process, or a fleet of workers; in turns with learning, or ahead of it."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from rl_trainer.fleet.ahead import open_ahead
from rl_trainer.fleet.backlog import Backlog
from rl_trainer.fleet.fleet import Fleet
from rl_trainer.fleet.rolling import WORK, RollJob, roll_on
from rl_trainer.pool import Pool, draw
from rl_trainer.recipe import Recipe
from rl_trainer.rollout import Rig, Told, roll_groups
from rl_trainer.stages import DapoStage
from rl_trainer.task import Task
from rl_trainer.trajectory import Group


class Roll(Protocol):
    """Rolls tasks out; groups in their order."""

    async def __call__(self, tasks: Sequence[Task], *, seed: str, iteration: int) -> list[Group]: ...


def here(rig: Rig, told: Told | None = None) -> Roll:
    """Rollouts in this process."""

    async def roll(tasks: Sequence[Task], *, seed: str, iteration: int) -> list[Group]:
        return await roll_groups(tasks, rig, seed=seed, iteration=iteration, told=told)

    return roll


def elsewhere(fleet: Fleet, recipe: Recipe, told: Told | None = None) -> Roll:
    """Rollouts by the workers of a fleet, a group a job; `recipe` is the stage's own."""

    async def one(task: Task, seed: str, iteration: int) -> Group:
        group = await roll_on(fleet, RollJob(recipe=recipe, task=task, seed=seed, iteration=iteration))
        for each in group.trajectories:
            if told is not None:
                told(each)
        return group

    async def roll(tasks: Sequence[Task], *, seed: str, iteration: int) -> list[Group]:
        async with asyncio.TaskGroup() as jobs:
            rolling = [jobs.create_task(one(task, seed, iteration)) for task in tasks]
        return [each.result() for each in rolling]

    return roll


@asynccontextmanager
async def open_fleet(recipe: Recipe) -> AsyncGenerator[Fleet | None]:
    """The fleet that a recipe names, or none.

    Raises:
        TrainingToolsMissing: Ray is named and not installed.
    """
    settings = recipe.engine.fleet
    if settings is None:
        yield None
    elif recipe.engine.ray:
        from rl_trainer.fleet.ray_fleet import open_ray_fleet

        async with open_ray_fleet(WORK, settings) as fleet:
            yield fleet
    else:
        from rl_trainer.fleet.local import open_local_fleet

        async with open_local_fleet(WORK, settings) as fleet:
            yield fleet


@dataclass(slots=True)
class _Drawing:
    """Draws tasks one by one, for as long as anybody asks."""

    pool: Pool
    tasks: Sequence[Task]
    seed: str

    def __iter__(self) -> Iterator[tuple[Task, str]]:
        number = 0
        while True:
            (task,), self.pool = draw(self.pool, self.tasks, 1, self.seed)
            yield task, f"{self.seed}/ahead/{self.pool.drawn}/{number}"
            number += 1


class Ahead:
    """Rollouts that go on while the trainer learns: a `Roll` that gives groups in the order in which they end.

    Groups that are older than the bound when they are taken are dropped; `dropped` counts them.
    """

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog

    @property
    def dropped(self) -> int:
        return self._backlog.dropped

    async def take(self, many: int) -> list[Group]:
        """The next groups that are fresh enough."""
        return await self._backlog.take(many)

    async def discard(self, many: int) -> None:
        """So many of those taken taught nothing."""
        await self._backlog.discard(many)

    async def advance(self, version: int) -> None:
        """The engine has new weights."""
        await self._backlog.advance(version)


@asynccontextmanager
async def open_rolling_ahead(
    stage: DapoStage, recipe: Recipe, roll: Roll, pool: Pool, at: tuple[Sequence[Task], str, int]
) -> AsyncGenerator[Ahead | None]:
    """Rollouts ahead of the trainer where the recipe asks for them; at: the tasks, the seed, the policy's version."""
    if recipe.engine.ahead is None:
        yield None
        return
    tasks, seed, version = at
    backlog = Backlog(groups=stage.problems, ahead=recipe.engine.ahead, version=version)

    async def one(job: tuple[Task, str]) -> Group:
        (group,) = await roll([job[0]], seed=job[1], iteration=0)
        return group

    lanes = max(1, recipe.rollout.concurrency // recipe.rollout.group)
    async with open_ahead(_Drawing(pool, tasks, f"{seed}/{stage.name}"), one, backlog, lanes=lanes):
        yield Ahead(backlog)
