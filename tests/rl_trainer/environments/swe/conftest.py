"""A small task with a bug, and sandboxes for it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rl_trainer.environments.swe.environment import SweEnvironment
from rl_trainer.environments.swe.opening import opener
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.task import NAME, Repository, SweTask
from rl_trainer.sandbox.opening import SandboxSettings
from rl_trainer.sandbox.sandbox import Limits, Ran, Sandbox
from rl_trainer.task import Task

BROKEN = "def total(numbers):\n    result = 0\n    for each in numbers:\n        result -= each\n    return result\n"
MENDED = BROKEN.replace("-=", "+=")
VISIBLE = """import unittest

from sums import total


class SumsTest(unittest.TestCase):
    def test_one(self):
        self.assertEqual(total([3]), 3)

    def test_none(self):
        self.assertEqual(total([]), 0)
"""
HIDDEN = """import unittest

from sums import total


class HiddenTest(unittest.TestCase):
    def test_many(self):
        self.assertEqual(total([1, 2, 3]), 6)

    def test_none(self):
        self.assertEqual(total([]), 0)


def test_negative():
    assert total([-1, -2]) == -3
"""


class Counted:
    """Unfenced sandboxes (what runs in them is our own); `commands` has every command that ran in any."""

    def __init__(self) -> None:
        self._open = opener(SandboxSettings(kind="unfenced"))
        self.commands: list[str] = []

    @asynccontextmanager
    async def __call__(
        self, files: Mapping[str, bytes], *, limits: Limits, repository: Repository | None
    ) -> AsyncIterator[Sandbox]:
        async with self._open(files, limits=limits, repository=repository) as sandbox:
            run = sandbox.run

            async def counted(command: str, **more: Any) -> Ran:
                self.commands.append(command)
                return await run(command, **more)

            sandbox.run = counted  # type: ignore[method-assign]
            yield sandbox


@pytest.fixture
def folders() -> Counted:
    return Counted()


@pytest.fixture
def settings() -> SweSettings:
    return SweSettings(stall_s=0.4, test_cpu_s=0.5)


@pytest.fixture
def bug() -> SweTask:
    """`total` subtracts. Two tests that the agent sees, three that it does not."""
    return SweTask(
        files={"sums.py": BROKEN, "sums_test.py": VISIBLE},
        protected=("sums_test.py",),
        hidden_files={"hidden_test.py": HIDDEN},
        test_cmd="python -m pytest -q hidden_test.py",
        visible_test_cmd="python -m unittest sums_test.py",
        fail_to_pass=("hidden_test.py::HiddenTest::test_many", "hidden_test.py::test_negative"),
        pass_to_pass=("hidden_test.py::HiddenTest::test_none",),
        gold_files={"sums.py": MENDED},
        limits=Limits(wall_s=20, cpu_s=3),
        grade_limits=Limits(wall_s=20, cpu_s=3),
    )


@pytest.fixture
def task(bug: SweTask) -> Task:
    return Task(id="sums", goal="total() gives wrong sums. Mend it.", environment=NAME, data=bug.to_data())


@pytest.fixture
def environment(folders: Counted, settings: SweSettings) -> SweEnvironment:
    return SweEnvironment(settings, open_=folders)
