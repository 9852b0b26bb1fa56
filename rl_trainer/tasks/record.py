"""What a loader makes tasks of: records, the bad ones told apart; `Wanted` says which tasks are of use."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from rl_trainer.environments.swe.task import NAME, SweTask, swe_task
from rl_trainer.environments.swe.told import with_told
from rl_trainer.errors import TaskInvalid
from rl_trainer.task import Task
from rl_trainer.tasks.patch import PatchWrong, size

Record = Mapping[str, Any]
S = TypeVar("S", bound=msgspec.Struct)


class BadRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record that became no task. line: of the file, from 1; of a folder, the number of the record."""

    source: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.source}, record {self.line}: {self.reason}"


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tasks to keep; 0 means any number. The paper keeps gold patches of 7 files and under 500 lines
    (arXiv 2508.03501, 2.2): `Wanted(most_files=7, most_lines=499)`. most_tests: that grade."""

    most_files: int = 0
    most_lines: int = 0
    most_tests: int = 0

    def refuses(self, task: Task) -> str:
        """Why a task is not wanted; empty if it is."""
        if task.environment != NAME or self == Wanted():
            return ""
        found = swe_task(task)
        try:
            changed = size(found.gold_patch)
        except PatchWrong as error:
            return f"its gold patch cannot be read: {error}"
        for what, is_, most in (
            ("files in its gold patch", changed.files or len(found.gold_files), self.most_files),
            ("changed lines", changed.lines, self.most_lines),
            ("tests", len(found.fail_to_pass) + len(found.pass_to_pass), self.most_tests),
        ):
            if most and is_ > most:
                return f"{is_} {what}, at most {most} are wanted"
        return ""


def read_as(kind: type[S], record: Record) -> S:
    """The record as the struct that its loader reads; fields that the loader has no use for are left alone.

    Raises:
        TaskInvalid: a field is missing or of another type.
    """
    try:
        return msgspec.convert(record, kind)
    except msgspec.ValidationError as error:
        raise TaskInvalid(str(error)) from error


def swe(task_id: str, goal: str, found: SweTask, **about: str) -> Task:
    """A task of the SWE environment, checked; its goal says how tests are run and how it ends.

    Raises:
        TaskInvalid: as `swe_task`.
    """
    data = msgspec.json.decode(msgspec.json.encode(found))  # as it comes back from a file, lists and not tuples
    task = Task(id=task_id, goal=with_told(goal, found), environment=NAME, data=data, **about)
    swe_task(task)
    return task
