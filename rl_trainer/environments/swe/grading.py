"""Grading: the patch in a second, clean sandbox, with the hidden tests, run by a program that trusts nobody."""

import random
import secrets
import shlex
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache
from importlib import resources
from typing import Protocol

import msgspec

from rl_trainer.environment import Grade
from rl_trainer.environments.swe.controls import controlled
from rl_trainer.environments.swe.engine import engine_of, pytest_arguments, test_files
from rl_trainer.environments.swe.patch import Accepted, Files, Patch, accepted, applied
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.suspicion import suspicions
from rl_trainer.environments.swe.task import Repository, SweTask, parse_test_command
from rl_trainer.environments.swe.verdict import Expected, Report, read_report, verdict
from rl_trainer.errors import TaskInvalid, TrainingToolsMissing, WorldFailed
from rl_trainer.sandbox.sandbox import Limits, Ran, Sandbox

_PROGRAM = ("__init__", "parent", "child", "running", "watching")
_OUTPUT_KB = 4_096
_SHARE_OF_WALL = 0.8


class Opener(Protocol):
    """Opens a sandbox with these files in it; of a repository: laid over the image's."""

    def __call__(
        self, files: Mapping[str, bytes], *, limits: Limits, repository: Repository | None
    ) -> AbstractAsyncContextManager[Sandbox]: ...


async def grade_patch(task: SweTask, start: Files, patch: Patch, *, open_: Opener, settings: SweSettings) -> Grade:
    """Grade a patch; the sandbox that it was made in is not looked at.

    Raises:
        WorldFailed: wall time passed, or the sandbox broke. TaskInvalid: a test file is missing.
        TrainingToolsMissing: the tests need pytest, and the sandbox's python has none.
    """
    taken = accepted(patch, start, task.protected, task.hidden_files)
    suspected = _suspected(taken, start)
    laid = {path: text.encode() for path, text in task.hidden_files.items()}
    tests = _test_texts(task, {**applied(taken.patch, start), **laid})
    texts, controls = controlled(tests, random.SystemRandom())
    secret, folder = secrets.token_hex(16), f".grader-{secrets.token_hex(4)}"
    plan = {
        "secret": secret,
        "signature": secrets.token_hex(16),
        "runner": engine_of(task, tests, settings),
        "arguments": pytest_arguments(task, controls),
        "env": _environment(task),
        "tests": list(tests),
        "patched": [path for path, content in taken.patch.files.items() if content is not None],
        "stall_s": settings.stall_s,
        "wall_s": task.grade_limits.wall_s * _SHARE_OF_WALL,
        "test_cpu_s": settings.test_cpu_s,
    }
    laid |= {path: text.encode() for path, text in texts.items()} | _program(folder)
    laid[f"{folder}/plan.json"] = msgspec.json.encode(plan)
    ran = await _run(task, start, taken.patch, laid, command=_command(folder, settings), open_=open_)
    report = read_report(ran.output, secret)
    expected = Expected(fail_to_pass=task.fail_to_pass, pass_to_pass=task.pass_to_pass, controls=controls)
    named = [*taken.cheats, *suspected]
    if report is None:
        return Grade(passed=False, cheat="; ".join(named), detail=_no_report(ran))
    _check(report, settings)
    return verdict(report, expected, named, disqualified=settings.strict and bool(suspected))


def _suspected(taken: Accepted, start: Files) -> list[str]:
    found = [
        f"{what}: {path}"
        for path, content in taken.patch.files.items()
        if content is not None and path.endswith(".py")
        for what in suspicions(start.get(path, b""), content)
    ]
    return list(dict.fromkeys(found))


def _test_texts(task: SweTask, files: Files) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in test_files((*task.fail_to_pass, *task.pass_to_pass)):
        if path not in files:
            raise TaskInvalid(f"test file {path!r} is neither among the task's files nor hidden: mend fail_to_pass")
        texts[path] = files[path].decode("utf-8", "replace")
    return texts


def _environment(task: SweTask) -> dict[str, str]:
    own = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    alone = {} if task.repository is not None else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return {**own, **alone, **parse_test_command(task.test_cmd).env}


@cache
def _sources() -> dict[str, bytes]:
    folder = resources.files("rl_trainer.environments.swe") / "in_sandbox"
    return {name: (folder / f"{name}.py").read_bytes() for name in _PROGRAM}


def _program(folder: str) -> dict[str, bytes]:
    return {f"{folder}/in_sandbox/{name}.py": source for name, source in _sources().items()}


def _command(folder: str, settings: SweSettings) -> str:
    # -I: neither the folder nor variables nor a user's site have a say in what the program imports.
    place = f"import os, sys; folder = os.path.join(os.getcwd(), {folder!r}); sys.path.insert(0, folder)"
    program = f"{place}; from in_sandbox.parent import main; main(folder)"
    return f"exec {shlex.quote(settings.python)} -I -B -c {shlex.quote(program)}"


async def _run(task: SweTask, start: Files, patch: Patch, laid: Files, *, command: str, open_: Opener) -> Ran:
    """Run the command in a clean copy with the patch and what is laid over it."""
    limits = msgspec.structs.replace(task.grade_limits, output_kb=max(_OUTPUT_KB, task.grade_limits.output_kb))
    # A repository's files are in its image: only what differs is written, and deleted there.
    base = start if task.repository is None else {path: text.encode() for path, text in task.files.items()}
    files = {**applied(patch, base), **laid}
    async with open_(files, limits=limits, repository=task.repository) as sandbox:
        if task.repository is not None:
            await remove(sandbox, [path for path, content in patch.files.items() if content is None], limits)
        return await sandbox.run(command, limits=limits, env=_environment(task))


async def remove(sandbox: Sandbox, paths: Sequence[str], limits: Limits) -> None:
    """Remove files, and every repository's history: what comes after a commit is no help to have.

    Raises:
        WorldFailed: they cannot be removed.
    """
    history = "find . -name .git -prune -exec rm -rf {} +"
    removed = await sandbox.run(f"{history} && rm -rf -- {shlex.join(paths)}" if paths else history, limits=limits)
    if not removed.ok:
        raise WorldFailed(f"the sandbox's files could not be removed: {removed.output[-300:]}")


def _no_report(ran: Ran) -> str:
    if ran.killed:
        return f"the tests were ended by the limit of {ran.killed}"
    return f"the grader's program said nothing (exit status {ran.code}): {ran.output[-300:]}"


def _check(report: Report, settings: SweSettings) -> None:
    if report.ended == "starved":
        raise WorldFailed("the tests had no result when their wall time was over: the machine is too busy, or stands")
    for name, message in report.of("broke"):
        if name == "ModuleNotFoundError" and "pytest" in message:
            raise TrainingToolsMissing(
                f"these tests need pytest, which {settings.python!r} of the sandbox does not have: set "
                "sandbox.local.python to an interpreter that has it (pip install pytest), or use an image that does"
            )
