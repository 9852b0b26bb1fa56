"""How a shell command is run in a sandbox, and its output made the same for the same state."""

import re
import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath

_MARK = "@@left-in@@"
_SECONDS = re.compile(r"\b(in|after) \d+(?:\.\d+)? ?(s|secs?|seconds?)\b(?: \(\d+:\d+:\d+\))?")
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """output: what the command wrote. folder: where it left the shell, relative; None where nobody knows."""

    output: str
    folder: str | None


def wrapped(command: str, folder: str) -> str:
    """The command in a folder of the sandbox; where it leaves the shell is told at the end of the output."""
    leave = f'printf \'\\n{_MARK}%s\\n%s\' "$_root" "$PWD"'
    return f"_root=$PWD; cd {shlex.quote(folder or '.')} || exit 1; trap {shlex.quote(leave)} EXIT\n{command}\n"


ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "TERM": "dumb",
    "NO_COLOR": "1",
    "COLUMNS": "120",
    "TZ": "UTC",
}
"""Variables that make output the same each time."""


def said(output: str) -> Said:
    """The output without our mark, without times, addresses, colours and the place of the sandbox on its machine."""
    text, found, left = output.rpartition(f"\n{_MARK}")
    if not found:
        return Said(output=steady(output), folder=None)
    root, _, at = left.partition("\n")
    folder = _relative(at.strip(), root)
    return Said(
        output=steady(text.replace(f"{root}/", "").replace(root, ".") if len(root) > 1 else text), folder=folder
    )


def _relative(at: str, root: str) -> str | None:
    if at == root:
        return ""
    inside = PurePosixPath(at)
    return str(inside.relative_to(root)) if inside.is_relative_to(root) else None


def steady(text: str) -> str:
    """Without what differs from run to run.

    Example:
        steady("3 passed in 0.12s") -> "3 passed"
    """
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    text = _SECONDS.sub("", text)
    return "\n".join(line.rstrip() for line in _ADDRESS.sub("at 0x0", text).split("\n")).strip("\n")
