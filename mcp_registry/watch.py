"""Keeping current while something runs: notices of change, other processes' changes, and with `watch` every server."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from mcp_registry.registry import Registry
from mcp_registry.sync import Done

_SETTLE_S = 0.2
"""Notices come in bursts: a look waits so long for the others."""


class Looks:
    """Names of servers to look at again. However often a server is named, it is looked at once, then can be again."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._any = asyncio.Event()

    def add(self, name: str) -> None:
        """Ask for a look. May be called from any callback of the event loop."""
        self._names[name] = None
        self._any.set()

    async def next(self, *, within_s: float) -> list[str]:
        """All servers asked for since the last time; waits for one, at most so long, and may be empty."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._any.wait(), within_s)
        names = list(self._names)
        self._names.clear()
        self._any.clear()
        return names


@asynccontextmanager
async def keep_current(
    registry: Registry, looks: Looks, *, watch: bool, done: Done | None = None
) -> AsyncGenerator[None]:
    """While inside: notices of change are followed, other processes' changes are seen, and with `watch` every server
    is kept connected and asked again every `sync.interval_s`. A failure in here ends the block: nothing dies quietly.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_follow_notices(registry, looks, done))]
        if watch:
            tasks.append(group.create_task(_watch_all(registry, looks)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _follow_notices(registry: Registry, looks: Looks, done: Done | None) -> None:
    """Look at each server that asks for it, several at once and none twice at once; see other processes' changes."""
    places = asyncio.Semaphore(registry.settings.sync.at_once)
    looking: set[str] = set()
    again: set[str] = set()

    async def look(name: str) -> None:
        await asyncio.sleep(_SETTLE_S)
        async with places:
            outcome = await registry.look_again(name)
        looking.discard(name)
        if name in again:
            again.discard(name)
            looks.add(name)
        if outcome is not None and done is not None:
            done(outcome)

    async with asyncio.TaskGroup() as group:
        while True:
            names = await looks.next(within_s=registry.settings.gateway.refresh_s)
            registry.forget()  # another process may have changed how a server is reached
            again.update(looking.intersection(names))
            for name in set(names) - looking:
                looking.add(name)
                group.create_task(look(name))
            if await asyncio.to_thread(registry.catalogue.generation) != registry.index.generation:
                await registry.reconcile()


async def _watch_all(registry: Registry, looks: Looks) -> None:
    """Keep every server open, so that its notices are heard; look at new ones at once, and at all now and then."""
    clock = asyncio.get_running_loop().time
    watched: set[str] = set()
    due = clock() + registry.settings.sync.interval_s
    while True:
        names = await asyncio.to_thread(registry.catalogue.startable)
        for name in watched - names:
            await registry.sessions.close(name)
        for name in names - watched:
            record = await registry.server(name)
            if record is not None and record.spec is not None:
                await registry.sessions.watch(record.spec)
                looks.add(name)
        watched = names
        if clock() >= due:
            due = clock() + registry.settings.sync.interval_s
            for name in watched:
                looks.add(name)
        await asyncio.sleep(registry.settings.gateway.refresh_s)
