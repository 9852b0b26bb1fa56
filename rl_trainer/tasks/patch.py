"""Unified diffs: made, applied to texts, measured."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_NO_NEWLINE = "\\ No newline at end of file"


class PatchWrong(ValueError):
    """A text that is no unified diff, or one that does not fit the files."""


@dataclass(slots=True, kw_only=True)
class FilePatch:
    """What a diff does to one file. old and new: its paths before and after; None where it did not or will not be."""

    old: str | None
    new: str | None
    hunks: list[tuple[int, list[str]]] = field(default_factory=list[tuple[int, list[str]]])

    @property
    def path(self) -> str:
        return self.new or self.old or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many files a diff changes, and how many lines it adds and removes."""

    files: int
    lines: int


def diff(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The unified diff from some files to others; a path that only one side has is a file made or deleted."""
    parts: list[str] = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old != new:
            names = "/dev/null" if old is None else f"a/{path}", "/dev/null" if new is None else f"b/{path}"
            lines = difflib.unified_diff(_lines(old or ""), _lines(new or ""), *names)
            parts += [line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}\n" for line in lines]
    return "".join(parts)


def parse(patch: str) -> list[FilePatch]:
    """A diff, file by file.

    Raises:
        PatchWrong: a hunk that ends early, or stands outside a file.
    """
    found: list[FilePatch] = []
    lines = patch.split("\n")
    old: str | None = None
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith("--- "):
            old = _path(line[4:])
        elif line.startswith("+++ "):
            found.append(FilePatch(old=old, new=_path(line[4:])))
        elif hunk := _HUNK.match(line):
            if not found:
                raise PatchWrong(f"a hunk outside a file: {line!r}")
            body, at = _hunk(lines, at, int(hunk[2] or 1), int(hunk[4] or 1))
            found[-1].hunks.append((int(hunk[1]), body))
    return found


def size(patch: str) -> Size:
    """How much a diff changes.

    Raises:
        PatchWrong: as `parse`.
    """
    files = parse(patch)
    lines = sum(line[0] in "+-" for each in files for _, hunk in each.hunks for line in hunk)
    return Size(files=len({each.path for each in files}), lines=lines)


def apply(patch: str, files: Mapping[str, str], *, reverse: bool = False) -> dict[str, str | None]:
    """The files that a diff changes, as they are afterwards; None for one that is deleted.

    Raises:
        PatchWrong: a file is not there, or its lines are not those of the diff.

    Example:
        apply(diff({"a.py": "x = 1\\n"}, {"a.py": "x = 2\\n"}), {"a.py": "x = 1\\n"}) -> {"a.py": "x = 2\\n"}
    """
    done: dict[str, str | None] = {}
    for each in parse(patch):
        old, new = (each.new, each.old) if reverse else (each.old, each.new)
        if old is not None and old not in files:
            raise PatchWrong(f"{old} is not among the files")
        text = _changed(files[old] if old is not None else "", each, reverse)
        if old is not None and old != new:
            done[old] = None
        if new is not None:
            done[new] = text
    return done


def _hunk(lines: list[str], at: int, old: int, new: int) -> tuple[list[str], int]:
    """A hunk's lines, and where the next line stands."""
    body: list[str] = []
    while old > 0 or new > 0:
        line = lines[at] if at < len(lines) else "\0"
        at += 1
        if line.startswith("\\"):
            body[-1] = body[-1].removesuffix("\n")
            continue
        line = line or " "  # editors and mailers strip the blank of an empty line
        if line[0] not in " +-":
            raise PatchWrong(f"a hunk ends early: {old} old and {new} new lines are missing")
        old, new = old - (line[0] in " -"), new - (line[0] in " +")
        body.append(line + "\n")
    if body and at < len(lines) and lines[at].startswith("\\"):
        body[-1] = body[-1].removesuffix("\n")
        at += 1
    return body, at


def _changed(text: str, patch: FilePatch, reverse: bool) -> str:
    lines, done, at = _lines(text), list[str](), 0
    gone, come = ("+", "-") if reverse else ("-", "+")
    shift = 0
    for start, hunk in patch.hunks:
        old = [line[1:] for line in hunk if line[0] in " " + gone]
        new = [line[1:] for line in hunk if line[0] in " " + come]
        place = _place(lines, old, start - (1 if old else 0) + (shift if reverse else 0), at)
        if place is None:
            raise PatchWrong(f"{patch.path}: the lines at {start} are not those of the diff")
        shift += len(old) - len(new)
        done += [*lines[at:place], *new]
        at = place + len(old)
    return "".join([*done, *lines[at:]])


def _place(lines: list[str], old: list[str], expected: int, least: int) -> int | None:
    """Where the old lines stand: as near as possible to where the diff says, and after the hunk before.

    Whether the last line of a file ends in a line feed is left alone: not every maker of diffs marks it.
    """
    bare, wanted = [[line.removesuffix("\n") for line in each] for each in (lines, old)]
    fits = [at for at in range(least, len(lines) - len(old) + 1) if bare[at : at + len(old)] == wanted]
    return min(fits, key=lambda at: abs(at - expected), default=None)


def _lines(text: str) -> list[str]:
    """Lines as diffs have them: only a line feed ends one."""
    return [line + "\n" for line in text.split("\n")[:-1]] + ([last] if (last := text.rpartition("\n")[2]) else [])


def _path(words: str) -> str | None:
    name = words.split("\t")[0].strip()
    if name == "/dev/null":
        return None
    return name[2:] if name[:2] in {"a/", "b/"} else name
