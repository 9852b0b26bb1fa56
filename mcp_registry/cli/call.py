"""`quartermaster call`: one tool call from the command line, through the same path as the gateway's."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from mcp_registry.cli.console import HomeOption, JsonOption, home_of, print_json
from mcp_registry.home import Home
from mcp_registry.registry import open_registry
from mcp_registry.result import ToolResult
from mcp_registry.settings import load_settings

app = typer.Typer()


@app.command(
    epilog='Examples: quartermaster call time/get_current_time \'{"timezone": "Asia/Tokyo"}\' '
    "| quartermaster call sqlite/read_query @query.json"
)
def call(
    tool_id: Annotated[str, typer.Argument(help="SERVER/TOOL, as search gives it.")],
    arguments: Annotated[str, typer.Argument(help="A JSON object, @FILE, or - for stdin.")] = "{}",
    timeout: Annotated[float | None, typer.Option("--timeout", min=0.1, help="Seconds to wait for the answer.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve the call, where the policy asks for that.")] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Call a tool and print its answer. The exit code is 1 when the tool answers with an error."""
    result = asyncio.run(_call(home_of(home), tool_id, _read(arguments), timeout_s=timeout, approved=yes))
    if json:
        print_json(result.raw)
    else:
        _print(result)
    if result.is_error:
        raise typer.Exit(1)


async def _call(home: Home, tool_id: str, arguments: str, *, timeout_s: float | None, approved: bool) -> ToolResult:
    async with open_registry(home, load_settings(home)) as registry:
        return await registry.call(tool_id, arguments, timeout_s=timeout_s, approved=approved)


def _read(arguments: str) -> str:
    if arguments == "-":
        return sys.stdin.read()
    if arguments.startswith("@"):
        path = Path(arguments[1:])
        try:
            return path.read_text("utf-8")
        except OSError as error:
            raise typer.BadParameter(f"{path} cannot be read: {error.strerror}", param_hint="ARGUMENTS") from None
    return arguments


def _print(result: ToolResult) -> None:
    content = result.raw.get("content") or []
    for part in content:
        text = part.get("text")
        typer.echo(
            text if isinstance(text, str) else f"[{part.get('type')} {part.get('mimeType', '')}]", err=result.is_error
        )
    if not content and "structuredContent" in result.raw:
        print_json(result.raw["structuredContent"])
