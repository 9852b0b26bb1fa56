"""`quartermaster search`: the fast path. It imports neither the MCP SDK nor the ORM, which cost a second each."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import typer

from mcp_registry.cli.console import HomeOption, JsonOption, embedding_progress, home_of, note, print_json, show
from mcp_registry.facts import check_names, filter_of
from mcp_registry.grounds import allowing, grounds_of
from mcp_registry.home import Home
from mcp_registry.offer import how_to_add
from mcp_registry.peek import read_facts, read_generation, read_launchable, read_published, read_startable
from mcp_registry.policy import policy_of
from mcp_registry.profiles import profile_filter
from mcp_registry.settings import Settings, load_settings
from retrieval.calibration import nothing_fits
from retrieval.candidates import Allow, Kind
from retrieval.embedders import open_embedder
from retrieval.filters import Filter
from retrieval.hit import Hit
from retrieval.index import ToolIndex, open_index
from retrieval.multi import search_many
from retrieval.stuffing import defended

app = typer.Typer()

_DESCRIPTION_CHARACTERS = 160


@app.command(
    epilog="Examples: quartermaster search 'convert a PDF to text' | quartermaster search 'weather in Paris' -k 3 --why"
    " | quartermaster search 'create an issue' --json"
)
def search(
    query: Annotated[str, typer.Argument(help="The task, in plain words.")],
    also: Annotated[
        list[str] | None, typer.Option("--also", help="Another step of the task, with its share; may be repeated.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many to return.")] = 5,
    why: Annotated[bool, typer.Option("--why", help="Say what each part of the search saw.")] = False,
    kind: Annotated[str, typer.Option("--kind", help="tools, servers (offered ones), or all.")] = "all",
    server: Annotated[
        list[str] | None, typer.Option("--server", help="Only of this server; a pattern, may be repeated.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Only of servers with this tag; may be repeated.")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Only tools that only read.")] = False,
    trust: Annotated[
        str, typer.Option("--trust", help="Only of servers at least: offered, definitions, registered, trusted.")
    ] = "offered",
    profile: Annotated[str | None, typer.Option("--profile", help="Only what this profile lets through.")] = None,
    validate: Annotated[
        bool, typer.Option("--validate", help="Probe the best tools that only read; starts their servers.")
    ] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Find tools, and servers that are offered, by what they do. Nothing is started, but with --validate."""
    if kind not in {"tools", "servers", "all"}:
        raise typer.BadParameter(f"{kind!r} is not one of tools, servers, all", param_hint="--kind")
    if not query.strip():
        raise typer.BadParameter("say what the tool should do", param_hint="QUERY")
    place = home_of(home)
    settings = load_settings(place)
    only = filter_of(servers=server or (), tags=tag or (), read_only=read_only, trust=trust)
    if validate:
        _show_validated(place, settings, [query, *(also or ())], k, only=only, profile=profile, json=json)
        return
    allow = _allowing(place, settings, only, profile)
    index = _current_index(place, settings)
    started = time.perf_counter()
    startable = read_startable(place.database_url)
    search_one = partial(index.search, kind=_kind(kind), allow=allow, prefer=startable)
    honest = defended(search_one, partial(_descriptions, place.database_url), startable.__contains__)
    hits = search_many(honest, [query, *(also or ())], k)
    seconds = time.perf_counter() - started
    published = read_published(place.database_url, [hit.id for hit in hits])
    entries = [_entry(hit, published[hit.id]) for hit in hits if hit.id in published]
    _say_how_to_add(place, entries)
    if json:
        print_json(entries)
        return
    if not len(index):
        note(
            "Nothing is indexed yet: add a server (quartermaster servers add …) and sync (quartermaster servers sync)."
        )
        return
    for place_, entry in enumerate(entries, 1):
        _print(place_, entry, why=why)
    if nothing_fits(hits, settings.retrieval.fit_threshold):
        note("No tool fits well; these are the nearest. Say it in other words, or add a server that does it.")
    note(f"{len(entries)} of {len(index):,} in {seconds * 1000:.1f} ms")


