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
from rl_trainer.tasks.contents import Contents, nowhere
from rl_trainer.tasks.patch import PatchWrong, apply, parse
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


def instance(record: Record, *, contents: Contents = nowhere) -> Task:
    """One instance; it is opened from its image, and its kind is its repository.

    contents: where the text of files comes from that the test patch changes, or SWE-smith's bug patch.
    """
    found = read_as(_Instance, record)
    must, may = _listed(found.FAIL_TO_PASS), _listed(found.PASS_TO_PASS)
    wrong = next((test for test in must if "::" not in test), None)
    if wrong is not None:
        raise TaskInvalid(f"instance {found.instance_id}: test {wrong!r} is no pytest id: its runner is not supported")
    if not found.problem_statement.strip():
        raise TaskInvalid(f"instance {found.instance_id} has no problem_statement: nobody could know what to do")
    smith = found.repo.startswith("swesmith/") or "swesmith" in (found.image_name or "")
    repository = Repository(
        image=_image(found), url=f"https://github.com/{found.repo}", commit="HEAD" if smith else found.base_commit
    )
    hidden = _patched(found, found.test_patch, repository, contents)
    broken = _patched(found, found.patch, repository, contents) if smith else {}
    paths = tuple(sorted({test.partition("::")[0] for test in (*must, *may)} | hidden.keys()))
    return swe(
        found.instance_id,
        found.problem_statement,
        SweTask(
            repository=repository,
            files=broken,
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


def _patched(found: _Instance, patch: str, repository: Repository, contents: Contents) -> dict[str, str]:
    """The files that a diff makes or changes, as they then are."""
    try:
        changed = [each.old for each in parse(patch) if each.old is not None]
        done = apply(patch, {path: contents(repository, path) for path in changed})
    except PatchWrong as error:
        raise TaskInvalid(f"instance {found.instance_id}: a patch of it does not fit: {error}") from error
    return {path: text for path, text in done.items() if text is not None}


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
