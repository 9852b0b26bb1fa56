"""`quartermaster connect`: the entry that lets an MCP client start the gateway."""

from pathlib import Path
from typing import Annotated

import typer

from mcp_registry.cli.console import HomeOption, home_of, note
from mcp_registry.clients import CLIENTS, client_of
from mcp_registry.connect import entry_for, own_command, render, write

app = typer.Typer()


@app.command(
    epilog="Examples: quartermaster connect claude-desktop | quartermaster connect cursor --write | "
    "quartermaster connect vscode --url http://127.0.0.1:8765/mcp | quartermaster connect generic"
)
def connect(
    client: Annotated[str, typer.Argument(help=f"One of {', '.join(CLIENTS)}.")],
    write_: Annotated[bool, typer.Option("--write", help="Write it into the client's file, after a backup.")] = False,
    path: Annotated[Path | None, typer.Option("--path", help="The file, where it is not the usual one.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="Reach a running `quartermaster serve` instead.")] = None,
    home: HomeOption = None,
) -> None:
    """Print the entry for a client's configuration and where it belongs, or write it."""
    chosen = client_of(client)
    entry = entry_for(chosen, home=home_of(home).path, command=own_command(), url=url)
    if not write_:
        typer.echo(render(chosen, entry, path=path))
        return
    written = write(chosen, entry, path=path)
    if not written.changed:
        note(f"{written.path} has this entry already")
        return
    note(f"wrote {written.path}" + (f"; as it was: {written.backup}" if written.backup else ""))
    note(chosen.hint)
