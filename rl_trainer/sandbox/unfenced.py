"""Commands in a folder of this machine with limits and no fence: for what one trusts, such as one's own tests.

What runs here sees every file of its user, and the network. Nothing falls back to it; it must be asked for by name.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from rl_trainer.errors import NoSandbox, WorldFailed
from rl_trainer.sandbox import kernel
from rl_trainer.sandbox.folder import Folder
from rl_trainer.sandbox.host_command import Within, run_here
from rl_trainer.sandbox.sandbox import Limits, Ran, Sandbox

_MIB = 1 << 20
_LIMIT = 'ulimit -t {cpu}; ulimit -f {file}; ulimit -d {data}; ulimit -c 0; exec /bin/sh -c "$0"'
_XCPU, _XFSZ = 152, 153


class UnfencedSandbox:
    """A temporary folder. What leaves the command's process group outlives it: this is no fence."""

    def __init__(self, folder: Folder, path: Path, limits: Limits) -> None:
        self._folder = folder
        self._path = path
        self._limits = limits

    async def run(self, command: str, *, limits: Limits | None = None, env: Mapping[str, str] | None = None) -> Ran:
        """Run a shell command in the folder."""
        limits = limits or self._limits
        prelude = _LIMIT.format(
            cpu=max(1, -int(-limits.cpu_s // 1)), file=limits.file_mb * 2048, data=limits.memory_mb * 1024
        )
        start = time.perf_counter()
        within = Within(seconds=limits.wall_s, output=limits.output_kb * 1024)
        given = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(self._path), "LC_ALL": "C.UTF-8"}
        fixed = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "TZ": "UTC"}
        done = await run_here(
            ("/bin/sh", "-c", prelude, command), within, env={**given, **fixed, **(env or {})}, cwd=str(self._path)
        )
        if done.ended == "wall" or done.code is None:
            raise WorldFailed(f"the command was not done after {limits.wall_s:.0f} s")
        code = 128 - done.code if done.code < 0 else done.code
        killed = done.ended or {_XCPU: "cpu", _XFSZ: "file"}.get(code, "")
        return Ran(code=code, output=done.output.text(), seconds=time.perf_counter() - start, killed=killed)

    async def read(self, path: str) -> bytes:
        """A regular file's bytes."""
        return self._folder.read(path)

    async def write(self, path: str, content: bytes) -> None:
        """Make or replace a file, and the folders that it lies in."""
        self._folder.write(path, content)

    async def files(self) -> dict[str, bytes]:
        """All regular files, by path."""
        return await asyncio.to_thread(self._folder.files)

    def fork(self) -> AbstractAsyncContextManager[Sandbox]:
        """A copy of the folder."""
        return self._forked()

    @asynccontextmanager
    async def _forked(self) -> AsyncGenerator[Sandbox]:
        async with _opened(self._limits) as copy:
            await asyncio.to_thread(self._folder.copy_into, copy._folder)
            yield copy


@asynccontextmanager
async def open_unfenced(
    files: Mapping[str, bytes] | None = None, *, limits: Limits | None = None
) -> AsyncGenerator[Sandbox]:
    """A temporary folder with the files in it.

    Raises:
        NoSandbox: not even a folder's paths can be held together here (openat2 is Linux's).
    """
    async with _opened(limits or Limits()) as sandbox:
        for path, content in (files or {}).items():
            await sandbox.write(path, content)
        yield sandbox


@asynccontextmanager
async def _opened(limits: Limits) -> AsyncGenerator[UnfencedSandbox]:
    if not kernel.supported():
        raise NoSandbox("sandboxes need Linux on x86_64 or aarch64, or Docker")
    with tempfile.TemporaryDirectory(prefix="quartermaster-", ignore_cleanup_errors=True) as path:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        folder = Folder(descriptor=descriptor, most=limits.disk_mb * _MIB, file_most=limits.file_mb * _MIB)
        try:
            yield UnfencedSandbox(folder, Path(path), limits)
        finally:
            os.close(descriptor)
