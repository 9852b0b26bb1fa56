"""`quartermaster servers`: the servers that the catalogue knows. Only `sync` starts any."""

from pathlib import Path
from typing import Annotated

import typer

from mcp_registry.catalogue import open_catalogue
from mcp_registry.cli import importing, showing, sync
from mcp_registry.cli.console import HomeOption, JsonOption, home_of, note, print_json, show, table
from mcp_registry.cli.opened import catalogue_and_index
from mcp_registry.cli.showing import record_json
from mcp_registry.errors import NotStartable
from mcp_registry.feeds.hide import hide_secrets
from mcp_registry.record import ServerStatus
from mcp_registry.server import Http, Limits, ServerSpec, Stdio, command_line, references

app = typer.Typer(no_args_is_help=True, help="Add, import, list, sync and remove MCP servers.")
app.command("sync", epilog=sync.EPILOG)(sync.sync)
app.command("import", epilog=importing.EPILOG)(importing.import_)
app.command("show", epilog="Example: quartermaster servers show git")(showing.show_server)


@app.command(
    epilog="Examples: quartermaster servers add time -- uvx mcp-server-time | quartermaster servers add github "
    "--env GITHUB_TOKEN='${GITHUB_TOKEN}' -- npx -y @modelcontextprotocol/server-github | "
    "quartermaster servers add docs --url https://example.com/mcp"
)
def add(
    name: Annotated[str, typer.Argument(help="A name of your choice, without '/' and spaces.")],
    command: Annotated[
        list[str] | None, typer.Argument(help="After --: the command that starts it, and its arguments.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Instead of a command: where it is reached.")] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", "-e", help="KEY=VALUE for its environment; secrets as '${NAME}'.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", help="KEY=VALUE, sent with each request to --url.")
    ] = None,
    cwd: Annotated[str | None, typer.Option("--cwd", help="The folder it runs in.")] = None,
    call_timeout: Annotated[
        float, typer.Option("--call-timeout", min=0.1, help="Seconds that one call may take.")
    ] = 60.0,
    open_timeout: Annotated[
        float, typer.Option("--open-timeout", min=0.1, help="Seconds that its start may take.")
    ] = 60.0,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Your word that all of its tools only read; for filters.")
    ] = False,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="What it is about, for filters; may be repeated.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a server of this name.")] = False,
    home: HomeOption = None,
) -> None:
    """Register a server. It is started by the next sync, not now."""
    if bool(command) == bool(url):
        raise typer.BadParameter("give either --url URL, or a command after --: servers add NAME -- COMMAND ARGS…")
    if url:
        kind = "sse" if url.rstrip("/").endswith("/sse") else "streamable-http"
        transport: Stdio | Http = Http(url=url, headers=_pairs(header, "--header"), kind=kind)
    else:
        program, *arguments = command or []
        transport = Stdio(
            command=program,
            args=tuple(arguments),
            env=_pairs(env, "--env"),
            cwd=cwd or _folder_meant(program, *arguments),
        )
    hidden = hide_secrets(transport, server=name)
    limits = Limits(call_s=call_timeout, open_s=open_timeout)
    spec = ServerSpec(name=name, transport=hidden.transport, limits=limits, read_only=read_only, tags=tuple(tag or ()))
    with open_catalogue(home_of(home).database_url) as catalogue:
        catalogue.add_server(spec, origin="added", replace=replace)
    for variable, where in hidden.variables.items():
        note(f"{where} looks like a secret: it is kept as ${{{variable}}}, not by value. Set it: export {variable}=…")
    note(f"added {name}: {command_line(spec.transport)}\nnext: quartermaster servers sync {name}")


@app.command("list", epilog="Example: quartermaster servers list --json | jq '.[] | select(.status == \"stale\")'")
def list_(
    json: JsonOption = False,
    offers: Annotated[bool, typer.Option("--offers", help="Show the offered ones too.")] = False,
    home: HomeOption = None,
) -> None:
    """List the servers: name, status, number of tools, since when stale. JSON has the offered ones too."""
    with open_catalogue(home_of(home).database_url) as catalogue:
        records = catalogue.servers(offered=True)
    if json:
        print_json([record_json(record) for record in records])
        return
    shown = [record for record in records if offers or record.status is not ServerStatus.OFFERED]
    if not records:
        note("No servers yet. Add one: quartermaster servers add time -- uvx mcp-server-time")
        return
    if shown:
        rows = table("name", "status", "tools", "stale since", "origin")
        for record in shown:
            since = f"{record.stale_since:%Y-%m-%d %H:%M}" if record.stale_since else ""
            aside = f" (+{record.set_aside} set aside)" if record.set_aside else ""
            rows.add_row(record.name, record.status.value, f"{record.tools}{aside}", since, record.origin)
        show(rows)
    hidden = len(records) - len(shown)
    if hidden:
        note(f"and {hidden:,} offered: quartermaster servers list --offers, quartermaster search … --kind servers")


@app.command(epilog="Example: quartermaster servers remove git")
def remove(name: Annotated[str, typer.Argument(help="The server's name.")], home: HomeOption = None) -> None:
    """Forget a server and its tools."""
    with catalogue_and_index(home_of(home)) as catalogue:
        tools = catalogue.remove_server(name)
    note(f"removed {name} and its {tools} tools")


@app.command(epilog="Example: quartermaster servers enable notion-api-mcp --option npm")
def enable(
    name: Annotated[str, typer.Argument(help="The offered server's name.")],
    option: Annotated[
        str | None, typer.Option("--option", help="Which of its launch options; the first, unless told.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    home: HomeOption = None,
) -> None:
    """Register an offered server, after showing the exact command that a sync will run."""
    with catalogue_and_index(home_of(home)) as catalogue:
        offer = catalogue.offer(name)
        if offer is None:
            raise catalogue.unknown_server(name)
        if not offer.launch:
            raise NotStartable(f"offer {name!r} does not say how it is launched: servers add {name} -- COMMAND …")
        chosen = next((launch for launch in offer.launch if launch.label == option), offer.launch[0])
        note(f"{name} would be launched with:\n  {command_line(chosen.transport)}")
        for variable in references(chosen.transport):
            note(f"  needs {variable}: {chosen.needs.get(variable) or 'no description'}")
        if not yes and not typer.confirm("Enable it?", err=True):
            raise typer.Exit(1)
        catalogue.enable_offer(name, option)
    note(f"enabled {name}\nnext: quartermaster servers sync {name}")


def _folder_meant(*argv: str) -> str | None:
    """This folder, when the command names files by paths relative to it: the server is started from anywhere later."""
    here = Path.cwd()
    relative = (arg for arg in argv if not arg.startswith(("-", "/", "~", "$")))
    return str(here) if any((here / arg).is_file() for arg in relative) else None


def _pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint=option)
        pairs[key] = value
    return pairs
