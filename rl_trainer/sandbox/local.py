"""Sandboxes of this machine: namespaces of the Linux kernel, without a daemon and without being root.

See docs/sandbox.md for what is fenced off and what is not.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec

from rl_trainer.errors import RecipeWrong, WorldFailed
from rl_trainer.sandbox.bounded_output import BoundedOutput
from rl_trainer.sandbox.folder import Folder
from rl_trainer.sandbox.held import Held, ask, encoded, end_run, hold, let_go
from rl_trainer.sandbox.holder import OUTER_ID
from rl_trainer.sandbox.sandbox import Limits, Ran, Sandbox

_GRACE_S = 30.0
_LONGEST_COMMAND = 128 * 1024 - 1
_MIB = 1 << 20
_ALWAYS = {
    "HOME": "/tmp",  # noqa: S108 - inside the sandbox
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
    "USER": "agent",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class LocalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What fenced commands see of this machine besides its system folders.

    python: the interpreter that is `python`; empty for the one that runs this, without the packages of its virtual
    environment. binds: further folders or files, read-only, at their own paths; never one with gold patches or hidden
    tests in it. shell: what reads the command.
    """

    python: str = ""
    binds: tuple[str, ...] = ()
    shell: str = "/bin/sh"


class LocalSandbox:
    """A holder and the folder that it keeps. One command at a time; further ones wait."""

    def __init__(self, held: Held, settings: LocalSettings, limits: Limits) -> None:
        self._held = held
        self._settings = settings
        self._limits = limits
        self._work = _folder(held.folders[0], limits)
        self._tmp = _folder(held.folders[1], limits)
        self._lock = asyncio.Lock()
        self._broken = ""

    async def run(self, command: str, *, limits: Limits | None = None, env: Mapping[str, str] | None = None) -> Ran:
        """Run a shell command in the folder; every process that it started is gone when this returns."""
        limits = limits or self._limits
        if len(command.encode(errors="surrogateescape")) > _LONGEST_COMMAND or "\0" in command:
            return Ran(code=126, output="the command is too long or contains a NUL: write it to a file and run that\n")
        request = encoded(command, self._settings.shell, limits, self._environment(env or {}))
        async with self._lock:
            if self._broken:
                raise WorldFailed(f"this sandbox is of no use any more: {self._broken}")
            start = time.perf_counter()
            words, output, flooded = await self._ask(request, limits)
            return _ran(words, output, seconds=time.perf_counter() - start, flooded=flooded)

    async def read(self, path: str) -> bytes:
        """A regular file's bytes."""
        return self._work.read(path)

    async def write(self, path: str, content: bytes) -> None:
        """Make or replace a file, and the folders that it lies in."""
        self._work.write(path, content)

    async def files(self) -> dict[str, bytes]:
        """All regular files, by path."""
        return await asyncio.to_thread(self._work.files)

    def fork(self) -> AbstractAsyncContextManager[Sandbox]:
        """A copy of the folder, and of /tmp, in a sandbox of its own."""
        return self._forked()

    @asynccontextmanager
    async def _forked(self) -> AsyncGenerator[Sandbox]:
        async with _opened(self._settings, self._limits) as copy:
            async with self._lock:
                await asyncio.to_thread(self._work.copy_into, copy._work)
                await asyncio.to_thread(self._tmp.copy_into, copy._tmp)
            yield copy

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        folders = f"{Path(_interpreter(self._settings)).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/opt/bin"
        return {"PATH": folders, **_ALWAYS, **env}

    async def _ask(self, request: bytes, limits: Limits) -> tuple[list[str], BoundedOutput, bool]:
        """The answer; a caller that is cancelled leaves no command behind, and the channel in step."""
        asking = asyncio.ensure_future(ask(self._held, request, limits.output_kb * 1024))
        try:
            await asyncio.wait({asking}, timeout=limits.wall_s + _GRACE_S)
            if asking.done():
                return asking.result()
            await self._give_up(asking, "its holder did not answer in time")
            raise WorldFailed(f"the sandbox's holder did not answer within {limits.wall_s + _GRACE_S:.0f} s")
        except asyncio.CancelledError:
            end_run(self._held)
            try:
                await asyncio.wait({asking}, timeout=_GRACE_S)
            finally:
                if not asking.done():
                    await self._give_up(asking, "a command was cancelled and did not end")
            raise

    async def _give_up(self, asking: "asyncio.Future[tuple[list[str], BoundedOutput, bool]]", why: str) -> None:
        self._broken = why
        self._held.process.kill()
        asking.cancel()
        await asyncio.wait({asking}, timeout=_GRACE_S)


def _folder(descriptor: int, limits: Limits) -> Folder:
    owner = OUTER_ID if os.geteuid() == 0 else None
    return Folder(descriptor=descriptor, most=limits.disk_mb * _MIB, file_most=limits.file_mb * _MIB, owner=owner)


def _ran(words: list[str], output: BoundedOutput, *, seconds: float, flooded: bool) -> Ran:
    match words:
        case ["ended", code, killed, cpu_s]:
            why = "output" if flooded else killed.replace("-", "")
        case _:
            raise WorldFailed(f"the sandbox could not start a command: {' '.join(words)}")
    if why == "wall":
        raise WorldFailed(f"the command was not done after {seconds:.0f} s, and had used only {cpu_s} s of CPU")
    return Ran(code=int(code), output=output.text(), seconds=seconds, killed=why, cpu_s=float(cpu_s))


@asynccontextmanager
async def open_local(
    files: Mapping[str, bytes] | None = None,
    *,
    limits: Limits | None = None,
    settings: LocalSettings | None = None,
) -> AsyncGenerator[Sandbox]:
    """A sandbox with the files in it; when the block is left nothing of it is left.

    Raises:
        NoSandbox: this machine cannot fence commands off; the message says what would help.
        RecipeWrong: what is to be shown in it is not there.
    """
    async with _opened(settings or LocalSettings(), limits or Limits()) as sandbox:
        for path, content in (files or {}).items():
            await sandbox.write(path, content)
        yield sandbox


@asynccontextmanager
async def _opened(settings: LocalSettings, limits: Limits) -> AsyncGenerator[LocalSandbox]:
    interpreter = _interpreter(settings)
    shown = _shown(settings, interpreter)
    held = await hold(limits.disk_mb, interpreter=interpreter, shown=shown)
    try:
        yield LocalSandbox(held, settings, limits)
    finally:
        await asyncio.shield(asyncio.ensure_future(let_go(held)))


def _interpreter(settings: LocalSettings) -> str:
    # A virtual environment's packages are ours, and may lead to our own code: its base has only the standard library.
    own = str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")
    return settings.python or own


def _shown(settings: LocalSettings, interpreter: str) -> list[str]:
    for path in (*settings.binds, interpreter, settings.shell):
        if not Path(path).is_absolute() or not Path(path).exists():
            raise RecipeWrong(f"sandbox: {path} is to be shown to commands, but is no absolute path that is there")
        wanted = 0o005 if Path(path).is_dir() else 0o004
        if os.geteuid() == 0 and Path(path).stat().st_mode & wanted != wanted:
            raise RecipeWrong(
                f"sandbox: {path} is to be shown to commands, which are not root: make it readable for all"
            )
    prefix = Path(interpreter).parent.parent
    real = Path(interpreter).resolve().parent.parent
    prefixes = {str(path) for path in (prefix, real) if path not in (Path("/"), Path("/usr"))}
    return sorted({*prefixes, *(str(Path(path)) for path in settings.binds)})
