"""Which tool feeds which: edges from a tool that yields a value to the tools that need it, mined from definitions.

Outputs are seldom declared, so what a tool yields is read in its output schema, in what its description says it
returns, and in its name (`list_issues`, `create_issue` and `search_issues` yield an issue's id).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from retrieval.tool import ToolId, ToolSpec
from retrieval.words import words

_IDENTIFIERS = frozenset({"id", "uuid", "guid", "key", "slug", "handle", "token", "url", "uri", "path", "sha", "hash"})
"""Last words of a parameter that asks for what another tool has to yield first; words as the tokeniser gives them."""

_FINDING = frozenset({"list", "search", "find", "get", "creat", "lookup", "query", "fetch", "upload", "open", "add"})
"""Verbs in the names of tools that yield the thing they name."""

_RETURNS = re.compile(r"\b(?:returns?|yields?|gives?|outputs?|responds with)\b([^.\n]{0,160})", re.IGNORECASE)
_MAX_DEPTH = 4
_MOST_PRODUCERS = 25
"""A value that more tools of a server yield than this says nothing of which is needed."""

GUESSED, NAMED, SAID, DECLARED = 0.3, 0.5, 0.7, 1.0
"""How sure an edge is by where the output was read: some word of a name, what the name is about, a text, a schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`producer` yields what `consumer` needs as `value`; `weight` from 0 to 1 says how sure that is.

    Example:
        Edge(producer="github/list_repos", consumer="github/get_repo", value="repo_id", weight=0.5)
    """

    producer: ToolId
    consumer: ToolId
    value: str
    weight: float


def mine(tools: Iterable[ToolSpec]) -> list[Edge]:
    """The edges between tools of one server, the surest one for each pair, in the order of the tools."""
    by_server: dict[str, list[ToolSpec]] = defaultdict(list)
    for tool in tools:
        by_server[tool.server].append(tool)
    return [edge for group in by_server.values() for edge in _mine_server(group)]


def _mine_server(tools: Sequence[ToolSpec]) -> Iterator[Edge]:
    producers: dict[str, dict[ToolId, float]] = defaultdict(dict)
    for tool in tools:
        for value, weight in yields(tool).items():
            producers[value][tool.tool_id] = weight
    for tool in tools:
        best: dict[ToolId, Edge] = {}
        for value, spelled in needs(tool).items():
            found = producers.get(value, {})
            if len(found) > _MOST_PRODUCERS:
                continue
            for producer, weight in found.items():
                held = best.get(producer)
                if producer != tool.tool_id and (held is None or held.weight < weight):
                    best[producer] = Edge(producer=producer, consumer=tool.tool_id, value=spelled, weight=weight)
        yield from best.values()


def needs(tool: ToolSpec) -> dict[str, str]:
    """The required identifiers of a tool, as joined words, with their own spelling.

    A bare `id` is the id of what the tool's name says.

    Example:
        get_issue(id, repoName, verbose) -> {"issue id": "id"}
    """
    found: dict[str, str] = {}
    for name in _required(tool.input_schema):
        spoken = _plain(name)
        if spoken and spoken[-1] in _IDENTIFIERS:
            found[" ".join(spoken if len(spoken) > 1 else (*_thing(tool.name), *spoken))] = name
    return found


def _required(schema: Mapping[str, Any]) -> list[str]:
    """The names that a schema requires, in its own list or, as some servers write it, property by property.

    Where nothing says so, all that is not called optional and has no default counts.
    """
    properties = schema.get("properties")
    if isinstance(listed := schema.get("required"), list):
        return [name for name in cast("list[object]", listed) if isinstance(name, str)]
    entries = {
        str(name): cast("Mapping[str, Any]", entry)
        for name, entry in (cast("Mapping[str, Any]", properties) if isinstance(properties, Mapping) else {}).items()
        if isinstance(entry, Mapping)
    }
    marked = [name for name, entry in entries.items() if entry.get("required") is True]
    return marked or [
        name for name, entry in entries.items() if entry.get("optional") is not True and "default" not in entry
    ]


def yields(tool: ToolSpec) -> dict[str, float]:
    """What identifiers a tool yields, as joined words, each with how sure that is."""
    found: dict[str, float] = {}
    thing = _thing(tool.name)
    spoken = _plain(tool.name)
    if thing and not _FINDING.isdisjoint(spoken):
        for last in ("id", "key", "url", "path", "slug", "uuid"):
            found[" ".join((*thing, last))] = NAMED
            found.setdefault(" ".join((thing[-1], last)), NAMED)
        for word in spoken:
            found.setdefault(f"{word} id", GUESSED)
    for before, last in pairwise(spoken):
        if last in _IDENTIFIERS:
            found[f"{before} {last}"] = SAID
    for match in _RETURNS.finditer(tool.description):
        said = _plain(match[1])
        for before, last in pairwise(said):
            if last in _IDENTIFIERS:
                found[f"{before} {last}"] = SAID
    for name, around in _properties(tool.output_schema or {}, thing):
        spoken = _plain(name)
        if spoken and spoken[-1] in _IDENTIFIERS:
            found[" ".join(spoken if len(spoken) > 1 else (*around, *spoken))] = DECLARED
    return found


def _properties(
    schema: Mapping[str, Any], around: tuple[str, ...], depth: int = 0
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each property of an output with the words of what it belongs to: the property that holds it, or the tool."""
    items = schema.get("items")
    if isinstance(items, Mapping) and depth < _MAX_DEPTH:
        yield from _properties(items, around, depth + 1)
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or depth >= _MAX_DEPTH:
        return
    for name, entry in properties.items():
        yield str(name), around
        if isinstance(entry, Mapping):
            wrapper = _plain(str(name))
            inside = around if wrapper in _WRAPPERS else wrapper
            yield from _properties(entry, inside, depth + 1)


_WRAPPERS = frozenset({(word,) for word in ("result", "item", "data", "respons", "value", "output", "record")})
"""Properties that only wrap what a tool yields, as the tokeniser gives them."""


def _plain(text: str) -> tuple[str, ...]:
    """The words of a text without the joined forms that the tokeniser adds for identifiers."""
    return tuple(word for run in re.split(r"[\W_]+", text) for word in words(run)[: _pieces(run)])


def _pieces(run: str) -> int | None:
    found = words(run)
    return len(found) - 1 if len(found) > 1 and found[-1] == run.lower() else None


def _thing(name: str) -> tuple[str, ...]:
    """What a tool's name is about: its words after the verb, or after the first, without the last `by …`."""
    spoken = _plain(re.split(r"[_\W]by[_\W]|By(?=[A-Z])", name)[0])
    verb = next((place for place, word in enumerate(spoken) if word in _FINDING), 0)
    return spoken[verb + 1 :]
