"""The gateway on stdin and stdout, as clients start it."""

from typing import Any

from mcp.server import Server
from mcp.server.stdio import stdio_server


async def serve(server: Server[Any]) -> None:
    """Serve one client until it closes our stdin. Nothing but the protocol may be written to stdout meanwhile."""
    async with stdio_server() as (reader, writer):
        await server.run(reader, writer, server.create_initialization_options())
