import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_registry.wire import read_listing

GOOD = {"name": "good", "description": "Fine", "inputSchema": {"type": "object"}}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"name": "t", "inputSchema": {}}, 'must have "type": "object"; it has no type'),
        ({"name": "t"}, "inputSchema must be an object, not nothing"),
        ({"name": "t", "inputSchema": {"type": "array"}}, 'it has "array"'),
        (
            {"name": "t", "inputSchema": {"type": "object", "properties": {"a": {"type": "strin"}}}},
            "not a valid JSON Schema",
        ),
        (
            {"name": "t", "inputSchema": {"type": "object", "properties": {"required": ["a"]}}},
            "not a valid JSON Schema",
        ),
        ({"name": "t", "inputSchema": {"type": "object"}, "outputSchema": []}, "outputSchema must be an object"),
        ({"name": "t", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": "yes"}}, "readOnlyHint"),
        ({"name": "t", "inputSchema": {"type": "object"}, "description": 3}, "description must be a text"),
        ({"name": "", "inputSchema": {"type": "object"}}, "name must be a text that is not empty"),
        ({"name": 4, "inputSchema": {"type": "object"}}, "name must be a text"),
        ({"name": "a\x00b", "inputSchema": {"type": "object"}}, "cannot be shown"),
        ({"name": "x" * 300, "inputSchema": {"type": "object"}}, "300 characters"),
        ("text", "must be an object"),
        (None, "must be an object"),
    ],
)
def test_an_invalid_tool_is_set_aside_alone_with_its_reason(entry: object, reason: str) -> None:
    tools, aside = read_listing("s", [entry, GOOD])
    assert [tool.name for tool in tools] == ["good"]
    assert len(aside) == 1
    assert reason in aside[0].reason


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": True}},
        {"type": "object", "properties": {"a": {"type": "number", "exclusiveMinimum": True, "minimum": 0}}},
        {"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"},
        {"type": "object", "$schema": "http://192.0.2.1/nobody-knows-this-dialect"},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}},
        {"type": "object", "x-vendor": {"anything": 1}},
    ],
)
def test_schemas_of_known_dialects_are_kept_as_published(schema: dict[str, object]) -> None:
    tools, aside = read_listing("s", [{"name": "t", "inputSchema": schema}])
    assert not aside
    assert tools[0].input_schema == schema


def test_vendor_fields_and_meta_are_kept() -> None:
    entry = {**GOOD, "_meta": {"a": 1}, "icons": [{"src": "x"}], "vendor": "yes", "title": "Good"}
    tools, _ = read_listing("s", [entry])
    assert tools[0].published == entry


def test_a_name_that_comes_twice_keeps_its_first_entry() -> None:
    tools, aside = read_listing("s", [GOOD, {**GOOD, "description": "Second"}])
    assert [tool.description for tool in tools] == ["Fine"]
    assert "already in the list" in aside[0].reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["name", "description", "inputSchema", "outputSchema", "annotations", "title", "_meta", "x"])


@given(st.lists(st.dictionaries(keys, json_values, max_size=5) | json_values, max_size=5))
def test_any_listing_is_read_and_nothing_is_lost(entries: list[object]) -> None:
    tools, aside = read_listing("s", entries)
    assert len(tools) + len(aside) == len(entries)
