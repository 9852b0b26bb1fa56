"""`Sandbox`: a folder and the processes in it, fenced off; `Ran`: what came of one command."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one command may use. CPU time ends a command as its own failure; wall time is generous, and nobody's fault.

    cpu_s: seconds of CPU of any one process. cpu_total_s: of all that one command started; 0 is four times cpu_s.
    wall_s: seconds until the sandbox gives up. memory_mb: of all processes together where the kernel can hold that,
    otherwise of each. disk_mb: of all that is written; it holds from the opening on, and a single run cannot change
    it. file_mb: of one file. processes: at once. output_kb: of stdout and stderr together; more is cut in the middle.
    """

    cpu_s: float = 10.0
    cpu_total_s: float = 0.0
    wall_s: float = 60.0
    memory_mb: int = 512
    disk_mb: int = 64
    file_mb: int = 16
    processes: int = 64
    output_kb: int = 64

    @property
    def cpu_of_all_s(self) -> float:
        """Seconds of CPU of all processes of one command."""
        return self.cpu_total_s or 4 * self.cpu_s


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a command. code: the exit status; 128 and the signal's number where one ended it.

    killed: which limit ended it, or empty: cpu, memory, file (one grew too large), output (it printed without end),
    idle (it slept until wall time was over: its own doing), init (it brought its own sandbox's first process down).
    seconds: of wall time. cpu_s: of CPU, as far as it was seen.
    """

    code: int
    output: str
    seconds: float = 0.0
    killed: str = ""
    cpu_s: float = 0.0

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
        """A regular file's bytes. Raises: FileNotFoundError, IsADirectoryError, PathOutside."""
        ...

    async def write(self, path: str, content: bytes) -> None:
        """Make or replace a file, and the folders that it lies in. Raises: IsADirectoryError, PathOutside, DiskFull."""
        ...

    async def files(self) -> dict[str, bytes]:
        """All regular files, by path. Raises: DiskFull where links or holes make them more than the disk could hold."""
        ...

    def fork(self) -> AbstractAsyncContextManager["Sandbox"]:
        """A copy of the folder in a sandbox of its own."""
        ...
