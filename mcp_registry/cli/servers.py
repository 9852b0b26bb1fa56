"""`quartermaster servers`: the servers that the catalogue knows. Only `sync` starts any."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from mcp_registry.catalogue import Catalogue, open_catalogue
from mcp_registry.cli import sync
from mcp_registry.cli.console import (
    HomeOption,
    JsonOption,
    embedding_progress,
    home_of,
    note,
    print_json,
    show,
    table,
)
from mcp_registry.errors import BadServer, NotStartable
from mcp_registry.feeds.hide import hide_secrets
from mcp_registry.feeds.read import read_feed
from mcp_registry.home import Home
from mcp_registry.indexing import reconcile
from mcp_registry.offer import Offer
from mcp_registry.record import ServerRecord, ServerStatus
from mcp_registry.server import Http, Limits, ServerSpec, Stdio, command_line, references, transport_to_json
from mcp_registry.settings import load_settings
from retrieval.embedding import open_embedder
from retrieval.index import open_index

app = typer.Typer(no_args_is_help=True, help="Add, import, list, sync and remove MCP servers.")
app.command("sync")(sync.sync)


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
    ] = 30.0,
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
        transport = Stdio(command=program, args=tuple(arguments), env=_pairs(env, "--env"), cwd=cwd)
    hidden = hide_secrets(transport, server=name)
    limits = Limits(call_s=call_timeout, open_s=open_timeout)
    spec = ServerSpec(name=name, transport=hidden.transport, limits=limits)
    with open_catalogue(home_of(home).database_url) as catalogue:
        catalogue.add_server(spec, origin="added", replace=replace)
    for variable, where in hidden.variables.items():
        note(f"{where} looks like a secret: it is kept as ${{{variable}}}, not by value. Set it: export {variable}=…")
    note(f"added {name}: {command_line(spec.transport)}\nnext: quartermaster servers sync {name}")


@app.command(
    "import",
    epilog="Reads: client configurations (Claude Desktop, Cursor, VS Code, Codex …), MCPCorpus, server catalogues, "
    "registry lists, tool definitions as JSON Lines; each also as .gz. "
    "Example: quartermaster servers import ~/.cursor/mcp.json",
)
def import_(
    file: Annotated[Path, typer.Argument(help="The file to read; its form is recognised.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace servers that are registered differently.")
    ] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Take servers, offers or tool definitions from a file. Nothing is started.

    Servers of a client's own file are enabled; those of lists are offers until `servers enable`.
    """
    place = home_of(home)
    feed = read_feed(file)
    problems = list(feed.problems)
    now = datetime.now(UTC)
    counts: dict[str, Any] = {"file": str(file), "form": feed.form}
    with _catalogue_and_index(place) as catalogue:
        added = 0
        for spec in feed.servers:
            try:
                catalogue.add_server(spec, origin=file.name, replace=replace)
                added += 1
            except BadServer as error:
                problems.append(str(error))
        counts["servers"] = added
        if feed.offers:
            counts["offers"] = _counted(catalogue.add_offers(feed.offers, at=now))
        if feed.tools:
            loaded = catalogue.load_definitions(feed.tools, origin=file.name, at=now)
            counts["tools"] = _counted(loaded)
    counts["notes"], counts["problems"] = list(feed.notes), problems
    if json:
        print_json(counts)
        return
    _print_import(counts)


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
        print_json([_record_json(record) for record in records])
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


