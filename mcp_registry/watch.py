"""Keeping current while something runs: notices of change, other processes' changes, and with `watch` every server."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from mcp_registry.registry import Registry
from mcp_registry.sync import Done


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
            tasks.append(group.create_task(_watch_all(registry, done)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _follow_notices(registry: Registry, looks: Looks, done: Done | None) -> None:
    while True:
        names = await looks.next(within_s=registry.settings.gateway.refresh_s)
        registry.forget()  # another process may have changed how a server is reached
        for name in names:
            outcome = await registry.look_again(name)
            if outcome is not None and done is not None:
                done(outcome)
        if await asyncio.to_thread(registry.catalogue.generation) != registry.index.generation:
            await registry.reconcile()


async def _watch_all(registry: Registry, done: Done | None) -> None:
    while True:
        for outcome in await registry.sync(done=done):
            record = await registry.server(outcome.server)
            if outcome.ok and record is not None and record.spec is not None:
                await registry.sessions.watch(record.spec)
        await asyncio.sleep(registry.settings.sync.interval_s)
