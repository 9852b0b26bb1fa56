"""The JSON schema that a model's next action is held to."""

import json
from typing import Any

import jsonschema_rs
import pytest

from agent.action_schema import action_schema
from retrieval.tool import ToolSpec

LOG = ToolSpec(
    server="git",
    name="git_log",
    input_schema={
        "type": "object",
        "properties": {
            "repo_path": {"type": "string", "pattern": "^/", "description": "where"},
            "max_count": {"type": "integer", "default": 10, "minimum": 1},
            "order": {"enum": ["asc", "desc"]},
        },
        "required": ["repo_path"],
    },
)
TIME = ToolSpec(server="time", name="now")


def accepts(schema: dict[str, Any], action: Any) -> bool:
    return jsonschema_rs.is_valid(schema, action)


def wide(name: str, fields: int) -> ToolSpec:
    properties = {f"field_{place}": {"type": "string"} for place in range(fields)}
    return ToolSpec(server="wide", name=name, input_schema={"type": "object", "properties": properties})


def test_an_action_is_a_call_a_search_or_an_answer() -> None:
    schema = action_schema([LOG, TIME], can_search=True, can_finish=True)
    assert accepts(schema, {"tool": "git/git_log", "arguments": {"repo_path": "/r", "max_count": 3, "order": "asc"}})
    assert accepts(schema, {"tool": "time/now", "arguments": {}})
    assert accepts(schema, {"search": ["read a file", "what time is it"]})
    assert accepts(schema, {"answer": "Done."})


@pytest.mark.parametrize(
    "action",
    [
        {"tool": "git/git_log", "arguments": {}},
        {"tool": "git/git_log", "arguments": {"repo_path": 1}},
        {"tool": "git/git_log", "arguments": {"repo_path": "/r", "made_up": 1}},
        {"tool": "git/git_log", "arguments": {"repo_path": "/r", "order": "up"}},
        {"tool": "git/unknown", "arguments": {}},
        {"search": []},
        {"answer": "Done.", "tool": "time/now"},
        {},
    ],
)
def test_what_no_tool_takes_is_no_action(action: Any) -> None:
    assert not accepts(action_schema([LOG, TIME], can_search=True, can_finish=True), action)


def test_only_what_is_allowed_is_an_action() -> None:
    schema = action_schema([LOG], can_search=False, can_finish=False)
    assert not accepts(schema, {"search": ["x"]})
    assert not accepts(schema, {"answer": "x"})
    with pytest.raises(ValueError, match="none of them is possible"):
        action_schema([], can_search=False, can_finish=False)


def test_the_arguments_of_a_large_tool_may_be_any_object() -> None:
    schema = action_schema([wide("large", 100), LOG], can_search=False, can_finish=False)
    assert accepts(schema, {"tool": "wide/large", "arguments": {"anything": 1}})
    assert not accepts(schema, {"tool": "git/git_log", "arguments": {"anything": 1}})


def test_the_schema_of_thousands_of_tools_names_them_all_and_stays_small() -> None:
    tools = [wide(f"tool_{place}", place % 40) for place in range(2_000)]
    schema = action_schema(tools, can_search=False, can_finish=False)
    assert accepts(schema, {"tool": "wide/tool_1999", "arguments": {"field_1": "x"}})
    assert not accepts(schema, {"tool": "wide/tool_2000", "arguments": {}})
    assert len(json.dumps(schema)) < 150_000


def test_no_word_remains_that_a_grammar_refuses() -> None:
    odd = {
        "$schema": "x",
        "type": "object",
        "properties": {
            "when": {"type": "string", "format": "date-time", "pattern": "(?=x)"},
            "country": {"enum": [f"C{place}" for place in range(200)]},
            "tree": {"$ref": "#/$defs/tree"},
            "kind": {"oneOf": [{"const": "a"}, {"const": "b"}]},
            "none": {"not": {}},
        },
        "$defs": {"tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/tree"}}}},
        "if": {},
    }
    schema = action_schema([ToolSpec(server="a", name="b", input_schema=odd)], can_search=True, can_finish=True)
    words = {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf"}
    assert _words(schema) <= words | {"minItems", "maxItems"}


def _words(schema: Any) -> set[str]:
    found = set(schema)
    items = [schema["items"]] if "items" in schema else []
    for below in [*schema.get("properties", {}).values(), *schema.get("anyOf", []), *items]:
        found |= _words(below)
    return found
