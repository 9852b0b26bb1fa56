"""Grades: what passes, what does not, and what is nobody's fault."""

from typing import Any

import msgspec
import pytest

from rl_trainer.environment import Grade
from rl_trainer.environments.swe.grading import grade_patch
from rl_trainer.environments.swe.patch import Patch
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.task import SweTask
from rl_trainer.errors import TaskInvalid


async def graded(
    task: SweTask, folders: Any, settings: SweSettings, changes: dict[str, str | None] | None = None
) -> Grade:
    """The grade of changes; the gold ones when none are given."""
    start = {path: text.encode() for path, text in task.files.items()}
    given = task.gold_files if changes is None else changes
    patch = Patch(files={path: None if text is None else text.encode() for path, text in given.items()})
    return await grade_patch(task, start, patch, open_=folders, settings=settings)


@pytest.mark.parametrize("engine", ["unittest", "pytest"])
async def test_a_right_patch_passes_every_test(bug: SweTask, folders: Any, engine: str) -> None:
    grade = await graded(bug, folders, SweSettings(engine=engine))
    assert grade == Grade(passed=True, share=1.0, parts={"fail_to_pass": 1.0, "pass_to_pass": 1.0})


async def test_without_a_patch_only_what_passed_before_passes(
    bug: SweTask, folders: Any, settings: SweSettings
) -> None:
    grade = await graded(bug, folders, settings, {})
    assert not grade.passed
    assert grade.cheat == ""
    assert grade.parts == {"fail_to_pass": 0.0, "pass_to_pass": 1.0}
    assert grade.share == pytest.approx(1 / 3)
    assert "hidden_test.py::HiddenTest::test_many" in grade.detail


async def test_half_a_patch_gets_its_share(bug: SweTask, folders: Any, settings: SweSettings) -> None:
    half = "def total(numbers):\n    return sum(numbers) if len(numbers) > 2 else 0\n"
    grade = await graded(bug, folders, settings, {"sums.py": half})
    assert (grade.passed, grade.share) == (False, pytest.approx(2 / 3))


async def test_a_patch_that_cannot_be_imported_fails(bug: SweTask, folders: Any, settings: SweSettings) -> None:
    grade = await graded(bug, folders, settings, {"sums.py": "def total(:\n"})
    assert (grade.passed, grade.share, grade.cheat) == (False, 0.0, "")
    assert "SyntaxError" in grade.detail


async def test_a_test_that_never_ends_fails_alone(bug: SweTask, folders: Any, settings: SweSettings) -> None:
    loops = "def total(numbers):\n    while len(numbers) > 2:\n        pass\n    return sum(numbers)\n"
    grade = await graded(bug, folders, settings, {"sums.py": loops})
    assert (grade.passed, grade.share) == (False, pytest.approx(2 / 3))
    assert "s of CPU" in grade.detail


async def test_new_modules_belong_to_a_patch_and_own_tests_do_not(
    bug: SweTask, folders: Any, settings: SweSettings
) -> None:
    changes = {
        "sums.py": "from adding import total\n",
        "adding.py": "def total(numbers):\n    return sum(numbers)\n",
        "test_mine.py": "raise SystemExit\n",
    }
    grade = await graded(bug, folders, settings, changes)
    assert (grade.passed, grade.cheat) == (True, "")


async def test_a_missing_test_file_is_the_tasks_fault(bug: SweTask, folders: Any, settings: SweSettings) -> None:
    with pytest.raises(TaskInvalid, match="neither among the task's files nor hidden"):
        await graded(msgspec.structs.replace(bug, hidden_files={}), folders, settings)
