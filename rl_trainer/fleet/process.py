"""One worker process of this machine: started, talked to over a socket, and gone with all that it started."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

_GRACE_S = 5.0
"""How long a worker may take to close what it has open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerProcess:
    """A worker that runs. It is the leader of a process group of its own."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        """End it and whatever it started in its group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


@asynccontextmanager
async def open_worker(work: str) -> AsyncGenerator[WorkerProcess]:
    """A worker that does the named work. When the block is left it may close what it has open; then it is ended."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rl_trainer.fleet.worker", str(theirs.fileno()), work),
            pass_fds=(theirs.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the trainer; it closes its workers itself
        )
    reader, writer = await asyncio.open_connection(sock=ours)
    worker = WorkerProcess(process=process, reader=reader, writer=writer)
    try:
        yield worker
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        try:
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
        except TimeoutError:
            pass
        finally:
            worker.kill()
            await process.wait()
