"""Exercism's Python track: exercises with a seeded bug, and exercises to be written from their stub."""

import msgspec

from rl_trainer.environments.swe.task import SweTask
from rl_trainer.errors import TaskInvalid
from rl_trainer.task import Task
from rl_trainer.tasks.commands import plain_command
from rl_trainer.tasks.ids import ids_of_tests
from rl_trainer.tasks.patch import PatchWrong, apply
from rl_trainer.tasks.record import Record, read_as, swe


class _Bug(msgspec.Struct, frozen=True):
    task_id: str
    exercise: str
    strategy: str
    problem_statement: str
    files: dict[str, str]
    target: tuple[str, ...]
    test_cmd: str
    fail_to_pass: tuple[str, ...]
    gold_patch: str
    pass_to_pass: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""


class _Stub(msgspec.Struct, frozen=True):
    task_id: str
    problem_statement: str
    files: dict[str, str]
    target: tuple[str, ...]
    tests: tuple[str, ...]
    test_cmd: str
    gold: dict[str, str]
    source: str = ""
    licence: str = ""


def bug(record: Record) -> Task:
    """An exercise solved but for one bug; its tests are there to be read and run. The kind is how the bug was made."""
    found = read_as(_Bug, record)
    try:
        gold = apply(found.gold_patch, found.files)
    except PatchWrong as error:
        raise TaskInvalid(f"task {found.task_id!r}: its gold patch does not fit: {error}") from error
    tests = {path: text for path, text in found.files.items() if path not in found.target}
    command = plain_command(found.test_cmd)
    goal = f"{_names(found.target)} does not do what it should; some of its tests fail. Find the bug and mend it.\n\n"
    return swe(
        found.task_id,
        goal + found.problem_statement,
        SweTask(
            files=found.files,
            protected=tuple(tests),
            hidden_files=tests,
            test_cmd=command,
            visible_test_cmd=command,
            fail_to_pass=found.fail_to_pass,
            pass_to_pass=found.pass_to_pass,
            gold_files=gold,
            gold_patch=found.gold_patch,
        ),
        kind=found.strategy,
        group=f"exercism/{found.exercise}",
        source=found.source,
        licence=found.licence,
    )


def from_stub(record: Record) -> Task:
    """An exercise to be written; its tests are there to be read and run."""
    found = read_as(_Stub, record)
    tests = {path: found.files[path] for path in found.tests if path in found.files}
    command = plain_command(found.test_cmd)
    return swe(
        found.task_id,
        f"Write {_names(found.target)} so that its tests pass.\n\n{found.problem_statement}",
        SweTask(
            files=found.files,
            protected=tuple(tests),
            hidden_files=tests,
            test_cmd=command,
            visible_test_cmd=command,
            fail_to_pass=tuple(id_ for path, text in tests.items() for id_ in ids_of_tests(path, text)),
            gold_files=dict(found.gold),
        ),
        kind="from_stub",
        group=f"exercism/{found.task_id.rpartition('/')[2]}",
        source=found.source,
        licence=found.licence,
    )


def _names(paths: tuple[str, ...]) -> str:
    return " and ".join(paths)
