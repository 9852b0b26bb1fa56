"""Whether tasks are what they say: as they start the grader fails them, and with their gold patch it passes them."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from functools import partial

import msgspec

from rl_trainer.environment import Grade
from rl_trainer.environments.mcp_world.environment import McpEnvironment, open_mcp
from rl_trainer.environments.mcp_world.task import NAME as MCP
from rl_trainer.environments.mcp_world.task import mcp_task
from rl_trainer.environments.swe.environment import SweEnvironment
from rl_trainer.environments.swe.grading import Opener, grade_patch
from rl_trainer.environments.swe.opening import opener
from rl_trainer.environments.swe.patch import Files, Patch
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.task import NAME as SWE
from rl_trainer.environments.swe.task import SweTask, swe_task
from rl_trainer.environments.swe.world import SweWorld
from rl_trainer.errors import TaskInvalid, WorldFailed
from rl_trainer.task import Task
from rl_trainer.tasks.patch import PatchWrong, apply

_ATTEMPTS = 3
_NOTHING_TO_DO = "it passes as it starts: there is nothing to mend"

Check = Callable[[Task], Awaitable[str]]
"""What is wrong with a task; empty if nothing is."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """reason: what is wrong with a task; empty if nothing is."""

    id: str
    reason: str = ""

    @property
    def ok(self) -> bool:
        return not self.reason


async def verify(
    tasks: Iterable[Task], *, settings: SweSettings | None = None, jobs: int = 2, open_: Opener | None = None
) -> AsyncGenerator[Verdict]:
    """A verdict for each task, in their order, several at work at once. A task that cannot be opened has a reason too.

    Raises:
        NoSandbox: nothing here can fence commands off.
    """
    waiting: deque[asyncio.Task[Verdict]] = deque()
    rest = iter(tasks)
    async with open_mcp() as servers:
        checks = {SWE: _SweCheck(settings or SweSettings(), open_).wrong, MCP: partial(_mcp_wrong, servers)}
        try:
            while True:
                while len(waiting) < jobs and (task := next(rest, None)) is not None:
                    waiting.append(asyncio.create_task(_verdict(task, checks)))
                if not waiting:
                    return
                yield await waiting[0]
                waiting.popleft()
        finally:
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


async def _verdict(task: Task, checks: Mapping[str, Check]) -> Verdict:
    check = checks.get(task.environment)
    if check is None:
        return Verdict(id=task.id, reason=f"environment {task.environment!r} has no gold to verify with")
    reason = ""
    for _ in range(_ATTEMPTS):
        try:
            return Verdict(id=task.id, reason=await check(task))
        except TaskInvalid as error:
            return Verdict(id=task.id, reason=str(error))
        except WorldFailed as error:
            reason = f"the world failed: {error}"
    return Verdict(id=task.id, reason=reason)


class _SweCheck:
    """The gold patch against the start."""

    def __init__(self, settings: SweSettings, open_: Opener | None) -> None:
        self._settings = settings
        self._open = open_ or opener(settings.sandbox)
        self._environment = SweEnvironment(msgspec.structs.replace(settings, must_submit=False), open_=self._open)

    async def wrong(self, task: Task) -> str:
        found = swe_task(task)
        async with self._environment.open(task) as world:
            if not isinstance(world, SweWorld):
                raise TaskInvalid(f"task {task.id!r} opened as {type(world).__name__}")
            if (await world.grade()).passed:
                return _NOTHING_TO_DO
            start = world.scaffold.start
        patch = gold_patch(found, start)
        after = await grade_patch(found, start, patch, open_=self._open, settings=self._settings)
        return "" if after.passed else f"its gold patch does not pass: {_said(after)}"


async def _mcp_wrong(environment: McpEnvironment, task: Task) -> str:
    async with environment.open(task) as world:
        if (await world.grade()).passed:
            return _NOTHING_TO_DO
        await world.replay(mcp_task(task).gold)
        after = await world.grade()
        return "" if after.passed else f"its gold actions do not lead to the same state twice: {_said(after)}"


def gold_patch(task: SweTask, start: Files) -> Patch:
    """The gold as a patch that can be graded.

    Raises:
        TaskInvalid: it has none, or one that does not fit.
    """
    files = task.gold_files
    if not files and task.gold_patch:
        try:
            files = apply(task.gold_patch, {path: text.decode("utf-8", "replace") for path, text in start.items()})
        except PatchWrong as error:
            raise TaskInvalid(f"its gold patch does not fit: {error}") from error
    if not files:
        raise TaskInvalid("it has neither gold files nor a gold patch: nothing shows that it can be solved")
    changed = {path: None if text is None else text.encode() for path, text in files.items()}
    return Patch(files={path: content for path, content in sorted(changed.items()) if start.get(path) != content})


def _said(grade: Grade) -> str:
    return "; ".join(part for part in (grade.cheat, grade.detail) if part) or f"share {grade.share:.2f}"
