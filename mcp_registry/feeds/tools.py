"""Tool definitions without a live server: JSON Lines, arrays, and dumps of a `tools/list` result.

A definition is not a server's answer, so it is read leniently: a schema may be absent, may lack its `type`, or may be
the bare map of its properties. It is never called, so a schema that is not valid JSON Schema is kept and told of.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema_rs

from mcp_registry.feeds.basket import Basket
from mcp_registry.feeds.name import words
from mcp_registry.feeds.text import Document
from mcp_registry.wire import InvalidTool, check_schema
from retrieval.tool import ToolSpec, split_tool_id

_SCHEMAS = ("input_schema", "inputSchema", "parameters")
_LONGEST_NAME = 256
_SCHEMA_WORDS = words(
    "$schema $ref $defs definitions properties required anyOf oneOf allOf not additionalProperties items"
)


def is_tool(record: Mapping[str, Any]) -> bool:
    """True for a record that defines a tool."""
    if not isinstance(record.get("name"), str):
        return False
    return "tool_id" in record or any(key in record for key in _SCHEMAS) or isinstance(record.get("server"), str)


def listed_tools(document: Document) -> tuple[str, list[Any]] | None:
    """The server's name and the entries of a `tools/list` dump; None when the document is something else.

    Example:
        git.json: {"result": {"tools": [{"name": "git_log", ...}]}} -> ("git", [{"name": "git_log", ...}])
    """
    value = document.value
    if not isinstance(value, dict):
        return None
    answer: Any = value.get("result")
    result: dict[str, Any] = answer if isinstance(answer, dict) else value
    tools = result.get("tools")
    if not isinstance(tools, list) or is_tool(result):
        return None
    info = value.get("serverInfo")
    said = value.get("server") or (info.get("name") if isinstance(info, dict) else None)
    return (said if isinstance(said, str) and said else document.stem), tools


def add_tools(entries: Iterable[tuple[str, Any]], server: str, basket: Basket) -> None:
    """Add the definitions; `server` is for those that do not name theirs."""
    for where, record in entries:
        try:
            tool = _read_tool(record, server, basket)
        except InvalidTool as error:
            basket.problem(f"{where} is left out: {error}")
        else:
            basket.add_tool(tool, where)


def _read_tool(record: object, server: str, basket: Basket) -> ToolSpec:
    if not isinstance(record, dict):
        raise InvalidTool("a tool must be an object")
    owner, name = _identity(record, server)
    schema = _input_schema(record)
    tool = ToolSpec(
        server=basket.home_of(owner),
        name=name,
        title=_text(record, "title"),
        description=_text(record, "description") or "",
        input_schema=schema,
        output_schema=_object(record, "output_schema", "outputSchema"),
        annotations=_object(record, "annotations"),
        extra={key: record[key] for key in ("_meta", "icons") if key in record},
    )
    if not _is_valid(schema):
        basket.kept("kept although its input schema is not valid JSON Schema", tool.tool_id)
    return tool


def _identity(record: Mapping[str, Any], server: str) -> tuple[str, str]:
    owner, name = record.get("server"), record.get("name")
    tool_id = record.get("tool_id")
    if not (isinstance(owner, str) and owner.strip()):
        owner = split_tool_id(tool_id)[0] if isinstance(tool_id, str) and "/" in tool_id else server
    if not isinstance(name, str) or not name.strip():
        raise InvalidTool("it has no name")
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidTool(f"its name must have at most {_LONGEST_NAME} characters, all of which can be shown")
    return owner or server, name


def _input_schema(record: Mapping[str, Any]) -> dict[str, Any]:
    schema: Any = next((record[key] for key in _SCHEMAS if record.get(key) is not None), {})
    if not isinstance(schema, dict):
        raise InvalidTool("its input schema must be an object")
    kind = schema.get("type")
    if kind == "object":
        return schema
    if isinstance(kind, str) and kind != "object":
        raise InvalidTool(f'its input schema must have "type": "object"; it has {kind[:40]!r}')
    if schema and not _SCHEMA_WORDS.intersection(schema) and all(isinstance(part, dict) for part in schema.values()):
        return {"type": "object", "properties": schema}
    return {**schema, "type": "object"}


def _is_valid(schema: dict[str, Any]) -> bool:
    try:
        if jsonschema_rs.meta.is_valid(schema):
            return True
        check_schema(schema, "its input schema")
    except ValueError:
        return False
    return True


def _object(record: Mapping[str, Any], *keys: str) -> dict[str, Any] | None:
    return next((value for key in keys if isinstance(value := record.get(key), dict)), None)


def _text(record: Mapping[str, Any], key: str) -> str | None:
    value = record.get(key)
    return value if isinstance(value, str) else None
