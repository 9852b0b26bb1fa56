"""`McpWorld`: one opened task: servers of its own, graded by how things stand."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec

from agent.toolbox import Toolbox
from mcp_registry.registry import Registry
from rl_trainer.environment import Grade, World
from rl_trainer.environments.mcp_world.state import Snapshot, digest, likeness, read_files
from rl_trainer.environments.mcp_world.task import Call, McpTask
from rl_trainer.environments.mcp_world.toolbox import WorldToolbox
from rl_trainer.errors import ForkUnsupported, TaskInvalid, WorldFailed


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """The state at the start of a task, and the one that its gold actions lead to."""

    start: Snapshot
    gold: Snapshot


class McpWorld:
    """Servers in a folder. `again` opens another world of the same task, with a copy of a folder if one is given."""

    def __init__(
        self,
        registry: Registry,
        task: McpTask,
        folder: Path,
        *,
        ends: Ends,
        again: Callable[[Path | None], AbstractAsyncContextManager["McpWorld"]],
    ) -> None:
        self._registry, self._task, self._folder = registry, task, folder
        self._ends, self._again = ends, again
        self._toolbox = WorldToolbox(registry, task)
        self._key = (-1, "")

    @property
    def toolbox(self) -> Toolbox:
        return self._toolbox

    @property
    def ends_with(self) -> tuple[str, ...]:
        return self._task.ends_with

    @property
    def calls(self) -> Sequence[Call]:
        """The agent's calls so far."""
        return tuple(self._toolbox.made)

    def state_key(self) -> str:
        """A hash of the state's files; where the state is read by calls, of the calls that wrote, which lead to it."""
        made = len(self._toolbox.made)
        if self._key[0] != made:
            state = self._task.state
            files = read_files(self._folder, state.files, state.ignored)
            wrote = msgspec.to_builtins(self._toolbox.wrote) if state.probes else []
            self._key = (made, digest([files, wrote, self._toolbox.ended]))
        return self._key[1]

    def facts(self) -> Mapping[str, float]:
        box = self._toolbox
        return {
            "calls": len(box.made),
            "writes": len(box.wrote),
            "errors": box.failed,
            "submitted": float(box.ended),
        }

    async def grade(self) -> Grade:
        """Whether the state is what the gold actions lead to. The share is of what was to be changed, or was."""
        if self._toolbox.lost:
            raise WorldFailed(f"nobody knows whether a call was made: {self._toolbox.lost}")
        found = await read_state(self._registry, self._task, self._folder)
        share = likeness(self._ends.start, self._ends.gold, found)
        passed = found == self._ends.gold
        detail = "" if passed else f"{share:.0%} of the changes are right"
        return Grade(passed=passed, share=1.0 if passed else min(share, 0.99), detail=detail)

    def fork(self) -> AbstractAsyncContextManager[World]:
        return self._forked()

    @asynccontextmanager
    async def _forked(self) -> AsyncGenerator[World]:
        copied = self._task.fork == "copy"
        async with self._again(self._folder if copied else None) as other:
            box = other._toolbox
            if copied:
                box.made, box.wrote = [*self._toolbox.made], [*self._toolbox.wrote]
                box.failed, box.ended = self._toolbox.failed, self._toolbox.ended
            else:
                await other.replay(self._toolbox.made)
            if other.state_key() != self.state_key():
                how = "keeps state outside its folder" if copied else "does not do the same twice"
                raise ForkUnsupported(f"the copy of a world stands otherwise: a server {how}, so it cannot be forked")
            yield other

    async def replay(self, calls: Sequence[Call]) -> None:
        """Make calls as the agent made them, whatever they answer.

        Raises:
            TaskInvalid: there is no such tool.
        """
        for number, call in enumerate(calls):
            tool = (await self._registry.tools([call.tool])).get(call.tool)
            if tool is None:
                raise TaskInvalid(f"there is no tool {call.tool!r} to replay a call of")
            await self._toolbox.make(call, tool, key=f"replay-{number}")


async def read_state(registry: Registry, task: McpTask, folder: Path) -> Snapshot:
    """How things stand: the files, and what each probe answers.

    Raises:
        WorldFailed: a probe fails.
    """
    found = await asyncio.to_thread(read_files, folder, task.state.files, task.state.ignored)
    for number, probe in enumerate(task.state.probes):
        result = await registry.call(probe.tool, probe.arguments, approved=True)
        if result.is_error:
            raise WorldFailed(f"probe {probe.tool} failed: {result.text}")
        found[f"probe {number}"] = result.raw.get("structuredContent") or result.text
    return found
