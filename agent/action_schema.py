"""`action_schema`: the JSON schema of one action, in what grammars of llama.cpp and xgrammar accept."""

from collections.abc import Mapping, Sequence
from typing import Any

from agent.plain_schema import Schema, plain
from retrieval.tool import ToolSpec

_MOST_PARTS = 60
"""Of one tool's arguments: a grammar of more costs more than it saves."""
_MOST_PARTS_TOGETHER = 1_200
_MOST_QUERIES = 4


def action_schema(tools: Sequence[ToolSpec], *, can_search: bool, can_finish: bool) -> dict[str, Any]:
    """One of {"tool": id, "arguments": {...}} for each tool, {"search": [query, ...]} and {"answer": text}.

    Bounded: arguments beyond 60 parts become any object, and when all tools together have more than 1,200 parts, so do
    those of the largest ones. It may admit a little more than the tools do: check what comes.

    Example:
        action_schema([git_log], can_search=False, can_finish=True)
        -> {"anyOf": [{"type": "object", "properties": {"tool": {"const": "git/git_log"}, "arguments": {...}},
                       "required": ["tool", "arguments"], "additionalProperties": False},
                      {"type": "object", "properties": {"answer": {"type": "string"}}, ...}]}

    Raises:
        ValueError: there is nothing to choose from.
    """
    branches = _call_branches(tools)
    if can_search:
        queries = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": _MOST_QUERIES}
        branches.append(closed({"search": queries}))
    if can_finish:
        branches.append(closed({"answer": {"type": "string"}}))
    if not branches:
        raise ValueError("an action must be a tool's call, a search or an answer; none of them is possible")
    return branches[0] if len(branches) == 1 else {"anyOf": branches}


def arguments_schema(tool: ToolSpec) -> dict[str, Any]:
    """The tool's arguments for a grammar; any object where that would be too large."""
    schema = _bare(plain(tool.input_schema))
    if "anyOf" not in schema and schema.get("type") != "object":
        return {"type": "object"}
    return schema if _parts(schema) <= _MOST_PARTS else {"type": "object"}


def closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object that has just these fields, all of them, in this order."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _call_branches(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """A branch for each tool; those whose arguments do not fit into the bound share one branch."""
    schemas = {tool.tool_id: arguments_schema(tool) for tool in tools}
    left = _MOST_PARTS_TOGETHER
    fitting: set[str] = set()
    for id_, schema in sorted(schemas.items(), key=lambda row: _parts(row[1])):
        left -= _parts(schema)
        if left >= 0 and schema != {"type": "object"}:
            fitting.add(id_)
    branches = [
        closed({"tool": {"const": id_}, "arguments": schema}) for id_, schema in schemas.items() if id_ in fitting
    ]
    others = [id_ for id_ in schemas if id_ not in fitting]
    if others:
        name = {"const": others[0]} if len(others) == 1 else {"enum": others}
        branches.append(closed({"tool": name, "arguments": {"type": "object"}}))
    return branches


def _bare(schema: Schema) -> Schema:
    """Without defaults and descriptions; objects with named fields have no others, so that nothing is made up."""
    if "anyOf" in schema:
        return {"anyOf": [_bare(branch) for branch in schema["anyOf"]]}
    if "items" in schema:
        return {"type": "array", "items": _bare(schema["items"])}
    if schema.get("type") != "object":
        return {key: schema[key] for key in ("type", "enum", "const") if key in schema}
    rest = schema.get("additionalProperties")
    parts: Mapping[str, Schema] = schema.get("properties", {})
    if not parts:
        return {"type": "object", "additionalProperties": _bare(rest)} if rest else {"type": "object"}
    return {
        "type": "object",
        "properties": {name: _bare(parts[name]) for name in parts},
        "required": list(schema.get("required", [])),
        "additionalProperties": False,
    }


def _parts(schema: Schema) -> int:
    """How many rules a grammar of it would have, about."""
    below = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    below += [schema["items"]] if "items" in schema else []
    return 1 + len(schema.get("enum", ())) + sum(map(_parts, below))
