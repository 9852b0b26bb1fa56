"""The gateway on stdin and stdout, as clients start it."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

from mcp.server import Server
from mcp.server.stdio import stdio_server

_CHUNK = 65536


class Stdin:
    """The lines of stdin. Waiting for one can be cancelled, which a read in a worker thread cannot:
    a gateway that is told to end while its client keeps the pipe open would never end.
    """

    def __init__(self) -> None:
        self._reader = asyncio.StreamReader(limit=sys.maxsize)
        loop = asyncio.get_running_loop()
        # A daemon: nobody waits for it when the process ends. It reads the descriptor itself, for a lock of sys.stdin
        # that it held would keep the interpreter from shutting down.
        threading.Thread(target=_feed, args=(self._reader, loop), daemon=True, name="stdin").start()

    async def __aiter__(self) -> AsyncIterator[str]:
        while line := await self._reader.readline():
            yield line.decode("utf-8", "replace")


def _feed(reader: asyncio.StreamReader, loop: asyncio.AbstractEventLoop) -> None:
    try:
        while chunk := os.read(0, _CHUNK):
            loop.call_soon_threadsafe(reader.feed_data, chunk)
        loop.call_soon_threadsafe(reader.feed_eof)
    except (OSError, RuntimeError):
        return  # stdin or the loop is closed: nobody listens any more


async def serve(server: Server[Any]) -> None:
    """Serve one client until it closes our stdin. Nothing but the protocol may be written to stdout meanwhile."""
    async with stdio_server(stdin=Stdin()) as (reader, writer):  # pyright: ignore[reportArgumentType]
        await server.run(reader, writer, server.create_initialization_options())
