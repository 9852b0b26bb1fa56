"""Whether tasks are what they say: as they start the grader fails them, and with their gold patch it passes them."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable

import msgspec

from rl_trainer.environment import Grade
from rl_trainer.environments.swe.environment import SweEnvironment
from rl_trainer.environments.swe.grading import Opener, grade_patch
from rl_trainer.environments.swe.opening import opener
from rl_trainer.environments.swe.patch import Files, Patch
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.task import SweTask, swe_task
from rl_trainer.environments.swe.world import SweWorld
from rl_trainer.errors import TaskInvalid, WorldFailed
from rl_trainer.task import Task
from rl_trainer.tasks.patch import PatchWrong, apply

_ATTEMPTS = 3


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
    settings = settings or SweSettings()
    opens = open_ or opener(settings.sandbox)
    environment = SweEnvironment(msgspec.structs.replace(settings, must_submit=False), open_=opens)
    waiting: deque[asyncio.Task[Verdict]] = deque()
    rest = iter(tasks)
    try:
        while True:
            while len(waiting) < jobs and (task := next(rest, None)) is not None:
                waiting.append(asyncio.create_task(_verdict(environment, task, settings, opens)))
            if not waiting:
                return
            yield await waiting[0]
            waiting.popleft()
    finally:
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _verdict(environment: SweEnvironment, task: Task, settings: SweSettings, open_: Opener) -> Verdict:
    reason = ""
    for _ in range(_ATTEMPTS):
        try:
            return Verdict(id=task.id, reason=await _wrong(environment, task, settings, open_))
        except TaskInvalid as error:
            return Verdict(id=task.id, reason=str(error))
        except WorldFailed as error:
            reason = f"the sandbox failed: {error}"
    return Verdict(id=task.id, reason=reason)


async def _wrong(environment: SweEnvironment, task: Task, settings: SweSettings, open_: Opener) -> str:
    found = swe_task(task)
    async with environment.open(task) as world:
        if not isinstance(world, SweWorld):
            raise TaskInvalid(f"task {task.id!r} opened as {type(world).__name__}")
        before = await world.grade()
        if before.passed:
            return "it passes as it starts: there is nothing to mend"
        start = world.scaffold.start
    after = await grade_patch(found, start, gold_patch(found, start), open_=open_, settings=settings)
    return "" if after.passed else f"its gold patch does not pass: {_said(after)}"


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
