"""Rollouts as jobs of a fleet: a worker opens worlds and sandboxes of its own, and asks the one engine for its words.

So sandboxes spread over nodes with the workers, and only tasks and groups travel, as msgpack.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from rl_trainer.errors import RecipeWrong
from rl_trainer.fleet.fleet import Fleet
from rl_trainer.fleet.work import Work
from rl_trainer.opened import environments_for, renderer_of, rig_of
from rl_trainer.policies.continuing import Continuing
from rl_trainer.policies.vllm_server import open_vllm_server
from rl_trainer.policies.vllm_settings import VllmSettings
from rl_trainer.recipe import Recipe
from rl_trainer.rollout import Rig, roll_groups
from rl_trainer.task import Task
from rl_trainer.trajectory import Group

WORK = "rl_trainer.fleet.rolling:rolling"
"""What a fleet for rollouts is opened with."""


class RollJob(msgspec.Struct, frozen=True, kw_only=True):
    """A group to roll out. recipe: as the stage has it (`of_stage`). seed, iteration: as `roll_groups` takes them."""

    recipe: Recipe
    task: Task
    seed: str
    iteration: int = 0


async def roll_on(fleet: Fleet, job: RollJob) -> Group:
    """The group, from whichever worker has a free lane; the same as `roll_groups` makes of that engine in this process.

    Raises:
        WorkerFailed: the rollout raised, or its workers keep dying.
    """
    return msgspec.msgpack.decode(await fleet.run(msgspec.msgpack.encode(job)), type=Group)


@asynccontextmanager
async def rolling() -> AsyncGenerator[Work]:
    """The work of a worker for rollouts; what it has open serves all of its jobs."""
    rigs: dict[tuple[str, str], Rig] = {}
    opening, closing = asyncio.Lock(), asyncio.Event()
    async with asyncio.TaskGroup() as owners:

        async def roll(payload: bytes) -> bytes:
            job = msgspec.msgpack.decode(payload, type=RollJob)
            key = (msgspec.json.encode(job.recipe).decode(), job.task.environment)
            async with opening:
                if key not in rigs:
                    opened: asyncio.Future[Rig] = asyncio.get_running_loop().create_future()
                    owners.create_task(_hold(job, opened, closing))
                    rigs[key] = await opened
            (group,) = await roll_groups([job.task], rigs[key], seed=job.seed, iteration=job.iteration)
            return msgspec.msgpack.encode(group)

        yield roll
        closing.set()


async def _hold(job: RollJob, opened: asyncio.Future[Rig], closing: asyncio.Event) -> None:
    """Open worlds and engine, and close them again in the same task: jobs come and go."""
    try:
        async with _open_rig(job) as rig:
            opened.set_result(rig)
            await closing.wait()
    except Exception as error:  # whatever opening raises is told to the job that needed it; the next one tries again
        if opened.done():
            raise
        opened.set_exception(error)


@asynccontextmanager
async def _open_rig(job: RollJob) -> AsyncGenerator[Rig]:
    recipe = job.recipe
    if recipe.engine.kind != "vllm":
        raise RecipeWrong(f"engine.kind {recipe.engine.kind!r} samples in the trainer's process; workers need a server")
    renderer, _ = renderer_of(recipe, [job.task])
    settings = VllmSettings(url=recipe.engine.url, shared=True)
    async with open_vllm_server(settings) as server, AsyncExitStack() as stack:
        environments = await environments_for([job.task], recipe, stack)
        yield rig_of(recipe, environments, Continuing(server), renderer)
