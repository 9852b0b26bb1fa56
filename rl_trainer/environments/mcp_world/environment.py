"""`McpEnvironment`: opens tasks in worlds of MCP servers."""

import asyncio
import shutil
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec

from mcp_registry.registry import Registry
from retrieval.tool import canonical_json
from rl_trainer.environments.mcp_world.ground import Ground, open_ground, open_registry_in, world_folder
from rl_trainer.environments.mcp_world.task import NAME, Call, McpTask, mcp_task
from rl_trainer.environments.mcp_world.world import Ends, McpWorld, read_state
from rl_trainer.errors import TaskInvalid, WorldFailed
from rl_trainer.task import Task


class McpEnvironment:
    """Worlds with servers of their own; `open_mcp` makes it. What a set of servers offers is asked once.

    Example:
        async with open_mcp() as environment, environment.open(task) as world:
            await run_agent(task.goal, Deps(llm=llm, toolbox=world.toolbox, journal=MemoryJournal()))
            grade = await world.grade()
    """

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._opening: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._grounds: dict[str, Ground] = {}
        self._ends: dict[str, Ends] = {}

    @property
    def name(self) -> str:
        return NAME

    @asynccontextmanager
    async def open(self, task: Task) -> AsyncGenerator[McpWorld]:
        """Fresh servers with the task's files and its first calls made.

        Raises:
            TaskInvalid: the task cannot be opened as it stands. WorldFailed: a server cannot be started.
        """
        found = mcp_task(task)
        ground = await self._ground(found)
        ends = await self._known_ends(ground, found)
        async with self._world(ground, found, ends, None) as world:
            yield world

    async def _ground(self, task: McpTask) -> Ground:
        key = task.servers_key
        async with self._opening[key]:
            if key not in self._grounds:
                self._grounds[key] = await self._stack.enter_async_context(open_ground(task))
        return self._grounds[key]

    async def _known_ends(self, ground: Ground, task: McpTask) -> Ends:
        """The start and the right end, seen once a task, on a twin of its worlds."""
        key = canonical_json(msgspec.to_builtins(task))
        async with self._opening[key]:
            if key not in self._ends:
                self._ends[key] = await _twin(ground, task)
        return self._ends[key]

    @asynccontextmanager
    async def _world(self, ground: Ground, task: McpTask, ends: Ends, copied: Path | None) -> AsyncGenerator[McpWorld]:
        with world_folder(task) as folder:
            if copied is not None:
                await asyncio.to_thread(shutil.copytree, copied, folder, dirs_exist_ok=True)
            async with open_registry_in(ground, folder) as registry:
                if copied is None:
                    await make(registry, task.setup, "setup call")
                again = partial(self._world, ground, task, ends)
                yield McpWorld(registry, task, folder, ends=ends, again=again)


async def _twin(ground: Ground, task: McpTask) -> Ends:
    with world_folder(task) as folder:
        async with open_registry_in(ground, folder) as registry:
            await make(registry, task.setup, "setup call")
            start = await read_state(registry, task, folder)
            await make(registry, task.gold, "gold action")
            return Ends(start=start, gold=await read_state(registry, task, folder))


async def make(registry: Registry, calls: Sequence[Call], what: str) -> None:
    """Make the task's own calls; each must succeed.

    Raises:
        TaskInvalid: one is answered by an error. WorldFailed: nobody knows whether it was made.
    """
    for number, call in enumerate(calls, 1):
        result = await registry.call(call.tool, call.arguments, approved=True)
        if result.unknown:
            raise WorldFailed(f"{what} {number} ({call.tool}): {result.text}")
        if result.is_error:
            raise TaskInvalid(f"{what} {number} ({call.tool}) fails: {result.text}")


@asynccontextmanager
async def open_mcp() -> AsyncGenerator[McpEnvironment]:
    """The environment; no server is started before a task is opened, and none is left when the block is."""
    async with AsyncExitStack() as stack:
        yield McpEnvironment(stack)
