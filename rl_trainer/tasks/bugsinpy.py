"""BugsInPy: the folder of soarsmu/BugsInPy, with the projects' clones under `repositories/NAME`.

Its bugs come from many years of many projects: a task runs only where the project's own requirements are installed.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec

from rl_trainer.environments.swe.task import SweTask
from rl_trainer.errors import TaskInvalid
from rl_trainer.task import Task
from rl_trainer.tasks.clone import Clone
from rl_trainer.tasks.ids import ids_of_tests
from rl_trainer.tasks.patch import PatchWrong, apply
from rl_trainer.tasks.record import Record, read_as, swe


class _Bug(msgspec.Struct, frozen=True):
    project: str
    number: str
    clone: str
    info: dict[str, str]
    patch: str
    run_test: str


def records(folder: Path) -> Iterator[Record]:
    """A record for each bug of the folder, projects and numbers in order."""
    bugs = (folder / "projects").glob("*/bugs/*/bug.info")
    for path in sorted(bugs, key=lambda path: (path.parts[-4], len(path.parts[-2]), path.parts[-2])):
        project = path.parts[-4]
        yield {
            "project": project,
            "number": path.parts[-2],
            "clone": str(folder / "repositories" / project),
            "info": dict(re.findall(r'^(\w+)="?([^"\n]*)"?\s*$', path.read_text("utf-8"), re.MULTILINE)),
            "patch": _read(path.with_name("bug_patch.txt")),
            "run_test": _read(path.with_name("run_test.sh")),
        }


def bug(record: Record) -> Task:
    """One bug: the repository before the fix; the tests are those after it, hidden."""
    found = read_as(_Bug, record)
    missing = {"buggy_commit_id", "fixed_commit_id", "test_file"} - found.info.keys()
    if missing:
        raise TaskInvalid(f"bug.info lacks {', '.join(sorted(missing))}")
    clone = Clone(Path(found.clone))
    files = clone.files(found.info["buggy_commit_id"])
    paths = [path.strip() for path in found.info["test_file"].split(";") if path.strip()]
    hidden = {path: clone.read(found.info["fixed_commit_id"], path) for path in paths}
    tests = [test for line in found.run_test.splitlines() for test in _tests(line, hidden)]
    try:
        gold = apply(found.patch, files)
    except PatchWrong as error:
        raise TaskInvalid(f"bug_patch.txt does not fit the repository: {error}") from error
    name = f"{found.project}-{found.number}"
    return swe(
        f"bugsinpy/{name}",
        f"There is a bug in {found.project}: {_names(tests)} should pass and do not. Find it and mend it.",
        SweTask(
            files=files,
            protected=tuple(paths),
            hidden_files=hidden,
            test_cmd=shlex.join(["python", "-m", "pytest", "-q", *dict.fromkeys(tests)]),
            fail_to_pass=tuple(dict.fromkeys(tests)),
            gold_files=gold,
            gold_patch=found.patch,
        ),
        kind="bugsinpy",
        group=f"bugsinpy/{found.project}",
        source="BugsInPy",
    )


def _tests(line: str, hidden: dict[str, str]) -> Iterator[str]:
    """The tests of one line of run_test.sh, as pytest names them."""
    words = [word for word in shlex.split(line, comments=True) if not word.startswith("-")]
    for word in words:
        path, _, name = word.partition("::")
        if path.endswith(".py"):
            rest = words[words.index(word) + 1 :]
            if name:
                yield word
            elif rest:
                yield from (f"{path}::{each.replace('.', '::')}" for each in rest)
            else:
                yield from ids_of_tests(path, hidden.get(path, ""))
            return
        if module := _module(word, hidden):
            name = word.removeprefix(module.removesuffix(".py").replace("/", ".")).strip(".").replace(".", "::")
            yield from [f"{module}::{name}"] if name else ids_of_tests(module, hidden[module])


def _module(word: str, hidden: dict[str, str]) -> str:
    """The test file that a dotted name begins with; empty if it is none."""
    dotted = {path.removesuffix(".py").replace("/", "."): path for path in hidden}
    return next((path for name, path in dotted.items() if word == name or word.startswith(f"{name}.")), "")


def _names(tests: list[str]) -> str:
    return ", ".join(test.rpartition("::")[2] for test in tests[:5]) or "some tests"


def _read(path: Path) -> str:
    return path.read_text("utf-8", errors="replace") if path.is_file() else ""
