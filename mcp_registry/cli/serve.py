"""`quartermaster serve`: the gateway over HTTP."""

import asyncio
from typing import Annotated

import typer

from mcp_registry.cli.console import HomeOption, home_of, note
from mcp_registry.gateway import http
from mcp_registry.gateway.meta_tools import MetaTools
from mcp_registry.gateway.server import make_server
from mcp_registry.home import Home
from mcp_registry.registry import open_registry
from mcp_registry.settings import load_settings
from mcp_registry.watch import Looks, keep_current

app = typer.Typer()


@app.command(
    epilog="Example: quartermaster serve --port 8765, then connect any MCP client to http://127.0.0.1:8765/mcp"
)
def serve(
    host: Annotated[str, typer.Option("--host", help="The address to bind.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to bind.")] = 8765,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", help="A name under which clients may call; may be repeated.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep all servers connected and follow their changes.")
    ] = False,
    profile: Annotated[
        str | None, typer.Option("--profile", help="A profile of the settings that holds for all that is done.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Serve the gateway as streamable HTTP at /mcp, with /healthz and /readyz beside it."""
    asyncio.run(_serve(home_of(home), host, port, allowed=tuple(allow_host or ()), watch=watch, profile=profile))


async def _serve(
    home: Home, host: str, port: int, *, allowed: tuple[str, ...], watch: bool, profile: str | None
) -> None:
    looks = Looks()
    settings = load_settings(home)
    async with (
        open_registry(home, settings, on_look=looks.add, profile=profile) as registry,
        keep_current(registry, looks, watch=watch),
    ):
        names = (*settings.gateway.allowed_hosts, *allowed)
        app = http.make_app(make_server(MetaTools(registry)), registry, host=host, allowed_hosts=names)
        server, listening = http.listen(app, host=host, port=port)
        bound = listening.getsockname()[1]
        note(f"serving {len(registry.index):,} tools and server cards at http://{host}:{bound}/mcp")
        await server.serve(sockets=[listening])
