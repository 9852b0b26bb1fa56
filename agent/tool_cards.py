"""Tools as prompts show them: one short signature each, the same bytes for the same tool."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from agent.plain_schema import Schema, plain
from retrieval.tool import ToolSpec

_DESCRIPTION = 240
_NOTE = 90
_MOST_CHOICES = 12
_MOST_PARAMETERS = 24
_DEPTHS = (3, 2, 1, 0)
_HEAD = 1_200
_NOTES = 1_200


def cards(tools: Iterable[ToolSpec]) -> str:
    """The cards of several tools, one after the other, in the order given."""
    return "\n".join(card(tool) for tool in tools)


def card(tool: ToolSpec, *, name: str = "", result: bool = False) -> str:
    """The tool's id, parameters (required ones first, `?` marks the others) and purpose.

    Under it stands what its parameters are for, where their description says more than their name. What a server has
    written is cut and put on one line: it cannot forge a second card. `name` stands in place of the id; `result` adds
    what the tool gives, where its server says so.

    Example:
        git/git_log(repo_path: string, max_count?: integer = 10) - Shows the commit logs
    """
    schema = plain(tool.input_schema)
    parts: Mapping[str, Schema] = schema.get("properties", {})
    required: list[str] = schema.get("required", [])
    names = [*required, *(each for each in parts if each not in required)]
    shown = names[:_MOST_PARAMETERS]
    purpose = _line(tool.description or tool.title or "", _DESCRIPTION)
    signature = _signature(schema, shown) + (", …" if len(names) > len(shown) else "")
    gives = f" -> {_type(plain(tool.output_schema), 2)[:_HEAD]}" if result and tool.output_schema else ""
    head = f"{_line(name or tool.tool_id, 200)}({signature}){gives}"
    notes = [note for each in shown if (note := _note(each, parts[each]))]
    return "\n".join([f"{head} - {purpose}" if purpose else head, *_first(notes, _NOTES)])


def _signature(schema: Schema, names: Sequence[str]) -> str:
    """The parameters as deep as there is room for: nested objects lose their fields first."""
    required: list[str] = schema.get("required", [])
    made = ""
    for depth in _DEPTHS:
        made = ", ".join(_parameter(name, schema["properties"][name], name in required, depth) for name in names)
        if len(made) <= _HEAD:
            break
    return made


def _first(notes: Sequence[str], most: int) -> list[str]:
    """As many as fit into so many characters."""
    sizes = accumulate(map(len, notes))
    return [note for note, size in zip(notes, sizes, strict=True) if size <= most]


def _parameter(name: str, schema: Schema, required: bool, depth: int) -> str:
    default = schema.get("default")
    shown = "" if required or default in (None, "", [], {}) else f" = {_line(_json(default), 40)}"
    return f"{_line(name, 80)}{'' if required else '?'}: {_type(schema, depth)}{shown}"


def _note(name: str, schema: Schema) -> str:
    """What the parameter is for; nothing where that only repeats its name."""
    text = schema.get("description")
    if not isinstance(text, str):
        return ""
    said = {word for word in _words(text) if word not in _FILLERS}
    return f"  {_line(name, 80)}: {_line(text, _NOTE)}" if said - set(_words(name)) else ""


_FILLERS = frozenset(["the", "a", "an", "of", "to", "for", "name", "id", "value", "is", "this", "optional", "required"])


def _words(text: str) -> list[str]:
    spaced = "".join(letter if letter.isalnum() else " " for letter in text)
    return spaced.lower().split()


def _type(schema: Schema, depth: int) -> str:
    if "const" in schema:
        return _line(_json(schema["const"]), 60)
    if "enum" in schema:
        choices: list[Any] = schema["enum"]
        more = " | …" if len(choices) > _MOST_CHOICES else ""
        return " | ".join(_line(_json(each), 60) for each in choices[:_MOST_CHOICES]) + more
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(branch, depth - 1) for branch in schema["anyOf"]))
    kind = schema.get("type", "any")
    if kind == "array":
        inner = _type(schema.get("items", {}), depth - 1)
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    if kind == "object" and depth > 0 and (parts := schema.get("properties")):
        required = schema.get("required", [])
        names = sorted(parts, key=lambda name: name not in required)
        shown = ", ".join(_parameter(name, parts[name], name in required, depth - 1) for name in names[:_MOST_CHOICES])
        return f"{{{shown}{', …' if len(names) > _MOST_CHOICES else ''}}}"
    return str(kind)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _line(text: str, most: int) -> str:
    """The text on one line, cut to so many characters."""
    clean = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return clean if len(clean) <= most else clean[: most - 1].rstrip() + "…"
