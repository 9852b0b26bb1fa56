"""`SweWorld`: one opened task: a sandbox with a scaffold over it, graded elsewhere."""

import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import msgspec

from agent.toolbox import Toolbox
from mcp_registry.result import ToolResult
from rl_trainer.environment import Grade, World
from rl_trainer.environments.swe.patch import Patch, difference, unified
from rl_trainer.environments.swe.scaffold import Scaffold
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.task import SweTask
from rl_trainer.environments.swe.toolbox import SweToolbox
from rl_trainer.environments.swe.tools import ENDS_WITH
from rl_trainer.sandbox.sandbox import Sandbox

Grader = Callable[[Patch], Awaitable[Grade]]
"""Grades a patch against the world's start."""


class SweWorld:
    """A repository state that an agent works on."""

    def __init__(
        self, sandbox: Sandbox, scaffold: Scaffold, grader: Grader, task: SweTask, settings: SweSettings
    ) -> None:
        self._sandbox, self.scaffold, self._grader = sandbox, scaffold, grader
        self._task, self._settings = task, settings
        self._toolbox = SweToolbox(scaffold)

    @property
    def toolbox(self) -> Toolbox:
        return self._toolbox

    @property
    def ends_with(self) -> tuple[str, ...]:
        return ENDS_WITH

    @property
    def patch(self) -> Patch:
        """What is changed now."""
        return difference(self.scaffold.start, self.scaffold.files)

    def diff(self) -> str:
        """The patch as text."""
        return unified(self.patch, self.scaffold.start)

    def state_key(self) -> str:
        """A hash of the patch, the directory, the open file and what is shown of it, and whether all is over."""
        at, counts = self.scaffold.place, self.scaffold.counts
        return patch_key(self.patch, f"{at.file}\n{at.first}\n{at.folder}\n{counts.submitted}\n{counts.gave_up}")

    def facts(self) -> Mapping[str, float]:
        return self.scaffold.counts.facts()

    async def grade(self) -> Grade:
        """The patch in a second, clean sandbox with the hidden tests; `rl_trainer.environments.swe.grading`."""
        grade, counts = await self._grader(self.patch), self.scaffold.counts
        if not grade.passed or counts.submitted or not (self._settings.must_submit or counts.gave_up):
            return grade
        why = "given up" if counts.gave_up else "not submitted"
        return msgspec.structs.replace(grade, passed=False, detail=f"all tests pass, but it was {why}")

    async def act(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """One action by its tool's name, as the toolbox does it."""
        return await self._toolbox.act(name, arguments)

    def fork(self) -> AbstractAsyncContextManager[World]:
        return self._forked()

    @asynccontextmanager
    async def _forked(self) -> AsyncGenerator[World]:
        async with self._sandbox.fork() as sandbox:
            scaffold = self.scaffold.over(sandbox)
            yield SweWorld(sandbox, scaffold, self._grader, self._task, self._settings)


def patch_key(patch: Patch, more: str = "") -> str:
    """A hash of a patch and some text."""
    digest = hashlib.blake2b(digest_size=12)
    for path, content in patch.files.items():
        of = b"gone" if content is None else hashlib.blake2b(content, digest_size=16).hexdigest().encode()
        digest.update(path.encode() + b"\0" + of + b"\0")
    digest.update(more.encode())
    return digest.hexdigest()
