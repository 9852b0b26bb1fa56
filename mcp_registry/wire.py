"""The protocol's edge: raw `tools/list` entries become `ToolSpec`s; one that is invalid is set aside alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from retrieval.tool import ToolSpec, canonical_json

_INTERPRETED = {"name", "title", "description", "inputSchema", "outputSchema", "annotations"}
_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
_MAX_NAME = 256

_DIALECTS = (
    "https://json-schema.org/draft/2020-12/schema",
    "http://json-schema.org/draft-07/schema#",
    "http://json-schema.org/draft-04/schema#",
)
"""Tried in this order: 2020-12 is the protocol's default, the others are what servers in the wild still write."""

_KNOWN_DIALECTS = {
    *_DIALECTS,
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema",
    "http://json-schema.org/draft-04/schema",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A published tool that we do not offer, and the reason, for the operator and the server's author."""

    name: str
    reason: str
    raw: str
    """The entry as published, as JSON, cut at 4,000 characters."""


class InvalidTool(ValueError):
    """One entry of a listing breaks the protocol; the message says where and how."""


def read_listing(server: str, entries: Iterable[object]) -> tuple[list[ToolSpec], list[SetAside]]:
    """Every tool of a listing that is valid, and every one that is not, with its reason.

    A name that comes twice keeps its first entry: MCP gives a tool no identity beyond its name.

    Example:
        [{"name": "a", "inputSchema": {"type": "object"}}, {"name": "b", "inputSchema": {}}]
        -> [ToolSpec a], [SetAside b: inputSchema has no "type": "object"]
    """
    tools: dict[str, ToolSpec] = {}
    aside: list[SetAside] = []
    for position, entry in enumerate(entries):
        try:
            tool = read_tool(server, entry)
            if tool.name in tools:
                raise InvalidTool("a tool of this name is already in the list; the first one is kept")
        except InvalidTool as error:
            name = entry.get("name") if isinstance(entry, Mapping) else None
            label = name if isinstance(name, str) and name else f"#{position + 1}"
            aside.append(SetAside(name=label[:_MAX_NAME], reason=str(error), raw=_shorten(entry)))
        else:
            tools[tool.name] = tool
    return list(tools.values()), aside


def read_tool(server: str, entry: object) -> ToolSpec:
    """One `tools/list` entry as a `ToolSpec`.

    Raises:
        InvalidTool: it breaks the protocol's schema in a way that a strict client refuses.
    """
    if not isinstance(entry, Mapping):
        raise InvalidTool(f"a tool must be an object, not {_kind(entry)}")
    raw: Mapping[str, Any] = entry
    annotations = _optional_object(raw, "annotations")
    for hint in _HINTS:
        if annotations is not None and not isinstance(annotations.get(hint, False), bool | None):
            raise InvalidTool(f"annotations.{hint} must be true or false, not {_kind(annotations[hint])}")
    return ToolSpec(
        server=server,
        name=_name(raw),
        title=_optional_text(raw, "title"),
        description=_optional_text(raw, "description") or "",
        input_schema=_input_schema(raw),
        output_schema=_output_schema(raw),
        annotations=annotations,
        extra={key: value for key, value in raw.items() if key not in _INTERPRETED},
    )


def check_schema(schema: dict[str, Any], where: str) -> None:
    """Raises:
    InvalidTool: the schema is not valid JSON Schema in its own dialect, nor in 2020-12, draft 7 or draft 4.
    """
    # A dialect that we do not know would be fetched from where its name points: always name one that is built in.
    declared = schema.get("$schema")
    dialects = [declared, *_DIALECTS] if declared in _KNOWN_DIALECTS else _DIALECTS
    problems = [problem for dialect in dialects if (problem := _problem(schema, dialect))]
    if len(problems) == len(dialects):
        raise InvalidTool(f"{where} is not a valid JSON Schema: {problems[0]}")


def _problem(schema: dict[str, Any], dialect: str) -> str | None:
    try:
        jsonschema_rs.meta.validate({**schema, "$schema": dialect})
    except (jsonschema_rs.ValidationError, ValueError) as error:
        return str(error).split("\n", 1)[0][:300]
    return None


def _name(raw: Mapping[str, Any]) -> str:
    name = raw.get("name")
    if not isinstance(name, str) or not name.strip():
        raise InvalidTool(f"name must be a text that is not empty, not {_kind(name)}")
    if len(name) > _MAX_NAME:
        raise InvalidTool(f"name has {len(name)} characters; at most {_MAX_NAME} are allowed")
    if not name.isprintable():
        raise InvalidTool(f"name {name!r} has characters that cannot be shown")
    return name


def _input_schema(raw: Mapping[str, Any]) -> dict[str, Any]:
    schema: Any = raw.get("inputSchema")
    if not isinstance(schema, dict):
        raise InvalidTool(f"inputSchema must be an object, not {_kind(schema)}")
    if schema.get("type") != "object":
        said = canonical_json(schema["type"]) if "type" in schema else "no type"
        raise InvalidTool(f'inputSchema must have "type": "object"; it has {said}')
    check_schema(schema, "inputSchema")
    return schema


def _output_schema(raw: Mapping[str, Any]) -> dict[str, Any] | None:
    schema = _optional_object(raw, "outputSchema")
    if schema is not None:
        check_schema(schema, "outputSchema")
    return schema


def _optional_object(raw: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    value: Any = raw.get(key)
    if value is not None and not isinstance(value, dict):
        raise InvalidTool(f"{key} must be an object, not {_kind(value)}")
    return value


def _optional_text(raw: Mapping[str, Any], key: str) -> str | None:
    value = raw.get(key)
    if value is not None and not isinstance(value, str):
        raise InvalidTool(f"{key} must be a text, not {_kind(value)}")
    return value


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return "a text" if value else "an empty text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"


def _shorten(entry: object) -> str:
    return canonical_json(entry)[:4000]
