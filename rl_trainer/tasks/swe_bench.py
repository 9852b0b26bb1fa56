"""Records of SWE-bench and its family: SWE-bench, SWE-rebench, SWE-Gym, R2E, SWE-smith. They run in container images.

All have an instance, its repository, a patch, and tests that must pass; they differ in names, and SWE-smith's patch
makes the bug where the others' mends it.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from rl_trainer.environments.swe.task import Repository, SweTask
from rl_trainer.errors import TaskInvalid
from rl_trainer.task import Task
from rl_trainer.tasks.commands import plain_command
from rl_trainer.tasks.patch import PatchWrong, parse
from rl_trainer.tasks.record import Record, read_as, swe

_IMAGE = "swebench/sweb.eval.x86_64.{}:latest"
"""Where SWE-bench's own harness keeps an instance's image."""
_TEST_FILE = re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$|(^|/)(tests?|testing)/.*\.py$")


class _Instance(msgspec.Struct, frozen=True):
    instance_id: str
    FAIL_TO_PASS: list[str] | str
    problem_statement: str = ""
    repo: str = ""
    base_commit: str = ""
    patch: str = ""
    test_patch: str = ""
    PASS_TO_PASS: list[str] | str = ""
    image_name: str | None = None
    docker_image: str | None = None
    install_config: dict[str, Any] | None = None
    license_name: str | None = None


def instance(record: Record) -> Task:
    """One instance; it is opened from its image, and its kind is its repository."""
    found = read_as(_Instance, record)
    must, may = _listed(found.FAIL_TO_PASS), _listed(found.PASS_TO_PASS)
    wrong = next((test for test in must if "::" not in test), None)
    if wrong is not None:
        raise TaskInvalid(f"instance {found.instance_id}: test {wrong!r} is no pytest id: its runner is not supported")
    if not found.problem_statement.strip():
        raise TaskInvalid(f"instance {found.instance_id} has no problem_statement: nobody could know what to do")
    smith = found.repo.startswith("swesmith/") or "swesmith" in (found.image_name or "")
    hidden = _hidden(found)
    paths = tuple(sorted({test.partition("::")[0] for test in (*must, *may)} | hidden.keys()))
    return swe(
        found.instance_id,
        found.problem_statement,
        SweTask(
            repository=Repository(
                image=_image(found),
                url=f"https://github.com/{found.repo}",
                commit=found.instance_id if smith else found.base_commit,
            ),
            protected=paths,
            hidden_files=hidden,
            test_cmd=_command(found, paths),
            fail_to_pass=must,
            pass_to_pass=tuple(test for test in may if "::" in test),
            gold_patch=reversed_patch(found.patch) if smith else found.patch,
        ),
        kind=found.repo,
        group=found.repo,
        source="SWE-smith" if smith else "SWE-bench family",
        licence=found.license_name or "",
    )


def reversed_patch(patch: str) -> str:
    """The patch that undoes this one."""
    lines, gone, come, old = list[str](), list[str](), list[str](), ""
    for line in [*patch.split("\n"), ""]:
        if line.startswith("--- "):
            old = line[4:]
        elif line.startswith("+++ "):
            lines += ["--- " + _other(line[4:], "a/"), "+++ " + _other(old, "b/")]
        elif line[:1] == "+":
            gone.append("-" + line[1:])
        elif line[:1] == "-":
            come.append("+" + line[1:])
        else:
            lines += [*gone, *come, re.sub(r"^@@ -(\S+) \+(\S+) @@", r"@@ -\2 +\1 @@", line)]
            gone, come = [], []
    return "\n".join(lines[:-1])


def _other(path: str, prefix: str) -> str:
    return prefix + path[2:] if path[:2] in {"a/", "b/"} else path


def _hidden(found: _Instance) -> dict[str, str]:
    """The test files that the test patch makes; one that it changes is restored from nowhere, so it is refused."""
    try:
        patches = parse(found.test_patch)
    except PatchWrong as error:
        raise TaskInvalid(f"instance {found.instance_id}: its test_patch cannot be read: {error}") from error
    if changed := [each.path for each in patches if each.old is not None]:
        raise TaskInvalid(f"instance {found.instance_id}: test_patch changes {', '.join(changed)}")
    return {each.path: "".join(line[1:] for _, hunk in each.hunks for line in hunk) for each in patches}


def _listed(tests: list[str] | str) -> tuple[str, ...]:
    """A list, or the JSON of one."""
    if isinstance(tests, list):
        return tuple(tests)
    try:
        return tuple(msgspec.json.decode(tests or "[]", type=list[str]))
    except msgspec.DecodeError as error:
        raise TaskInvalid(f"a list of tests is neither a list nor JSON: {tests[:80]!r}") from error


def _image(found: _Instance) -> str:
    named = found.image_name or found.docker_image
    return named or _IMAGE.format(found.instance_id.replace("__", "_1776_").lower())


def _command(found: _Instance, paths: Iterable[str]) -> str:
    files = [path for path in paths if _TEST_FILE.search(path)]
    given = (found.install_config or {}).get("test_cmd", "python -m pytest -q")
    command = given if isinstance(given, str) else " && ".join(given)
    return f"{plain_command(command)} {' '.join(files)}".strip()
