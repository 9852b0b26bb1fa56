"""`quartermaster servers sync`: the catalogue made equal to the servers, once or for as long as it runs."""

import asyncio
from typing import Annotated, Any

import typer

from mcp_registry.cli.console import HomeOption, JsonOption, embedding_progress, home_of, note, print_json
from mcp_registry.home import Home
from mcp_registry.settings import load_settings

EPILOG = (
    "Examples: quartermaster servers sync | quartermaster servers sync git time | quartermaster servers sync --watch"
)


def sync(
    names: Annotated[list[str] | None, typer.Argument(help="Which servers; all, unless told.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: follow notices of change, and ask again now and then.")
    ] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Start the servers, list their tools and record what is new, changed or gone.

    A server that cannot be reached keeps its last known tools, as stale. The exit code is 1 when a server that was
    named failed, or when all failed.
    """
    asyncio.run(_sync(home_of(home), names or [], watch=watch, json=json))


async def _sync(home: Home, names: list[str], *, watch: bool, json: bool) -> None:
    # The MCP SDK takes a second to import; the other sub-commands of `servers` do without it.
    from mcp_registry.registry import open_registry
    from mcp_registry.sync import SyncOutcome
    from mcp_registry.watch import Looks, keep_current

    looks = Looks()

    def tell(outcome: SyncOutcome) -> None:
        if not watch or outcome.found or outcome.error:
            note(_line(outcome))

    with embedding_progress() as progress:
        async with open_registry(home, load_settings(home), on_look=looks.add, progress=progress) as registry:
            outcomes = await registry.sync(names, done=tell, progress=progress)
            if json:
                print_json([_outcome_json(outcome) for outcome in outcomes])
            elif not outcomes:
                note("No server can be started yet. Add one: quartermaster servers add time -- uvx mcp-server-time")
            else:
                note(f"{len(registry.index):,} tools and server cards are indexed")
            if watch:
                note("watching; stop with Ctrl-C")
                async with keep_current(registry, looks, watch=True, done=tell):
                    await asyncio.Event().wait()
    failed = sum(not outcome.ok for outcome in outcomes)
    if failed and (names or failed == len(outcomes)):
        raise typer.Exit(1)


def _line(outcome: Any) -> str:
    if outcome.error:
        kept = f" ({outcome.tools} known tools are kept)" if outcome.tools else ""
        return f"✗ {outcome.server}: {outcome.error}{kept}"
    found = outcome.found
    parts = [f"{len(changes)} {word}" for word in ("added", "changed", "removed") if (changes := getattr(found, word))]
    line = f"✓ {outcome.server}: {outcome.tools} tools ({', '.join(parts) or 'no change'}), {outcome.seconds:.1f} s"
    return "\n".join([line, *(f"    set aside {entry.name}: {entry.reason}" for entry in outcome.set_aside)])


def _outcome_json(outcome: Any) -> dict[str, Any]:
    return {
        "name": outcome.server,
        "ok": outcome.ok,
        "tools": outcome.tools,
        "added": [tool.tool_id for tool in outcome.found.added],
        "changed": [tool.tool_id for tool in outcome.found.changed],
        "removed": list(outcome.found.removed),
        "set_aside": [{"name": entry.name, "reason": entry.reason} for entry in outcome.set_aside],
        "seconds": round(outcome.seconds, 3),
        "error": outcome.error,
    }
