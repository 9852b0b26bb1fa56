"""What a tool or a server card looks like to the searchers: fields for words, one passage for the embedder."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retrieval.card import ServerCard
from retrieval.stuffing import capped
from retrieval.tool import ToolSpec
from retrieval.words import words

_SAYS_NOTHING = frozenset({"mcp", "server", "servers"})
"""Words of server names that tell no two servers apart."""

_MAX_PASSAGE = 2000
_MAX_PARAMETERS = 60
_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The texts of one thing, by what they say of it. Empty texts are left out of everything made from them."""

    name: str
    server: str = ""
    title: str = ""
    description: str = ""
    parameters: str = ""
    parameter_texts: str = ""


def fields_of(thing: ToolSpec | ServerCard) -> Fields:
    """The searchable texts of a tool, or of a server card (its tags and tool names stand as parameters)."""
    if isinstance(thing, ServerCard):
        return Fields(
            name=thing.name,
            title=thing.title or "",
            description=thing.description,
            parameters=" ".join((*thing.tags, *thing.tool_names)),
        )
    parameters = list(_parameters(thing.input_schema))[:_MAX_PARAMETERS]
    annotated = (thing.annotations or {}).get("title")
    return Fields(
        name=thing.name,
        server=thing.server,
        title=thing.title or (annotated if isinstance(annotated, str) else ""),
        description=thing.description,
        parameters=" ".join(name for name, _ in parameters),
        parameter_texts=" ".join(text for _, text in parameters if text),
    )


def passage_of(thing: ToolSpec | ServerCard) -> str:
    """The one text that is embedded: server, name in words, description, then the parameters' names.

    Example:
        "git: git log. Shows the commit logs. Parameters: repo path, max count"
    """
    fields = fields_of(thing)
    server = " ".join(word for word in _spoken(fields.server) if word not in _SAYS_NOTHING)
    label = " ".join(dict.fromkeys(_spoken(fields.name)))
    heading = f"{label} ({fields.title})" if fields.title and fields.title.lower() != label else label
    parts = [heading, fields.description.strip()]
    if fields.parameters:
        parts.append("Parameters: " + ", ".join(" ".join(_spoken(name)) for name in fields.parameters.split(" ")))
    passage = ". ".join(part.rstrip(".") for part in parts if part)
    return (f"{server}: {passage}" if server else passage)[:_MAX_PASSAGE]


def _spoken(identifier: str) -> list[str]:
    """An identifier as separate lower-case words, none stemmed or dropped."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", identifier)
    return [word.lower() for word in re.split(r"[^\w]|_", spaced) if word]


def _parameters(schema: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, str]]:
    """Each property's name and its description, outer ones first; enumerated values count as description."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or depth >= _MAX_DEPTH:
        return
    for name, entry in properties.items():
        if not isinstance(entry, Mapping):
            yield str(name), ""
            continue
        yield str(name), " ".join(_texts(entry))
    for entry in properties.values():
        if isinstance(entry, Mapping):
            yield from _parameters(entry, depth + 1)
            items = entry.get("items")
            if isinstance(items, Mapping):
                yield from _parameters(items, depth + 1)


def _texts(entry: Mapping[str, Any]) -> Iterator[str]:
    for key in ("title", "description"):
        if isinstance(text := entry.get(key), str):
            yield text
    if isinstance(choices := entry.get("enum"), list):
        yield from (choice for choice in choices[:20] if isinstance(choice, str))


WEIGHTS: Mapping[str, float] = {
    "name": 3.0,
    "title": 1.5,
    "server": 1.0,
    "description": 1.0,
    "parameters": 0.5,
    "parameter_texts": 0.25,
}
"""How much a word counts by the field it stands in: weighted term frequencies (BM25F's idea)."""


def weighted_words(thing: ToolSpec | ServerCard, weights: Mapping[str, float] = WEIGHTS) -> dict[str, float]:
    """Every word of a thing with its weighted count, summed over the fields; in each it counts three times at most."""
    counts: dict[str, float] = {}
    fields = fields_of(thing)
    for field, weight in weights.items():
        if weight:
            of_field: dict[str, float] = {}
            for word in words(getattr(fields, field)):
                of_field[word] = of_field.get(word, 0.0) + weight
            for word, count in capped(of_field, weight).items():
                counts[word] = counts.get(word, 0.0) + count
    return counts
