"""One task as an MCP server: its tools over the production transports, its grade in a file."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from mcp_registry.publishing import make_tool_server, serve_tools, serve_tools_over_http
from mcp_registry.result import ToolResult
from rl_trainer.environment import Grade
from rl_trainer.environments.swe.environment import SweEnvironment
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.tools import ENDS_WITH, SERVER, TOOLS
from rl_trainer.environments.swe.world import SweWorld
from rl_trainer.task import Task

_HOST = "127.0.0.1"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a served task: its grade, the patch as a diff, and what was done."""

    task_id: str
    grade: Grade
    patch: str
    facts: dict[str, float]
    gave_up: str = ""


async def serve_task(task: Task, settings: SweSettings | None = None, *, result: Path | None = None) -> None:
    """Serve the task's tools on stdin and stdout to one agent, until it closes our stdin.

    result: where the grade and the patch are written when the agent submits or gives up, before it has its answer.
    The agent is never told its grade.

    Raises:
        TaskInvalid: the task cannot be opened. NoSandbox: nothing here can fence commands off.
    """
    async with open_served(task, settings, result=result) as served:
        await serve_tools(SERVER, TOOLS, served.call, instructions=task.goal)


async def serve_task_over_http(
    task: Task,
    settings: SweSettings | None = None,
    *,
    result: Path | None = None,
    port: int,
    told: Callable[[str], None],
) -> None:
    """The same at a port of this machine, until cancelled; `told` is given the address."""
    async with open_served(task, settings, result=result) as served:
        server = make_tool_server(SERVER, TOOLS, served.call, instructions=task.goal)
        await serve_tools_over_http(server, host=_HOST, port=port, told=told)


@asynccontextmanager
async def open_served(
    task: Task, settings: SweSettings | None = None, *, result: Path | None = None
) -> AsyncGenerator["ServedTask"]:
    """The task opened, ready to be published."""
    async with SweEnvironment(settings).open(task) as world:
        if not isinstance(world, SweWorld):
            raise TypeError(f"task {task.id!r} opened as {type(world).__name__}")
        yield ServedTask(task, world, result)


class ServedTask:
    """Answers calls; when the task ends, keeps what came of it."""

    def __init__(self, task: Task, world: SweWorld, result: Path | None) -> None:
        self._task, self._world, self._file = task, world, result
        self.result: Result | None = None

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        answer = await self._world.act(name, arguments)
        if f"{SERVER}/{name}" in ENDS_WITH and not answer.is_error:
            await self._end()
        return answer

    async def _end(self) -> None:
        world = self._world
        self.result = Result(
            task_id=self._task.id,
            grade=await world.grade(),
            patch=world.diff(),
            facts=dict(world.facts()),
            gave_up=world.scaffold.reason,
        )
        if self._file is not None:
            written = self._file.with_name(f"{self._file.name}.part")
            written.write_bytes(msgspec.json.format(msgspec.json.encode(self.result)))
            written.replace(self._file)  # whole, or not at all: somebody may wait for it
