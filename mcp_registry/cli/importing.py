"""`quartermaster servers import`: servers, offers and tool definitions from a file. Nothing is started."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from mcp_registry.cli.console import HomeOption, JsonOption, home_of, note, print_json
from mcp_registry.cli.opened import catalogue_and_index
from mcp_registry.errors import BadServer
from mcp_registry.feeds.read import read_feed

EPILOG = (
    "Reads: client configurations (Claude Desktop, Cursor, VS Code, Codex …), MCPCorpus, server catalogues, registry "
    "lists, tool definitions as JSON Lines; each also as .gz. Example: quartermaster servers import ~/.cursor/mcp.json"
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
    with catalogue_and_index(place) as catalogue:
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


def _counted(counts: Any) -> dict[str, Any]:
    return {name: getattr(counts, name) for name in counts.__dataclass_fields__}


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
