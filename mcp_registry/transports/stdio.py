"""`open_stdio`: a server as a child process, and the `Link` to it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from mcp_registry.server import Stdio
from mcp_registry.transports.dispatcher import PipeDispatcher
from mcp_registry.transports.link import Link
from mcp_registry.transports.process import Child

_MAX_NOISE_BYTES = 4 * 1024 * 1024
"""So much on stdout in a row that is no message at all is a flood, not chatter."""


@asynccontextmanager
async def open_stdio(
    stdio: Stdio, *, max_message_bytes: int, deadlines: Mapping[str, float] | None = None
) -> AsyncGenerator[Link]:
    """A started server; leaving the block ends it and all that it started.

    `deadlines` are seconds by method, for requests whose sender allows more than this transport should wait.

    Raises:
        OSError: the command or its working directory is missing, or cannot be used.
    """
    dispatcher = PipeDispatcher(max_noise_bytes=min(_MAX_NOISE_BYTES, max_message_bytes), deadlines=deadlines or {})
    child = Child(stdio, max_message_bytes=max_message_bytes, on_line=dispatcher.receive)
    dispatcher.attach(child)

    def said() -> str:
        on_stdout = f"on stdout: {' / '.join(dispatcher.noise)}" if dispatcher.noise else ""
        return "\n".join(part for part in (child.said(), on_stdout) if part)

    try:
        await child.start()
        yield Link(dispatcher=dispatcher, ended=child.ended, said=said, busy=lambda: False)
    finally:
        await child.stop()
