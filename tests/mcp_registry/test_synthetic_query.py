"""Arguments for a probe: always valid, taken from the schema or safe to make up, or refused with the reason."""

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_registry.synthetic_query import NoQuery, synthetic_query

DATA = Path(__file__).parents[1] / "data"


def schema(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}


@pytest.mark.parametrize(
    ("name", "entry", "value"),
    [
        ("zone", {"type": "string", "enum": ["CET", "UTC"]}, "CET"),
        ("zone", {"const": "UTC"}, "UTC"),
        ("unit", {"type": "string", "default": "m"}, "m"),
        ("zone", {"type": "string", "examples": ["Asia/Tokyo"]}, "Asia/Tokyo"),
        ("zone", {"type": "string", "description": "IANA name (e.g. 'Asia/Tokyo')"}, "Asia/Tokyo"),
        ("count", {"type": "integer"}, 1),
        ("count", {"type": "integer", "minimum": 5}, 5),
        ("count", {"type": "integer", "exclusiveMinimum": 5, "multipleOf": 4}, 8),
        ("ratio", {"type": "number", "maximum": 0.5}, 0.5),
        ("verbose", {"type": "boolean"}, False),
        ("day", {"type": "string", "format": "date"}, "2024-01-15"),
        ("search_query", {"type": "string"}, "weather"),
        ("text", {"type": "string", "maxLength": 5}, "Hello"),
        ("expression", {"type": "string"}, "1 + 1"),
        ("numbers", {"type": "array", "items": {"type": "number"}, "minItems": 2}, [1, 1]),
        ("limit", {"anyOf": [{"type": "null"}, {"type": "integer"}]}, 1),
        ("note", {"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
        ("path", {"type": "string", "default": "."}, "."),
    ],
)
def test_a_required_argument_is_taken_from_the_schema_or_made_up(name: str, entry: Any, value: object) -> None:
    assert synthetic_query(schema({name: entry})) == {name: value}


def test_what_need_not_be_given_is_not_given() -> None:
    assert synthetic_query(schema({}, {"limit": {"type": "integer"}, "path": {"type": "string"}})) == {}


def test_references_within_the_schema_are_followed() -> None:
    whole = schema({"mode": {"$ref": "#/$defs/Mode"}}) | {"$defs": {"Mode": {"enum": ["fast", "slow"]}}}
    assert synthetic_query(whole) == {"mode": "fast"}


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("path", {"type": "string", "examples": ["/etc/hosts"]}),
        ("fileURLs", {"type": "array", "items": {"type": "string"}}),
        ("page", {"type": "string", "format": "uri"}),
        ("recipient", {"type": "string", "format": "email"}),
        ("api_key", {"type": "string", "description": "e.g. 'abc'"}),
    ],
)
def test_what_leads_out_of_the_tool_is_never_made_up_not_even_from_an_example(name: str, entry: Any) -> None:
    with pytest.raises(NoQuery, match=name) as raised:
        synthetic_query(schema({name: entry}))
    assert raised.value.unsafe


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("city", {"type": "string"}),
        ("issue_number", {"type": "integer"}),
        ("userId", {"type": "string"}),
        ("query", {"type": "string", "description": "A SQL statement"}),
        ("text", {"type": "string", "pattern": "^[A-Z]{3}$"}),
        ("word", {"$ref": "#/$defs/nowhere"}),
    ],
)
def test_what_must_mean_something_to_the_tool_is_not_guessed(name: str, entry: Any) -> None:
    with pytest.raises(NoQuery) as raised:
        synthetic_query(schema({name: entry}))
    assert not raised.value.unsafe


def test_a_schema_that_refers_to_itself_ends() -> None:
    loop = {"$ref": "#/$defs/Tree"}
    tree = {"type": "object", "properties": {"child": loop}, "required": ["child"]}
    with pytest.raises(NoQuery, match="nested too deep"):
        synthetic_query(schema({"tree": loop}) | {"$defs": {"Tree": tree}})


names = st.sampled_from(["text", "count", "query", "path", "id", "mode", "when", "flags", "ratio"])
small = st.integers(-50, 50)
scalars = st.one_of(
    st.fixed_dictionaries({"type": st.just("boolean")}),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={
            "minimum": small,
            "maximum": small,
            "exclusiveMinimum": small,
            "exclusiveMaximum": small,
            "multipleOf": st.integers(1, 7),
            "default": small,
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": st.integers(0, 40),
            "maxLength": st.integers(0, 40),
            "format": st.sampled_from(["date", "uri", "date-time", "uuid"]),
            "pattern": st.sampled_from(["^a", "[0-9]+"]),
            "enum": st.lists(st.text(max_size=5), min_size=1, max_size=3),
            "description": st.sampled_from(["e.g. 'abc'", "SQL", 'for example "x"']),
        },
    ),
    st.fixed_dictionaries({"enum": st.lists(st.one_of(st.none(), small, st.text(max_size=3)), max_size=3)}),
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.dictionaries(names, inner, max_size=3).flatmap(
        lambda properties: st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.just(properties),
                "required": st.lists(st.sampled_from([*properties, "more"]), unique=True, max_size=3),
                "additionalProperties": st.booleans(),
            }
        )
    )
    arrays = st.fixed_dictionaries(
        {"type": st.just("array"), "items": inner},
        optional={"minItems": st.integers(0, 12), "maxItems": st.integers(0, 12), "uniqueItems": st.booleans()},
    )
    unions = st.lists(inner, min_size=1, max_size=3).flatmap(
        lambda options: st.sampled_from(["anyOf", "oneOf", "allOf"]).map(lambda key: {key: options})
    )
    return st.one_of(objects, arrays, unions)


schemas = st.recursive(scalars, nested, max_leaves=8)


@given(st.dictionaries(names, schemas, max_size=4))
def test_whatever_is_made_is_valid_by_its_schema(properties: dict[str, Any]) -> None:
    whole = schema(properties)
    try:
        made = synthetic_query(whole)
    except NoQuery:
        return
    assert jsonschema_rs.validator_for(whole).is_valid(made)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["type", "properties", "required", "items", "enum", "minimum", "minItems", "anyOf", "x"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["type", "properties", "required", "allOf", "$ref"]), json_values))
def test_a_schema_that_makes_no_sense_is_refused_or_served_but_never_an_accident(nonsense: dict[str, Any]) -> None:
    try:
        made = synthetic_query(nonsense)
    except NoQuery:
        return
    assert isinstance(made, dict)


def test_real_tools_get_valid_arguments_or_a_reason() -> None:
    made, refused = 0, 0
    with gzip.open(DATA / "tools.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            whole = json.loads(line)["input_schema"]
            try:
                arguments = synthetic_query(whole)
            except NoQuery:
                refused += 1
            else:
                assert jsonschema_rs.validator_for(whole).is_valid(arguments)
                made += 1
    assert made + refused == 1000
    assert made > 400
