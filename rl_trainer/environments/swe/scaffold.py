"""`Scaffold`: the agent's view of a sandbox: an open file, a window on it, a current directory, and twelve actions."""

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from rl_trainer.environments.swe.counts import Counts
from rl_trainer.environments.swe.editing import (
    EditRefused,
    edited,
    lines_of,
    replaced,
    syntax_error,
)
from rl_trainer.environments.swe.patch import Files, difference, matches, seen
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.shell import ENVIRONMENT, said, wrapped
from rl_trainer.environments.swe.task import SweTask
from rl_trainer.environments.swe.tools import TOOLS
from rl_trainer.environments.swe.window import cut, first_line, window
from rl_trainer.errors import DiskFull, PathOutside
from rl_trainer.sandbox.sandbox import Ran, Sandbox

_ACTIONS = frozenset(tool.name for tool in TOOLS)
_FOUND = 50
_AROUND = 5


class Told(NamedTuple):
    """What an action answers; error: it was not done, and the text says what to do instead."""

    text: str
    error: bool = False


class Refused(Exception):
    """An action that cannot be done; the message is for the agent."""


class Place(NamedTuple):
    """Where the agent stands: the open file (empty for none), the first line shown, the current directory."""

    file: str = ""
    first: int = 1
    folder: str = ""


