import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_registry.arguments import ArgumentCheck, WrongArguments, example_of, signature

SCHEMA = {
    "type": "object",
    "properties": {
        "repo_path": {"type": "string"},
        "max_count": {"type": "integer", "minimum": 1, "maximum": 100},
        "format": {"type": "string", "enum": ["short", "full-text"]},
        "verbose": {"type": "boolean"},
        "paths": {"type": "array", "items": {"type": "string"}},
        "filter": {"type": "object", "properties": {"author": {"type": "string"}}, "required": ["author"]},
    },
    "required": ["repo_path"],
    "additionalProperties": False,
}
CHECK = ArgumentCheck(SCHEMA)


@pytest.mark.parametrize(
    ("given", "mended"),
    [
        ('{"repo_path": "."}', {"repo_path": "."}),
        ({"repo_path": ".", "max_count": "5"}, {"repo_path": ".", "max_count": 5}),
        ({"repo_path": ".", "max_count": 5.0}, {"repo_path": ".", "max_count": 5}),
        ({"repo_path": ".", "verbose": "true"}, {"repo_path": ".", "verbose": True}),
        ({"repo_path": ".", "verbose": "False"}, {"repo_path": ".", "verbose": False}),
        ({"repo_path": ".", "paths": '["a", "b"]'}, {"repo_path": ".", "paths": ["a", "b"]}),
        ({"repo_path": ".", "filter": '{"author": "ann"}'}, {"repo_path": ".", "filter": {"author": "ann"}}),
        ({"repo_path": 7}, {"repo_path": "7"}),
        ({"repo_path": ".", "max_count": None, "format": None}, {"repo_path": "."}),
        ({"repoPath": ".", "max-count": "2"}, {"repo_path": ".", "max_count": 2}),
        ({"repo_path": ".", "format": "Full Text"}, {"repo_path": ".", "format": "full-text"}),
        ({"repo_path": ".", "paths": ["a", 1]}, {"repo_path": ".", "paths": ["a", "1"]}),
    ],
)
def test_what_has_only_one_reading_is_mended(given: object, mended: object) -> None:
    assert CHECK.fit(given) == mended


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ["'repo_path' is required"]),
        ({"repo_path": ".", "max_count": "many"}, ["'max_count'", '"many"', "integer"]),
        ({"repo_path": ".", "max_count": 1000}, ["'max_count'", "1000", "100"]),
        ({"repo_path": ".", "format": "long"}, ["'format'", '"long"', '"short"', '"full-text"']),
        ({"repo_path": ".", "colour": "red"}, ["'colour'", "no such argument"]),
        ({"repo_path": ".", "filter": {}}, ["'filter'", "'author' is required"]),
        ({"repo_path": ".", "paths": [["a"]]}, ["'paths[0]'", '["a"]', "string"]),
        ({"repo_path": None}, ["'repo_path'", "null", "string"]),
        ("not json", ["not JSON", "not json"]),
        ([1], ["JSON object", "[1]"]),
    ],
)
def test_what_cannot_be_mended_is_told_with_field_value_and_what_is_valid(given: object, said: list[str]) -> None:
    with pytest.raises(WrongArguments) as caught:
        CHECK.fit(given)
    for part in said:
        assert part in str(caught.value)


def test_the_answer_ends_with_what_the_tool_takes() -> None:
    with pytest.raises(WrongArguments, match=r"repo_path\*: string, max_count: integer"):
        CHECK.fit({})


def test_arguments_that_fit_are_not_touched() -> None:
    given = {"repo_path": "5", "verbose": True, "paths": ["1", "true"]}
    assert CHECK.fit(given) is given


def test_what_was_given_is_never_changed_in_place() -> None:
    given = {"repoPath": ".", "filter": '{"author": "ann"}', "paths": [1]}
    before = json.dumps(given)
    CHECK.fit(given)
    assert json.dumps(given) == before


def test_a_schema_that_cannot_be_compiled_leaves_the_decision_to_the_server() -> None:
    broken = {"type": "object", "properties": {"a": {"$ref": "http://192.0.2.1/schema.json"}}}
    assert ArgumentCheck(broken).fit({"a": 1}) == {"a": 1}
    assert ArgumentCheck({"type": "no such type"}).fit({"a": 1}) == {"a": 1}


def test_draft_4_schemas_are_understood() -> None:
    old = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "properties": {"n": {"type": "number", "minimum": 0, "exclusiveMinimum": True}},
    }
    assert ArgumentCheck(old).fit({"n": 1}) == {"n": 1}
    with pytest.raises(WrongArguments):
        ArgumentCheck(old).fit({"n": 0})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["repo_path", "repoPath", "max_count", "format", "verbose", "paths", "filter", "x"])


@given(st.dictionaries(names, json_values, max_size=4))
def test_whatever_is_given_either_fits_afterwards_or_is_explained(given: dict[str, object]) -> None:
    with suppress(WrongArguments):  # any other error fails this test
        fitting = CHECK.fit(given)
        assert CHECK.fit(fitting) is fitting


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        (SCHEMA, {"repo_path": "<repo_path>"}),
        ({"type": "object", "properties": {}}, {}),
        ({"type": "object", "properties": {"n": {"type": "integer", "default": 3}}}, {"n": 3}),
        (
            {
                "type": "object",
                "properties": {"a": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}},
                "required": ["a"],
            },
            {"a": True},
        ),
        ({"type": "object", "properties": {"a": True}, "required": ["a", "b"]}, {"a": "<a>"}),
    ],
)
def test_an_example_shows_the_shape_of_the_arguments(schema: dict[str, object], example: object) -> None:
    assert example_of(schema) == example


def test_a_schema_that_refers_to_itself_has_an_example() -> None:
    deep: dict[str, object] = {"type": "object", "required": ["next"]}
    deep["properties"] = {"next": deep}
    assert isinstance(example_of(deep), dict)
    assert signature({"properties": {"a": {"type": ["string", "null"]}, "b": False}}) == "a: string|null, b: any"
