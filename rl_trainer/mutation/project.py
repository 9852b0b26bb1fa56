"""`Project`: a tested Python project as its texts: which of them may get a bug, which are its tests."""

import fnmatch
from collections.abc import Collection
from pathlib import Path

import msgspec

from rl_trainer.errors import TaskInvalid
from rl_trainer.tasks.ids import ids_of_tests

_SKIPPED = {"__pycache__", "node_modules", "build", "dist", "venv", "env", "site-packages"}
_TESTS = ("test_*.py", "*_test.py", "tests.py")
_NO_TARGETS = ("conftest.py", "setup.py", "noxfile.py", "__main__.py", "conf.py", "docs/*", "examples/*", "scripts/*")
_MOST_BYTES = 256_000
_MOST_FILES = 5_000


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """files: all texts, by path. targets: the modules that may get a bug. tests: the files with tests.

    about: what it is, for the goal of its tasks; group: what its tasks share, the mutated file where it is empty;
    source and licence: where it comes from. plugins: pytest plugins that the tests need.
    """

    name: str
    files: dict[str, str]
    targets: tuple[str, ...]
    tests: tuple[str, ...]
    test_cmd: str
    about: str = ""
    group: str = ""
    source: str = ""
    licence: str = ""
    plugins: tuple[str, ...] = ()

    @property
    def code(self) -> dict[str, str]:
        """The modules that may get a bug."""
        return {path: self.files[path] for path in self.targets}


def read_project(
    folder: Path, *, targets: Collection[str] = (), test_cmd: str = "", about: str = "", licence: str = ""
) -> Project:
    """A project from its folder: its texts up to 256 KB, without hidden folders, environments and what is built.

    targets: patterns of the modules that may get a bug; without any, all that are no tests and do not only configure.

    Raises:
        TaskInvalid: there is no Python, there are no tests, or it has too many files for a task to carry.
    """
    files = _texts(folder)
    python = [path for path in files if path.endswith(".py")]
    tests = tuple(path for path in python if _named(path, _TESTS) or ids_of_tests(path, files[path]))
    chosen = tuple(path for path in python if path not in tests and _is_target(path, targets))
    if not tests or not chosen:
        what = "no tests (test_*.py or *_test.py)" if not tests else "no module that may get a bug"
        raise TaskInvalid(f"{folder}: found {what} among {len(python)} Python files")
    return Project(
        name=folder.resolve().name,
        files=files,
        targets=chosen,
        tests=tests,
        test_cmd=test_cmd or f"python -m pytest -q {' '.join(tests)}",
        about=about,
        source=folder.resolve().name,
        licence=licence,
    )


def _texts(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise TaskInvalid(f"{folder} is no folder")
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") or part in _SKIPPED or part.endswith(".egg-info") for part in parts):
            continue
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= _MOST_BYTES:
            try:
                found["/".join(parts)] = path.read_bytes().decode()
            except UnicodeDecodeError:
                continue
        if len(found) > _MOST_FILES:
            raise TaskInvalid(f"{folder} has more than {_MOST_FILES} texts: name a part of it that has its own tests")
    return found


def _is_target(path: str, targets: Collection[str]) -> bool:
    if targets:
        return _named(path, targets)
    return not _named(path, _NO_TARGETS) and not {"tests", "test", "testing"} & set(path.split("/")[:-1])


def _named(path: str, patterns: Collection[str]) -> bool:
    return any(fnmatch.fnmatch(path, each) or fnmatch.fnmatch(path.rpartition("/")[2], each) for each in patterns)
