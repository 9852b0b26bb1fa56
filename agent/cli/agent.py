"""`quartermaster agent`: the agent over HTTP, with a page to watch it and to decide, and the gateway beside it."""

import asyncio
from typing import Annotated

import typer

from agent.cli.run import ModelOption, UrlOption
from agent.hub import Hub
from agent.model_choice import ModelChoice
from agent.opened import open_deps
from agent.options import Options
from agent.runs import open_runs
from agent.service.guard import check_address, key_from
from mcp_registry.cli.console import HomeOption, embedding_progress, home_of, note
from mcp_registry.home import Home
from mcp_registry.settings import load_section, load_settings

app = typer.Typer()


@app.command(
    epilog="Examples: quartermaster agent --port 8766, then open http://127.0.0.1:8766/ | "
    "OPENAI_BASE_URL=http://127.0.0.1:8766/v1 any-openai-client"
)
def agent(
    host: Annotated[
        str, typer.Option("--host", help="The address to bind; beyond loopback a key is needed.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to bind.")] = 8766,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", help="A name under which clients may call; may be repeated.")
    ] = None,
    model: ModelOption = None,
    llm_url: UrlOption = None,
    profile: Annotated[
        str | None, typer.Option("--profile", help="A profile of the settings that limits tools.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Serve the agent: runs at /runs, an OpenAI-compatible /v1, a page at /, and the gateway at /mcp.

    QUARTERMASTER_API_KEY guards all of it; without one only this machine may call.
    """
    key = key_from()
    check_address(host, key)
    choice = ModelChoice(model=model, url=llm_url)
    asyncio.run(_serve(home_of(home), choice, host=host, port=port, allowed=tuple(allow_host or ()), profile=profile))


async def _serve(
    home: Home, choice: ModelChoice, *, host: str, port: int, allowed: tuple[str, ...], profile: str | None
) -> None:
    from agent.service.app import make_app
    from mcp_registry.gateway import http

    hub = Hub()
    names = (*load_settings(home).gateway.allowed_hosts, *allowed)
    with embedding_progress() as progress:
        async with (
            open_deps(home, choice, listen=hub.tell, on_text=hub.text, profile=profile, progress=progress) as opened,
            open_runs(opened[0], hub) as runs,
        ):
            app = make_app(
                runs,
                opened[1],
                defaults=load_section(home, "agent", Options),
                host=host,
                key=key_from(),
                allowed_hosts=names,
            )
            server, listening = http.listen(app, host=host, port=port)
            note(f"the agent is at http://{host}:{listening.getsockname()[1]}/ ({opened[0].llm.id})")
            await server.serve(sockets=[listening])
