"""`Sandbox`: a folder and the processes in it, fenced off; `Ran`: what came of one command."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one command may use. CPU time ends a command as its own failure; wall time is generous, and nobody's fault.

    cpu_s: seconds of CPU of any one process. wall_s: seconds until the sandbox gives up. memory_mb: of all processes
    together where the kernel can hold that, otherwise of each. disk_mb: of all that is written. file_mb: of one file.
    processes: at once. output_kb: of stdout and stderr together; more is cut in the middle.
    """

    cpu_s: float = 10.0
    wall_s: float = 60.0
    memory_mb: int = 512
    disk_mb: int = 64
    file_mb: int = 16
    processes: int = 64
    output_kb: int = 64


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """code: the exit status; 128 and the signal's number where one ended it. killed: which limit ended it, or empty."""

    code: int
    output: str
    seconds: float = 0.0
    killed: str = ""

    @property
    def ok(self) -> bool:
        return self.code == 0


class Sandbox(Protocol):
    """A fenced folder. Paths are relative to it; whatever leads out of it is refused."""

    async def run(self, command: str, *, limits: Limits | None = None, env: Mapping[str, str] | None = None) -> Ran:
        """Run a shell command in the folder; every process that it started is gone when this returns.

        Raises:
            WorldFailed: wall time passed, or the sandbox itself broke: an infrastructure error, to be tried again.
        """
        ...

    async def read(self, path: str) -> bytes:
        """Raises: FileNotFoundError, PathOutside."""
        ...

    async def write(self, path: str, content: bytes) -> None:
        """Raises: PathOutside, DiskFull."""
        ...

    async def files(self) -> dict[str, bytes]:
        """All regular files, by path."""
        ...

    def fork(self) -> AbstractAsyncContextManager["Sandbox"]:
        """A copy of the folder in a sandbox of its own."""
        ...
