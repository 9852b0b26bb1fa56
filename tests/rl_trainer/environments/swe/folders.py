"""A sandbox for these tests: a folder and plain processes, with nothing fenced off. What runs in it is our own."""

import asyncio
import os
import resource
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path

from rl_trainer.environments.swe.task import Repository
from rl_trainer.errors import PathOutside, WorldFailed
from rl_trainer.sandbox.sandbox import Limits, Ran, Sandbox


class Folder:
    """A `Sandbox` over a folder."""

    def __init__(self, root: Path, opener: "Folders") -> None:
        self.root = root
        self._opener = opener

    async def run(self, command: str, *, limits: Limits | None = None, env: Mapping[str, str] | None = None) -> Ran:
        limits = limits or Limits()
        self._opener.commands.append(command)

        def bound() -> None:
            seconds = int(limits.cpu_s) or 1
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))

        process = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", command),
            cwd=self.root,
            env={"PATH": os.defpath, "HOME": "/nowhere", **(env or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=bound,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), limits.wall_s)
        except TimeoutError:
            raise WorldFailed("wall time passed") from None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            await process.wait()
        code = process.returncode or 0
        return Ran(
            code=code if code >= 0 else 128 - code,
            output=output.decode("utf-8", "replace"),
            killed="cpu" if code == -signal.SIGXCPU else "",
        )

    def _at(self, path: str) -> Path:
        found = (self.root / path).resolve()
        if not found.is_relative_to(self.root):
            raise PathOutside(f"{path!r} leads out of the sandbox")
        return found

    async def read(self, path: str) -> bytes:
        return self._at(path).read_bytes()

    async def write(self, path: str, content: bytes) -> None:
        file = self._at(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    async def files(self) -> dict[str, bytes]:
        found = sorted(path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in found}

    @asynccontextmanager
    async def fork(self) -> AsyncIterator[Sandbox]:
        async with self._opener(await self.files(), limits=Limits(), repository=None) as made:
            yield made


class Folders:
    """Opens such sandboxes under one folder; `commands` has every command that ran in any, oldest first."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._numbers = count()
        self.commands: list[str] = []

    def __call__(
        self, files: Mapping[str, bytes], *, limits: Limits, repository: Repository | None
    ) -> AbstractAsyncContextManager[Sandbox]:
        return self._open(files)

    @asynccontextmanager
    async def _open(self, files: Mapping[str, bytes]) -> AsyncIterator[Sandbox]:
        made = Folder(self._root / str(next(self._numbers)), self)
        made.root.mkdir()
        try:
            for path, content in files.items():
                await made.write(path, content)
            yield made
        finally:
            shutil.rmtree(made.root)
