"""`open_ahead`: rollouts that go on while the trainer learns."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import TypeVar

from rl_trainer.fleet.backlog import Backlog
from rl_trainer.trajectory import Group

T = TypeVar("T")


@asynccontextmanager
async def open_ahead(
    jobs: Iterable[T], roll: Callable[[T], Awaitable[Group]], backlog: Backlog, *, lanes: int
) -> AsyncGenerator[None]:
    """Make a group of each job, `lanes` of them at once, as far ahead as the backlog allows; take them from there.

    Jobs are drawn when they are begun, so that they may depend on what was learnt by then. A failing rollout ends all:
    it is raised where groups are taken.

    Example:
        async with open_ahead(tasks, roll, backlog, lanes=16):
            groups = await backlog.take(8)
            ...  # learn, put the new weights on the engine
            await backlog.advance(version)
    """
    drawn = iter(jobs)
    rolling = [asyncio.create_task(_roll(drawn, roll, backlog)) for _ in range(lanes)]
    ending = asyncio.create_task(_end(rolling, backlog))
    try:
        yield
    finally:
        for task in (*rolling, ending):
            task.cancel()
        await asyncio.gather(*rolling, ending, return_exceptions=True)


async def _roll(jobs: Iterator[T], roll: Callable[[T], Awaitable[Group]], backlog: Backlog) -> None:
    while True:
        await backlog.begin()
        try:
            job = next(jobs)
        except StopIteration:
            await backlog.give_up()
            return
        try:
            group = await roll(job)
        except Exception as error:  # noqa: BLE001 - told where groups are taken
            await backlog.end(error)
            return
        await backlog.put(group)


async def _end(rolling: list["asyncio.Task[None]"], backlog: Backlog) -> None:
    """When no lane has anything left to do, whoever waits for groups is told."""
    await asyncio.gather(*rolling)
    await backlog.end()
