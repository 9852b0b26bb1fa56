"""`SweEnvironment`: opens tasks of software engineering."""

from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from retrieval.tool import canonical_json
from rl_trainer.environment import Grade, World
from rl_trainer.environments.swe.grading import Opener, grade_patch, remove
from rl_trainer.environments.swe.opening import opener
from rl_trainer.environments.swe.patch import Files, Patch, seen
from rl_trainer.environments.swe.scaffold import Scaffold
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.task import NAME, SweTask, swe_task
from rl_trainer.environments.swe.world import SweWorld, patch_key
from rl_trainer.sandbox.sandbox import Sandbox
from rl_trainer.task import Task


class SweEnvironment:
    """Worlds in sandboxes. Equal patches of one task are graded once, and their grade is remembered.

    Example:
        async with SweEnvironment().open(task) as world:
            await run_agent(task.goal, Deps(llm=llm, toolbox=world.toolbox, journal=MemoryJournal()))
            grade = await world.grade()
    """

    def __init__(self, settings: SweSettings | None = None, *, open_: Opener | None = None) -> None:
        self._settings = settings or SweSettings()
        self._open = open_ or opener(self._settings.sandbox)
        self._grades: OrderedDict[str, Grade] = OrderedDict()

    @property
    def name(self) -> str:
        return NAME

    @asynccontextmanager
    async def open(self, task: Task) -> AsyncGenerator[World]:
        """A sandbox with what the agent may see.

        Raises:
            TaskInvalid: the task cannot be opened as it stands. WorldFailed: the sandbox broke.
            NoSandbox: nothing here can fence commands off.
        """
        swe = swe_task(task)
        files = {path: text.encode() for path, text in swe.files.items()}
        identity = canonical_json(msgspec.to_builtins(swe))
        async with self._open(files, limits=swe.limits, repository=swe.repository) as sandbox:
            start = await _start(sandbox, swe, files)
            scaffold = Scaffold(sandbox, swe, self._settings, start=start)

            async def grader(patch: Patch) -> Grade:
                return await self._graded(swe, start, patch, identity)

            yield SweWorld(sandbox, scaffold, grader, swe, self._settings)

    async def _graded(self, task: SweTask, start: Files, patch: Patch, identity: str) -> Grade:
        key = patch_key(patch, identity)
        if (known := self._grades.get(key)) is not None:
            return known
        grade = await grade_patch(task, start, patch, open_=self._open, settings=self._settings)
        self._grades[key] = grade
        while len(self._grades) > self._settings.remembered:
            self._grades.popitem(last=False)
        return grade


async def _start(sandbox: Sandbox, task: SweTask, files: Files) -> Files:
    """What the agent begins with; of a repository: without its history."""
    if task.repository is None:
        return files
    await remove(sandbox, [], task.limits)
    return {path: content for path, content in (await sandbox.files()).items() if seen(path)}
