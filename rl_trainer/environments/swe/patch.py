"""`Patch`: what the agent changed, and which of it may be graded."""

import difflib
import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Files = Mapping[str, bytes]

_NEVER_SEEN = ("__pycache__", ".pytest_cache", ".git", ".mypy_cache", ".ruff_cache", ".hypothesis")
_STEERS_TESTS = ("conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")
_STEERS_PYTHON = ("sitecustomize.py", "usercustomize.py", "*.pth", "*.pyc", "*.pyo", "*.so", "*.egg-link", "pyvenv.cfg")
_CONFIGURES = ("tox.ini", "setup.cfg", "pyproject.toml")
_TESTS = ("test_*.py", "*_test.py", "tests.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """files: the content of what is new or changed, None for what is gone; by path, sorted."""

    files: dict[str, bytes | None] = field(default_factory=dict[str, bytes | None])

    def __bool__(self) -> bool:
        return bool(self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What is graded of a patch. left_out: paths that are not; cheats: what was tried by them, in plain words."""

    patch: Patch
    left_out: tuple[str, ...] = ()
    cheats: tuple[str, ...] = ()


def seen(path: str) -> bool:
    """Whether a path counts at all: caches and version control do not."""
    return not any(part in _NEVER_SEEN for part in path.split("/"))


def difference(start: Files, now: Files) -> Patch:
    """What has to be written and deleted to come from the one to the other."""
    changed = {path for path in {*start, *now} if seen(path) and start.get(path) != now.get(path)}
    return Patch(files={path: now.get(path) for path in sorted(changed)})


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns names the path, its file name, or a folder that it is in.

    Example:
        matches("tests/unit/test_a.py", ["tests"]) -> True
    """
    name = path.rpartition("/")[2]
    return any(
        path == each
        or fnmatch.fnmatchcase(path, each)
        or fnmatch.fnmatchcase(name, each)
        or path.startswith(f"{each}/")
        for each in (pattern.rstrip("/") for pattern in patterns)
    )


def accepted(patch: Patch, start: Files, protected: Iterable[str], hidden: Iterable[str]) -> Accepted:
    """The part of a patch that may be graded: no tests, nothing that steers how tests or Python run.

    The agent's own new tests are left out too, and nobody minds; a change of a protected file is a cheat.
    """
    protected, hidden = tuple(protected), frozenset(hidden)
    kept: dict[str, bytes | None] = {}
    left_out: list[str] = []
    cheats: list[str] = []
    for path, content in patch.files.items():
        reason = _refused(path, content, start, protected, hidden)
        if reason is None:
            kept[path] = content
            continue
        left_out.append(path)
        if reason:
            cheats.append(f"{reason}: {path}")
    return Accepted(patch=Patch(files=kept), left_out=tuple(left_out), cheats=tuple(cheats))


def _refused(
    path: str, content: bytes | None, start: Files, protected: tuple[str, ...], hidden: frozenset[str]
) -> str | None:
    """Why a file is left out; empty where it is no cheat, None where it is kept."""
    name = path.rpartition("/")[2]
    if matches(path, protected):
        return "adds a protected file" if path not in start else _touched(content)
    if any(fnmatch.fnmatchcase(name, each) for each in _STEERS_TESTS):
        return "steers the test runner"
    if any(fnmatch.fnmatchcase(name, each) for each in _STEERS_PYTHON):
        return "steers the interpreter"
    if name in _CONFIGURES:
        steers = b"pytest" in (content or b"") and b"pytest" not in start.get(path, b"")
        return "steers the test runner" if steers else ""
    if path in hidden:
        return "writes where the hidden tests go"
    if any(fnmatch.fnmatchcase(name, each) for each in _TESTS):
        return "" if path not in start else _touched(content)
    return None


def _touched(content: bytes | None) -> str:
    return "deletes tests" if content is None else "changes tests"


def applied(patch: Patch, start: Files) -> dict[str, bytes]:
    """The files after a patch."""
    files = {**start, **{path: content for path, content in patch.files.items() if content is not None}}
    return {path: files[path] for path in sorted(files) if path not in patch.files or patch.files[path] is not None}


def unified(patch: Patch, start: Files) -> str:
    """The patch for people, in the form of `git diff`; what is no text is only named."""
    parts: list[str] = []
    for path, content in patch.files.items():
        try:
            before, after = start.get(path, b"").decode(), (content or b"").decode()
        except UnicodeDecodeError:
            parts.append(f"Binary file {path} differs\n")
            continue
        names = ("/dev/null" if path not in start else f"a/{path}", "/dev/null" if content is None else f"b/{path}")
        lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), *names)
        parts += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
    return "".join(parts)
