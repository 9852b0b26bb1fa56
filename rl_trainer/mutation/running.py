"""What each test of a project says, with some files changed; by the same engines as the grader's, in a sandbox."""

import json
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from rl_trainer.environments.swe.engine import engine_of, pytest_arguments
from rl_trainer.environments.swe.grading import Opener
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.task import SweTask
from rl_trainer.errors import WorldFailed
from rl_trainer.mutation.project import Project
from rl_trainer.sandbox.sandbox import Limits

_FOLDER = ".run-tests"
_MODULES = ("__init__", "parent", "child", "running", "watching")
_MARK = "outcomes "
_ENDLESS = "TooLong"
_OUTPUT_KB = 1_024
# One process a variant, forked when all is imported: that is what makes thousands of runs affordable. Each has a copy
# of the folder, so that what a test leaves behind is nobody else's.
_PROGRAM = f"""
import json, os, shutil, sys, tempfile
sys.path.insert(0, {_FOLDER!r})
from in_sandbox import running
from in_sandbox.parent import gather
sys.path.remove({_FOLDER!r})
with open({_FOLDER!r} + "/plan.json") as file:
    plan = json.load(file)
with open({_FOLDER!r} + "/variants.json") as file:
    variants = json.load(file)
shutil.rmtree({_FOLDER!r})
os.environ.update(plan["env"])
sys.argv = ["test"]
if plan["runner"] == "pytest":
    import pytest
def crash(report):
    at = getattr(report.longrepr, "reprcrash", None)
    lines = str(report.longreprtext).strip().splitlines() or [""]
    return (at.message if at is not None else lines[-1])[:300]
running.last_line = crash  # what is for people: the error itself, not the last line of what pytest says of it
def say(*record):
    line = (json.dumps(record) + "\\n").encode("utf-8", "replace")
    while line:
        line = line[os.write(pipe, line) :]
def test(changed):
    os.setsid()
    for path, text in changed.items():
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    quiet = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(quiet, descriptor)
    try:
        getattr(running, "with_" + plan["runner"])(plan, say)
    except BaseException as error:
        say("broke", type(error).__name__, str(error)[:300])
for number, changed in enumerate(variants):
    folder = tempfile.mkdtemp(prefix="variant-")
    shutil.copytree(".", folder, symlinks=True, dirs_exist_ok=True)
    results, pipe = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.chdir(folder)
            test(changed)
        finally:
            os._exit(0)
    os.close(pipe)
    lines, ended = gather(results, child, plan)
    os.close(results)
    shutil.rmtree(folder, ignore_errors=True)
    records = [json.loads(line) for line in lines if line.startswith("[")]
    print({_MARK!r} + json.dumps([number, records, ended]), flush=True)
"""


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """passed: ids. failed: ids, each with its message. broken: why tests were not collected, or why none ran.

    endless: a test, or all of them, used up the CPU time or did nothing but wait.
    """

    passed: frozenset[str]
    failed: dict[str, str]
    broken: str = ""
    endless: bool = False


Run = Callable[[Sequence[Mapping[str, str]], int], Awaitable[list[Outcomes]]]
"""The outcomes for each of several sets of changed files, with this seed of Python's hashes.

Raises:
    WorldFailed: the sandbox broke, or the machine was too busy.
"""


def runner(project: Project, open_: Opener, *, settings: SweSettings, limits: Limits) -> Run:
    """Runs the project's tests, for several variants of it in one sandbox."""
    plan = json.dumps(_plan(project, settings, limits)).encode()
    files = {path: text.encode() for path, text in project.files.items()} | _sources()
    command = f"exec {shlex.quote(settings.python)} -B {_FOLDER}/program.py"

    async def run(variants: Sequence[Mapping[str, str]], seed: int) -> list[Outcomes]:
        given = {f"{_FOLDER}/plan.json": plan, f"{_FOLDER}/variants.json": json.dumps(list(variants)).encode()}
        wider = msgspec.structs.replace(
            limits, wall_s=limits.wall_s * len(variants), output_kb=max(limits.output_kb, _OUTPUT_KB) * len(variants)
        )
        async with open_(files | given, limits=wider, repository=None) as sandbox:
            ran = await sandbox.run(command, limits=wider, env={"PYTHONHASHSEED": str(seed)})
        found = read(ran.output)
        if len(found) == len(variants):
            return [found[number] for number in range(len(variants))]
        if len(variants) == 1:
            why = ran.killed or f"exit status {ran.code}: {ran.output[-300:]}"
            return [Outcomes(passed=frozenset(), failed={}, broken=f"no test ran: {why}")]
        return [outcomes for variant in variants for outcomes in await run([variant], seed)]

    return run


def read(output: str) -> dict[int, Outcomes]:
    """The outcomes that the program printed, by the number of the variant.

    Raises:
        WorldFailed: the machine was so busy that the tests had too little of it.
    """
    lines = [line.removeprefix(_MARK) for line in output.splitlines() if line.startswith(_MARK)]
    return {number: _outcomes(records, ended) for number, records, ended in map(json.loads, lines)}


def _outcomes(records: list[Any], ended: str) -> Outcomes:
    """A test that said several things has passed only if all of them were good."""
    if ended == "starved":
        raise WorldFailed("the tests had no result when their wall time was over: the machine is too busy")
    passed, failed = set[str](), dict[str, str]()
    broken, whole = "", False
    for record in records:
        match record:
            case ["done"]:
                whole = True
            case ["broke" | "collect", where, message]:
                broken = broken or f"{where}: {message}"
            case [id_, "passed", _]:
                passed.add(id_)
            case [id_, "failed", message]:
                failed.setdefault(id_, message)
            case _:
                continue
    return Outcomes(
        passed=frozenset(passed - failed.keys()),
        failed=failed,
        broken=broken or ("" if passed or failed or not whole else "no test was found"),
        endless=not whole or any(message.startswith(_ENDLESS) for message in failed.values()),
    )


def _plan(project: Project, settings: SweSettings, limits: Limits) -> dict[str, Any]:
    task = SweTask(files=project.files, test_cmd=project.test_cmd, fail_to_pass=project.tests, plugins=project.plugins)
    tests = {path: project.files[path] for path in project.tests}
    return {
        "runner": engine_of(task, tests, settings),
        "arguments": pytest_arguments(task, ()),
        "env": {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        "tests": list(project.tests),
        "patched": [],
        "stall_s": settings.stall_s,
        "wall_s": limits.wall_s,
        "test_cpu_s": settings.test_cpu_s,
    }


@cache
def _sources() -> dict[str, bytes]:
    folder = resources.files("rl_trainer.environments.swe") / "in_sandbox"
    found = {f"{_FOLDER}/in_sandbox/{name}.py": (folder / f"{name}.py").read_bytes() for name in _MODULES}
    return {**found, f"{_FOLDER}/program.py": _PROGRAM.encode()}