def _show_validated(
    home: Home, settings: Settings, asked: list[str], k: int, *, only: Filter, profile: str | None, json: bool
) -> None:
    # Probing needs the protocol and the ORM, which no other search imports.
    from mcp_registry.cli.validating import search_validated

    limit = only if only != Filter() else None
    entries: list[dict[str, Any]] = []
    for each in search_validated(home, settings, asked, k, only=limit, profile=profile):
        verdict = each.verdict
        shown = {"outcome": verdict.outcome.value, "reason": verdict.reason, "arguments": dict(verdict.arguments)}
        entries.append(_entry(each.hit, each.tool.published) | {"validation": shown})
    if json:
        print_json(entries)
        return
    for place, entry in enumerate(entries, 1):
        _print(place, entry, why=False)


def _say_how_to_add(home: Home, entries: list[dict[str, Any]]) -> None:
    servers = [entry for entry in entries if entry["kind"] == "server"]
    launchable = read_launchable(home.database_url, [entry["server"] for entry in servers])
    for entry in servers:
        entry["add"] = how_to_add(entry["server"], launchable=entry["server"] in launchable)


def _allowing(home: Home, settings: Settings, only: Filter, profile: str | None) -> Allow:
    filters = [only] if only != Filter() else []
    if profile is not None:
        filters.append(profile_filter(settings.profiles, profile))
    policy = policy_of(settings.policy)
    if not filters and not policy.hides_by_annotation:
        return policy.allows
    grounds = grounds_of(read_facts(home.database_url), settings.policy)
    check_names(only, grounds.facts)
    return allowing(policy, tuple(filters), grounds)


def _descriptions(database_url: str, ids: Sequence[str]) -> dict[str, str]:
    return {id_: published.get("description", "") for id_, published in read_published(database_url, ids).items()}


def _kind(text: str) -> Kind:
    return "tools" if text == "tools" else "servers" if text == "servers" else "all"


def _current_index(home: Home, settings: Settings) -> ToolIndex:
    embedder = open_embedder(settings.retrieval.model, threads=settings.retrieval.threads or None)
    index = open_index(home.index, embedder, settings.retrieval)
    generation = read_generation(home.database_url)
    if generation is not None and index.generation != generation:
        # Another process stopped between catalogue and index, or the model was changed: the slow path mends it.
        from mcp_registry.catalogue import open_catalogue
        from mcp_registry.indexing import reconcile

        with open_catalogue(home.database_url) as catalogue, embedding_progress() as progress:
            reconcile(index, catalogue, progress)
    return index


def _entry(hit: Hit, published: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"kind": hit.kind}
    if hit.kind == "tool":
        entry |= {"tool_id": hit.id}
    entry |= {
        "server": hit.server,
        "name": published.get("name", hit.id),
        "title": published.get("title"),
        "description": published.get("description", ""),
        "score": round(hit.score, 6),
        "signals": {name: round(value, 6) for name, value in hit.signals.items()},
        "words": list(hit.words),
        "alternatives": list(hit.alternatives),
    }
    if hit.kind == "tool":
        entry["input_schema"] = published.get("inputSchema")
        entry["annotations"] = published.get("annotations")
    return entry


def _print(place: int, entry: dict[str, Any], *, why: bool) -> None:
    from rich.text import Text

    label = entry["tool_id"] if entry["kind"] == "tool" else f"{entry['server']} (server, not enabled)"
    line = Text.assemble((f"{place:>2} ", "dim"), (label, "bold cyan"), (f"  {entry['score']:.3f}", "dim"))
    show(line)
    description = " ".join(entry["description"].split())
    if description:
        cut = description[:_DESCRIPTION_CHARACTERS] + ("…" if len(description) > _DESCRIPTION_CHARACTERS else "")
        show(Text("   " + cut))
    if entry["alternatives"]:
        others = ", ".join(id_.split("/")[0] for id_ in entry["alternatives"])
        show(Text(f"   the same tool: {others}", style="dim"))
    if "add" in entry:
        show(Text(f"   add it: {entry['add']}", style="green"))
    if validation := entry.get("validation"):
        said = f": {validation['reason']}" if validation["reason"] else ""
        show(Text(f"   {validation['outcome']}{said}", style="red" if validation["outcome"] == "failed" else "dim"))
    if why:
        signals = entry["signals"]
        show(
            Text(
                f"   meaning {signals['dense']:.3f} (place {signals['dense_rank']:.0f}), "
                f"words {signals['lexical']:.3f} (place {signals['lexical_rank']:.0f})"
                + (f": {', '.join(entry['words'])}" if entry["words"] else ""),
                style="dim",
            )
        )
