"""`quartermaster gateway`: the gateway on stdin and stdout."""

import asyncio
from typing import Annotated

import typer

from mcp_registry.cli.console import HomeOption, home_of
from mcp_registry.gateway import stdio
from mcp_registry.gateway.meta_tools import MetaTools
from mcp_registry.gateway.server import make_server
from mcp_registry.home import Home
from mcp_registry.registry import open_registry
from mcp_registry.settings import load_settings
from mcp_registry.watch import Looks, keep_current

app = typer.Typer()


@app.command(epilog="Example: quartermaster connect claude-desktop writes this command into that client's settings.")
def gateway(
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep all servers connected and follow their changes.")
    ] = False,
    profile: Annotated[
        str | None, typer.Option("--profile", help="A profile of the settings that holds for all that is done.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Serve search_tools, describe_tools and call_tool to one MCP client on stdin and stdout."""
    asyncio.run(_serve(home_of(home), watch=watch, profile=profile))


async def _serve(home: Home, *, watch: bool, profile: str | None) -> None:
    looks = Looks()
    async with (
        open_registry(home, load_settings(home), on_look=looks.add, profile=profile) as registry,
        keep_current(registry, looks, watch=watch),
    ):
        await stdio.serve(make_server(MetaTools(registry)))
