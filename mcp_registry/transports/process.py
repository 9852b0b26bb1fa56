"""`Child`: a server as a child process of ours. No process of its group outlives it."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from mcp.client.stdio import get_default_environment

from mcp_registry.server import Stdio
from mcp_registry.transports.finish import finish
from mcp_registry.transports.lines import Lines, LineTooLong

_GRACE_S = 2.0
"""How long a server may take to leave after its stdin closed, and again after SIGTERM."""
_GROUP_GRACE_S = 0.3
"""How long what a server started, and left behind, may take to leave after SIGTERM."""
_SETTLE_S = 0.3
"""How long an exit waits for the last output, and the end of the output for an exit code."""
_TAIL_BYTES = 4096


class Child(asyncio.SubprocessProtocol):
    """One child process: argv only, in a session and process group of its own; its stderr's end is kept.

    `on_line` gets each line of stdout; `ended` is done once, with the reason, when nothing more can come.
    """

    def __init__(self, stdio: Stdio, *, max_message_bytes: int, on_line: Callable[[bytes], None]) -> None:
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._stdio = stdio
        self._on_line = on_line
        self._lines = Lines(max_bytes=max_message_bytes)
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._exited = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._tail = bytearray()
        self.pid = 0
        """Its process id, once it has started."""

    async def start(self) -> None:
        """Raises:
        OSError: the command or its working directory is missing, or cannot be used.
        """
        loop = asyncio.get_running_loop()
        environment = {**get_default_environment(), **self._stdio.env}
        await finish(
            loop.subprocess_exec(
                lambda: self, *self._stdio.argv, env=environment, cwd=self._stdio.cwd, start_new_session=True
            )
        )

    def said(self) -> str:
        """The end of what it printed on stderr."""
        return self._tail.decode(errors="replace").strip()

    @property
    def writable(self) -> bool:
        """False while it does not read what was written before."""
        return self._writable.is_set()

    async def until_writable(self) -> None:
        await self._writable.wait()

    def write(self, message: bytes) -> bool:
        """False when nothing of it was written, because its stdin is closed."""
        if self._stdin is None or self._stdin.is_closing():
            return False
        self._stdin.write(message)
        return not self._stdin.is_closing()

    def end(self, reason: str) -> None:
        """Hear no more of it; the first reason counts."""
        if not self.ended.done():
            self.ended.set_result(reason)
            self._writable.set()
            if self._transport is not None and (stdout := self._transport.get_pipe_transport(1)) is not None:
                stdout.close()

    async def stop(self) -> None:
        """Close its stdin, wait, SIGTERM, wait, SIGKILL; then clear its group. Bounded, and finished if cancelled."""
        if self._transport is not None:
            await finish(self._stop(self._transport))

    async def _stop(self, transport: asyncio.SubprocessTransport) -> None:
        self._close_stdin()
        if not await self._exits_within(_GRACE_S):
            self._signal_group(signal.SIGTERM)
            if not await self._exits_within(_GRACE_S):
                self._signal_group(signal.SIGKILL)
                await self._exits_within(_GRACE_S)
        await self._clear_group()
        self.end("it was closed")
        transport.close()

    def _close_stdin(self) -> None:
        if self._stdin is not None:
            # close() would wait for the server to read what is buffered; a server that hangs never does.
            if self._stdin.get_write_buffer_size():
                self._stdin.abort()
            else:
                self._stdin.close()

    async def _exits_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._exited.wait()
        return self._exited.is_set()

    async def _clear_group(self) -> None:
        """End what the server started and did not end itself."""
        if self._signal_group(signal.SIGTERM):
            waits = 10
            for _ in range(waits):
                await asyncio.sleep(_GROUP_GRACE_S / waits)
                if not self._signal_group(0):
                    return
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> bool:
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        self.pid = transport.get_pid()
        stdin = transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        self._stdin = stdin

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd != 1:
            self._tail += data[-_TAIL_BYTES:]
            del self._tail[:-_TAIL_BYTES]
            return
        try:
            for line in self._lines.feed(data):
                if self.ended.done():
                    return
                self._on_line(line)
        except LineTooLong as error:
            self.end(f"it sent {error}")

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd < 2:
            loop, name = asyncio.get_running_loop(), ("stdin", "stdout")[fd]
            loop.call_later(_SETTLE_S, self.end, f"it closed its {name}")

    def process_exited(self) -> None:
        self._exited.set()
        asyncio.get_running_loop().call_later(_SETTLE_S, self.end, self._exit())

    def connection_lost(self, exc: Exception | None) -> None:
        self.end(self._exit())

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _exit(self) -> str:
        code = self._transport.get_returncode() if self._transport is not None else None
        if code is not None and code < 0:
            with suppress(ValueError):
                return f"it was ended by {signal.Signals(-code).name}"
        return f"it exited with code {code}"
