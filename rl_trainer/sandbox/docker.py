"""Sandboxes of Docker: a container with the same promises, for repositories that come as images.

The command line program is used, so that whatever it is set up for (a remote daemon, rootless, podman under that name)
works as it is.
"""

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

from rl_trainer.errors import DiskFull, NoSandbox, PathOutside, RecipeWrong, WorldFailed
from rl_trainer.sandbox import docker_commands as commands
from rl_trainer.sandbox.docker_commands import Used
from rl_trainer.sandbox.docker_settings import DockerSettings
from rl_trainer.sandbox.folder import inside
from rl_trainer.sandbox.host_command import Finished, Within, run_here
from rl_trainer.sandbox.sandbox import Limits, Ran, Sandbox

_MIB = 1 << 20
_ASK_S = 60.0
_START_S = 600.0
_MENDING = "Start the Docker daemon, or let this user reach it; or use local sandboxes (docs/sandbox.md)."


class DockerSandbox:
    """A running container. One command at a time."""

    def __init__(self, name: str, settings: DockerSettings, limits: Limits) -> None:
        self._name = name
        self._settings = settings
        self._limits = limits
        self._used: Used | None = None

    async def run(self, command: str, *, limits: Limits | None = None, env: Mapping[str, str] | None = None) -> Ran:
        """Run a shell command in the folder; every process that it started is gone when this returns."""
        limits = limits or self._limits
        before = self._used or await self._sweep()
        start = time.perf_counter()
        argv = commands.run_in(self._name, self._settings, limits, command=command, env=env or {})
        try:
            done = await run_here(argv, Within(seconds=limits.wall_s, output=limits.output_kb * 1024))
        finally:
            self._used = await self._sweep()
        used = self._used.since(before)
        seconds = time.perf_counter() - start
        if commands.complains_of_daemon(done.code, done.output.text()) and not await self._lives():
            raise WorldFailed(f"the container is gone: {done.output.text().strip()}")
        if done.ended == "wall":
            killed = commands.who_took_the_time(used, limits)
            if killed == "wall":
                raise WorldFailed(f"not done after {seconds:.0f} s, with only {used.cpu_s:.1f} s of CPU")
            return Ran(code=137, output=done.output.text(), seconds=seconds, killed=killed, cpu_s=used.cpu_s)
        if done.code is None:
            raise WorldFailed("docker did not end")
        code = 128 - done.code if done.code < 0 else done.code
        killed = done.ended or commands.what_killed(code, used)
        return Ran(code=code, output=done.output.text(), seconds=seconds, killed=killed, cpu_s=used.cpu_s)

    async def read(self, path: str) -> bytes:
        """A regular file's bytes."""
        most = self._limits.disk_mb * _MIB
        done = await self._inside(commands.READ, inside(path), str(most + 1))
        _check_place(done.code, path)
        if done.output.size > most:
            raise DiskFull(f"{path} is larger than the {self._limits.disk_mb} MiB that a disk could hold")
        return done.output.content()

    async def write(self, path: str, content: bytes) -> None:
        """Make or replace a file, and the folders that it lies in."""
        if len(content) > self._limits.file_mb * _MIB:
            raise DiskFull(f"{path}: {len(content):,} bytes, but a file may have {self._limits.file_mb} MiB")
        *folders, name = inside(path).split("/")
        done = await self._inside(commands.WRITE, name, *folders, stdin=content)
        _check_place(done.code, path)

    async def files(self) -> dict[str, bytes]:
        """All regular files, by path."""
        return commands.unpacked(await self._packed(), most=self._limits.disk_mb * _MIB)

    def fork(self) -> AbstractAsyncContextManager[Sandbox]:
        """A copy of the folder in a container of its own."""
        return self._forked()

    @asynccontextmanager
    async def _forked(self) -> AsyncGenerator[Sandbox]:
        packed = await self._packed()
        async with _opened(self._settings, self._limits) as copy:
            done = await copy._inside(commands.UNPACK, stdin=packed)
            if done.code != 0:
                raise WorldFailed(f"the copy could not be unpacked: {done.output.text()}")
            yield copy

    async def _packed(self) -> bytes:
        most = self._limits.disk_mb * _MIB
        done = await self._inside(commands.PACK)
        if done.output.size > 2 * most:
            raise DiskFull(f"the folder has more than the {self._limits.disk_mb} MiB that a disk could hold")
        if done.code != 0:
            raise WorldFailed(f"the folder could not be packed: docker ended with {done.code}")
        return done.output.content()

    async def _inside(self, script: str, *arguments: str, stdin: bytes | None = None) -> Finished:
        argv = commands.script_in(self._name, self._settings, script, *arguments, reads=stdin is not None)
        within = Within(seconds=_ASK_S, output=4 * self._limits.disk_mb * _MIB, only_stdout=True)
        done = await run_here(argv, within, stdin=stdin)
        if done.ended or done.code is None:
            raise WorldFailed(f"docker did not answer within {_ASK_S:.0f} s")
        return done

    async def _sweep(self) -> Used:
        """Kill what the last command left, and read what was used so far."""
        return commands.read_used((await self._inside(commands.SWEEP)).output.text())

    async def _lives(self) -> bool:
        done = await run_here(commands.inspect(self._name, self._settings), Within(seconds=_ASK_S, output=4096))
        return done.output.text().strip() == "true"


@asynccontextmanager
async def open_docker(
    files: Mapping[str, bytes] | None = None,
    *,
    limits: Limits | None = None,
    settings: DockerSettings | None = None,
) -> AsyncGenerator[Sandbox]:
    """A container with the files in it; when the block is left it is removed.

    Raises:
        NoSandbox: there is no Docker here, or its daemon does not answer.
        RecipeWrong: no image is named, or the daemon has none of that name.
    """
    async with _opened(settings or DockerSettings(), limits or Limits()) as sandbox:
        for path, content in (files or {}).items():
            await sandbox.write(path, content)
        yield sandbox


@asynccontextmanager
async def _opened(settings: DockerSettings, limits: Limits) -> AsyncGenerator[DockerSandbox]:
    if not settings.image:
        raise RecipeWrong("sandbox.docker.image: name the image that containers are made of")
    name = f"quartermaster-{uuid4().hex[:16]}"
    try:
        done = await run_here(commands.start(name, settings, limits), Within(seconds=_START_S, output=1 << 16))
        if done.code != 0 or done.ended:
            raise _not_started(settings, done)
        yield DockerSandbox(name, settings, limits)
    finally:
        await run_here(commands.remove(name, settings), Within(seconds=_ASK_S, output=4096))


def _not_started(settings: DockerSettings, done: Finished) -> Exception:
    said = done.output.text().strip()
    if done.ended:
        return WorldFailed(f"docker did not start a container within {_START_S:.0f} s")
    if any(sign in said for sign in commands.NO_DAEMON):
        return NoSandbox(f"no sandboxes of Docker here: {said} {_MENDING}")
    if any(sign in said for sign in commands.NO_IMAGE):
        return RecipeWrong(f"sandbox.docker.image: docker has no image {settings.image!r}: {said}")
    return WorldFailed(f"docker could not start a container: {said}")


def _check_place(code: int | None, path: str) -> None:
    match code:
        case 0:
            return
        case commands.MISSING:
            raise FileNotFoundError(path)
        case commands.OUTSIDE:
            raise PathOutside(f"{path} leads out of the sandbox")
        case commands.FOLDER:
            raise IsADirectoryError(path)
        case commands.FULL:
            raise DiskFull(f"{path}: there is no room for it")
        case _:
            raise WorldFailed(f"{path}: docker ended with {code}")