@app.command("show", epilog="Example: quartermaster servers show git")
def show_(
    name: Annotated[str, typer.Argument(help="The server's name.")],
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show one server: how it is launched, its state, its tools, and those that were set aside and why."""
    with open_catalogue(home_of(home).database_url) as catalogue:
        record = catalogue.server(name)
        if record is None:
            raise catalogue.unknown_server(name)
        offer = catalogue.offer(name)
        tools = catalogue.tools_of(name)
        aside = catalogue.set_aside(name)
    found = _record_json(record) | {
        "origin": record.origin,
        "launch": transport_to_json(record.spec.transport) if record.spec else None,
        "needs": references(record.spec.transport) if record.spec else [],
        "error": record.error,
        "offer": _offer_json(offer) if offer else None,
        "tool_ids": [tool.tool_id for tool in tools],
        "set_aside": [{"name": entry.name, "reason": entry.reason} for entry in aside],
    }
    if json:
        print_json(found)
        return
    _print_server(record, offer, found)


@app.command(epilog="Example: quartermaster servers remove git")
def remove(name: Annotated[str, typer.Argument(help="The server's name.")], home: HomeOption = None) -> None:
    """Forget a server and its tools."""
    with _catalogue_and_index(home_of(home)) as catalogue:
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
    with _catalogue_and_index(home_of(home)) as catalogue:
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


@contextmanager
def _catalogue_and_index(home: Home) -> Generator[Catalogue]:
    """The catalogue, with the index made equal to it at the end."""
    settings = load_settings(home)
    with open_catalogue(home.database_url) as catalogue:
        yield catalogue
        embedder = open_embedder(settings.retrieval.model, threads=settings.retrieval.threads or None)
        index = open_index(home.index, embedder, settings.retrieval)
        with embedding_progress() as progress:
            reconcile(index, catalogue, progress)


def _pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint=option)
        pairs[key] = value
    return pairs


def _counted(counts: Any) -> dict[str, Any]:
    return {name: getattr(counts, name) for name in counts.__dataclass_fields__}


def _record_json(record: ServerRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "status": record.status.value,
        "tools": record.tools,
        "stale_since": record.stale_since.isoformat() if record.stale_since else None,
        "synced_at": record.synced_at.isoformat() if record.synced_at else None,
        "set_aside": record.set_aside,
        "error": record.error,
    }


def _offer_json(offer: Offer) -> dict[str, Any]:
    return {
        "title": offer.card.title,
        "description": offer.card.description,
        "tags": list(offer.card.tags),
        "source": offer.source,
        "launch": [
            {"option": launch.label, "command": command_line(launch.transport), "needs": dict(launch.needs)}
            for launch in offer.launch
        ],
        "about": dict(offer.about),
    }


def _print_import(counts: dict[str, Any]) -> None:
    note(f"{counts['file']}: {counts['form']}")
    for text in counts["notes"]:
        note(f"  note: {text}")
    problems: list[str] = counts["problems"]
    for text in problems[:20]:
        note(f"  left out: {text}")
    if len(problems) > 20:
        note(f"  and {len(problems) - 20:,} more left out: --json has all")
    for what in ("offers", "tools"):
        if what in counts:
            note(
                f"{what}: "
                + ", ".join(f"{value:,} {name}" for name, value in counts[what].items() if isinstance(value, int))
            )
    if counts["servers"]:
        note(f"servers: {counts['servers']} registered\nnext: quartermaster servers sync")


def _print_server(record: ServerRecord, offer: Offer | None, found: dict[str, Any]) -> None:
    rows = table("", "")
    rows.show_header = False
    rows.add_row("name", record.name)
    rows.add_row("status", record.status.value)
    if record.spec:
        rows.add_row("launch", command_line(record.spec.transport))
        if found["needs"]:
            rows.add_row("needs", ", ".join(found["needs"]))
    elif offer:
        for launch in found["offer"]["launch"]:
            rows.add_row(f"launch ({launch['option']})", launch["command"])
        rows.add_row("description", offer.card.description)
    if record.error:
        rows.add_row("last error", record.error)
    if record.info:
        rows.add_row("says", f"{record.info.name} {record.info.version}, protocol {record.info.protocol_version}")
    rows.add_row("tools", "\n".join(found["tool_ids"]) or "none")
    for entry in found["set_aside"]:
        rows.add_row("set aside", f"{entry['name']}: {entry['reason']}")
    show(rows)
