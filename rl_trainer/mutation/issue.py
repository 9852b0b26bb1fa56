"""The text of an issue, from what the failing tests say; never where the bug is, nor how it is mended."""

import hashlib
import re
from collections.abc import Mapping
from typing import Protocol

import msgspec

_SHOWN = 3
_ASIDES = re.compile(r"Omitting \d+ identical items?, use -vv to show|Use -v to get more diff")
"""What pytest says to whoever runs it."""
_OPENINGS = (
    "{project}: something does not work as it should.",
    "There is a bug in {project}.",
    "{project} gives wrong results.",
    "I found a case that {project} does not handle.",
    "Some things that {project} should do, it does not do any more.",
)


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """What an issue may be written from. failed: the tests that show the bug, each with what it said.

    named: whether those tests may be named, since they can be read and run.
    """

    task_id: str
    project: str
    failed: dict[str, str]
    about: str = ""
    named: bool = True


class IssueWriter(Protocol):
    """Writes the issue: by rule, or a language model that is shown no more than this."""

    async def __call__(self, failures: Failures) -> str: ...


async def by_rule(failures: Failures) -> str:
    """A short report: an opening drawn by the task's id, up to three failures, what the project is meant to do."""
    draw = int.from_bytes(hashlib.sha256(failures.task_id.encode()).digest()[:4])
    opening = _OPENINGS[draw % len(_OPENINGS)].format(project=failures.project)
    shown = sorted(failures.failed)[:_SHOWN]
    lines = [_line(test, failures.failed, named=failures.named) for test in shown]
    if more := len(failures.failed) - len(shown):
        lines.append(f"- {more} more of the kind")
    closing = "The tests are right. Find the cause and mend it." if failures.named else "Find the cause and mend it."
    parts = [opening, "What is seen:\n\n" + "\n".join(lines), closing]
    if failures.about:
        parts.append(failures.about.strip())
    return "\n\n".join(parts)


def _line(test: str, failed: Mapping[str, str], *, named: bool) -> str:
    message = " ".join(_ASIDES.sub("", failed[test]).split()) or "it fails"
    return f"- `{test}`: {message}" if named else f"- {_behaviour(test)}: {message}"


def _behaviour(test: str) -> str:
    """What a test is about, by its name.

    Example:
        "roman_test.py::RomanTest::test_two_is_ii" -> "two is ii"
    """
    words = re.sub(r"^test_?", "", test.rpartition("::")[2].partition("[")[0]).replace("_", " ").strip()
    return words or "a use of it"
