"""`SweTask`: what the SWE environment reads from a task's `data`: files, tests, and how the patch is graded."""

import re
import shlex
from typing import Any

import msgspec

from rl_trainer.errors import TaskInvalid
from rl_trainer.sandbox.sandbox import Limits
from rl_trainer.task import Task

NAME = "swe"
"""`Task.environment` of such tasks."""

_LIMITS = Limits()


class Repository(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A repository that a container image holds. url and commit say which; folder is where it lies in the image."""

    image: str
    url: str = ""
    commit: str = ""
    folder: str = "/testbed"


class SweTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One repository state and its tests. Paths are relative, with `/`; texts are UTF-8.

    files: what the agent sees, by path; of a repository: what is laid over the image.
    protected: paths or patterns (`tests/*`) that the agent may read and not change; they are restored before grading.
    hidden_files: what only the grader's clean copy gets: hidden tests; a path that is visible too is replaced there.
    test_cmd: a pytest or unittest command that runs the tests that grade. visible_test_cmd: what the agent is told
    to run; empty where it sees no tests.
    fail_to_pass, pass_to_pass: test ids as pytest writes them (`file.py::Class::test`); all must pass. A task needs
    at least one of the first.
    gold_files: the right content of files, or None for one to be deleted; gold_patch: the same as a unified diff.
    Both are for verifying tasks and for metrics; the agent never sees them.
    plugins: pytest plugins that the tests need, by module (`pytest_asyncio.plugin`).
    limits: of a command of the agent; grade_limits: of the grader's run.
    """

    files: dict[str, str] = {}
    repository: Repository | None = None
    protected: tuple[str, ...] = ()
    hidden_files: dict[str, str] = {}
    test_cmd: str
    visible_test_cmd: str = ""
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...] = ()
    gold_files: dict[str, str | None] = {}
    gold_patch: str = ""
    plugins: tuple[str, ...] = ()
    limits: Limits = _LIMITS
    grade_limits: Limits = _LIMITS

    def to_data(self) -> dict[str, Any]:
        """What `Task.data` holds."""
        return msgspec.to_builtins(self)


class TestCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A test command taken apart. runner: pytest or unittest; arguments: what follows; env: assignments before it."""

    __test__ = False  # pytest collects classes named so

    runner: str
    arguments: tuple[str, ...]
    env: dict[str, str] = {}


def swe_task(task: Task) -> SweTask:
    """What the environment needs of a task, checked.

    Raises:
        TaskInvalid: a field is missing, of a wrong type, or cannot be graded; the message says which and why.
    """
    if task.environment != NAME:
        raise TaskInvalid(f"task {task.id!r} is for environment {task.environment!r}, not {NAME!r}")
    try:
        found = msgspec.convert(task.data, SweTask)
    except msgspec.ValidationError as error:
        raise TaskInvalid(f"task {task.id!r}: its data are no SWE task: {error}") from error
    if not found.files and found.repository is None:
        raise TaskInvalid(f"task {task.id!r} has neither files nor a repository: give one of them")
    if not found.fail_to_pass:
        raise TaskInvalid(f"task {task.id!r} names no test that must pass (fail_to_pass): nothing could be graded")
    for path in (*found.files, *found.hidden_files, *found.gold_files):
        if path.startswith("/") or ".." in path.split("/") or not path:
            raise TaskInvalid(f"task {task.id!r}: path {path!r} is not relative to the repository")
    parse_test_command(found.test_cmd, task.id)
    return found


def parse_test_command(command: str, task_id: str = "") -> TestCommand:
    """`python -m pytest ARGUMENTS`, `pytest ARGUMENTS` or `python -m unittest ARGUMENTS`, taken apart.

    Only these are graded: of any other command nothing but its output could be read, and anything can print.

    Raises:
        TaskInvalid: it is another command.

    Example:
        parse_test_command("python -m pytest -q test_it.py").arguments -> ("-q", "test_it.py")
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise TaskInvalid(f"task {task_id!r}: test_cmd {command!r} cannot be read: {error}") from error
    env: dict[str, str] = {}
    while words and re.fullmatch(r"[A-Za-z_]\w*=.*", words[0], re.DOTALL):
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    match words:
        case [python, "-m", ("pytest" | "unittest") as runner, *rest] if re.fullmatch(r"(.*/)?python[\d.]*", python):
            return TestCommand(runner=runner, arguments=tuple(rest), env=env)
        case ["pytest" | "py.test", *rest]:
            return TestCommand(runner="pytest", arguments=tuple(rest), env=env)
        case _:
            raise TaskInvalid(
                f"task {task_id!r}: test_cmd {command!r} is neither 'python -m pytest ...' nor 'python -m unittest ...'"
            )