class Scaffold:
    """Actions by name over one sandbox. `files` is the sandbox's content as of the last action: nothing else writes."""

    def __init__(self, sandbox: Sandbox, task: SweTask, settings: SweSettings, *, start: Files) -> None:
        self._sandbox, self._task, self._settings = sandbox, task, settings
        self.start = start
        self.files: dict[str, bytes] = {path: content for path, content in start.items() if seen(path)}
        self.place = Place()
        self.counts = Counts()
        self.reason = ""

    def over(self, sandbox: Sandbox) -> "Scaffold":
        """The same state over a copy of the sandbox."""
        made = Scaffold(sandbox, self._task, self._settings, start=self.start)
        made.files, made.place, made.reason = dict(self.files), self.place, self.reason
        made.counts = replace(self.counts, touched=set(self.counts.touched))
        return made

    @property
    def ended(self) -> bool:
        return bool(self.counts.submitted or self.counts.gave_up)

    async def act(self, name: str, arguments: Mapping[str, Any]) -> Told:
        """Do one action with arguments that fit its schema. The last line tells where the agent stands.

        Raises:
            WorldFailed: the sandbox broke, or wall time passed.
        """
        if name not in _ACTIONS:
            raise ValueError(f"there is no action {name!r}: {', '.join(sorted(_ACTIONS))}")
        self.counts.calls += 1
        if self.ended:
            return Told("the task has ended: nothing more can be done", error=True)
        try:
            text = await getattr(self, f"_{name}")(**arguments)
        except (Refused, EditRefused, PathOutside, DiskFull) as refusal:
            self.counts.errors += 1
            return Told(f"{name} was not done: {refusal}\n{self._standing()}", error=True)
        return Told(f"{cut(text, self._settings.observation)}\n{self._standing()}")

    def _standing(self) -> str:
        at = self.place
        shown = f"{at.file} ({len(self._lines(at.file))} lines)" if at.file else "none"
        return f"[open file: {shown}; directory: {at.folder or '.'}]"

    # Looking

    async def _open(self, path: str, line: int = 1) -> str:
        found = self._existing(path)
        lines = self._lines(found)
        if line > max(1, len(lines)):
            raise Refused(f"{found} has {len(lines)} lines, there is no line {line}")
        self._look(found, line)
        return self._shown()

    async def _goto(self, line: int) -> str:
        return await self._open(f"/{self._opened()}", line)

    async def _scroll_up(self) -> str:
        self.place = self.place._replace(file=self._opened(), first=max(1, self.place.first - self._settings.window))
        return self._shown()

    async def _scroll_down(self) -> str:
        last = max(1, len(self._lines(self._opened())) - self._settings.window + 1)
        self.place = self.place._replace(first=min(last, self.place.first + self._settings.window))
        return self._shown()

    async def _search_file(self, text: str, path: str = "") -> str:
        found = self._existing(path) if path else self._opened()
        hits = [f"{number}: {line}" for number, line in enumerate(self._lines(found), 1) if text in line]
        return self._hits(hits, f"{text!r} in {found}")

    async def _search_dir(self, text: str, path: str = ".") -> str:
        folder = self._resolved(path)
        inside = [each for each in sorted(self.files) if not folder or each.startswith(f"{folder}/") or each == folder]
        if not inside:
            raise Refused(f"there is no directory {path!r}")
        wanted = text.encode()
        hits = [
            f"{each}:{number}: {line}"
            for each in inside
            if wanted in self.files[each] and b"\0" not in self.files[each]
            for number, line in enumerate(self._lines(each), 1)
            if text in line
        ]
        return self._hits(hits, f"{text!r} in {folder or 'the repository'}")

    def _hits(self, hits: list[str], what: str) -> str:
        more = [f"(and {len(hits) - _FOUND} more: search for something rarer)"] if len(hits) > _FOUND else []
        count = f"{len(hits)} line{'' if len(hits) == 1 else 's'} with {what}" if hits else f"no line with {what}"
        return "\n".join([count, *(cut(hit, 300) for hit in hits[:_FOUND]), *more])

    # Changing

    async def _create(self, path: str, content: str = "") -> str:
        found = self._resolved(path)
        if found in self.files:
            raise Refused(f"{found} exists: open it and use edit or replace")
        self._allowed(found)
        note = self._checked(found, "", content)
        await self._write(found, content)
        self._look(found, 1)
        return f"created {found}{note}\n{self._shown()}"

    async def _edit(self, start: int, end: int, text: str, path: str = "") -> str:
        found = self._existing(path) if path else self._opened()
        self._allowed(found)
        before = self._text(found)
        after = edited(before, start, end, text)
        return await self._change(found, before, after, start)

    async def _replace(self, old: str, new: str, replace_all: bool = False, path: str = "") -> str:
        found = self._existing(path) if path else self._opened()
        self._allowed(found)
        before = self._text(found)
        after, line = replaced(before, old, new, everywhere=replace_all)
        return await self._change(found, before, after, line)

    async def _change(self, path: str, before: str, after: str, line: int) -> str:
        if before == after:
            raise Refused("that changes nothing")
        note = self._checked(path, before, after)
        await self._write(path, after)
        self._look(path, line)
        first = max(1, line - _AROUND)
        return f"changed {path}{note}\n{window(self._lines(path), first, min(self._settings.window, 4 * _AROUND))}"

    def _checked(self, path: str, before: str, after: str) -> str:
        """A note where the change breaks a Python file.

        Raises:
            Refused: it does, and such changes are not made.
        """
        wrong = syntax_error(after) if path.endswith(".py") else ""
        if not wrong or (before and syntax_error(before)):
            return ""
        self.counts.syntax_errors += 1
        if self._settings.refuse_broken:
            raise Refused(f"{path} would be no Python any more ({wrong}). The file is as it was; mend the text")
        return f" - it is no Python any more ({wrong})"

    async def _write(self, path: str, text: str) -> None:
        content = text.encode()
        try:
            await self._sandbox.write(path, content)
        except (NotADirectoryError, IsADirectoryError):
            raise Refused(f"{path} cannot be a file: it is a folder, or something above it is a file") from None
        self.files[path] = content
        self.counts.edit(path)

    # Running and ending

    async def _shell(self, command: str) -> str:
        ran = await self._sandbox.run(wrapped(command, self.place.folder), limits=self._task.limits, env=ENVIRONMENT)
        await self._refresh()
        self.counts.command(command, self._task.visible_test_cmd)
        told = said(ran.output)
        if told.folder is not None:
            self.place = self.place._replace(folder=told.folder)
        return "\n".join(part for part in (told.output, _ending(ran)) if part) or "(no output)"

    async def _refresh(self) -> None:
        """What the command left; a change of files counts as one edit."""
        now = {path: content for path, content in (await self._sandbox.files()).items() if seen(path)}
        changed = difference(self.files, now).files
        self.files = now
        if changed:
            self.counts.edit(*changed)
        if self.place.file not in now:
            self.place = self.place._replace(file="", first=1)

    async def _submit(self) -> str:
        self.counts.submit()
        changed = list(difference(self.start, self.files).files)
        return f"submitted; changed: {', '.join(changed) or 'nothing'}"

    async def _give_up(self, reason: str) -> str:
        self.counts.gave_up, self.reason = 1, reason
        return "given up"

    # Paths and texts

    def _resolved(self, path: str) -> str:
        """A path from the sandbox's folder; a leading `/` means that folder."""
        joined = path.lstrip("/") if path.startswith("/") else posixpath.join(self.place.folder, path)
        found = posixpath.normpath(joined or ".")
        if found == ".." or found.startswith("../"):
            raise Refused(f"{path!r} leads out of the repository")
        return "" if found == "." else found

    def _existing(self, path: str) -> str:
        found = self._resolved(path)
        if found in self.files:
            return found
        name = found.rpartition("/")[2]
        like = [each for each in sorted(self.files) if each.rpartition("/")[2] == name][:3]
        there = f"; there is {', '.join(like)}" if like else "; search_dir and shell (ls) show what there is"
        raise Refused(f"there is no file {found or path!r}{there}")

    def _opened(self) -> str:
        if not self.place.file:
            raise Refused("no file is open: use open first, or give a path where the tool takes one")
        return self.place.file

    def _allowed(self, path: str) -> None:
        if matches(path, self._task.protected):
            self.counts.refused += 1
            raise Refused(f"{path} is protected: tests stay as they are, mend the code instead")

    def _text(self, path: str) -> str:
        try:
            return self.files[path].decode()
        except UnicodeDecodeError:
            raise Refused(f"{path} is no text in UTF-8: use shell") from None

    def _lines(self, path: str) -> list[str]:
        return lines_of(self.files[path].decode("utf-8", "replace"))

    def _look(self, path: str, line: int) -> None:
        size = self._settings.window
        self.place = self.place._replace(file=path, first=first_line(line, size, len(self._lines(path))))

    def _shown(self) -> str:
        if b"\0" in self.files[self.place.file]:
            return "(this is no text)"
        return window(self._lines(self.place.file), self.place.first, self._settings.window)


def _ending(ran: Ran) -> str:
    if ran.killed:
        return f"(ended by the limit of {ran.killed})"
    return "" if ran.ok else f"(exit status {ran.code})"
