"""What makes a sampled plan one that can be carried out."""

import json
from typing import Any

import pytest

from agent.planners.checking import BadPlan, PlanCheck
from agent.planners.sampling import plan_schema
from mcp_registry.arguments import ArgumentCheck
from retrieval.tool import ToolSpec

_PLACE = {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]}
_TOOL = ToolSpec(
    server="maps",
    name="route",
    input_schema={
        "type": "object",
        "properties": {
            "start": {"$ref": "#/$defs/Place"},
            "via": {"type": "array", "items": {"$ref": "#/$defs/Place"}},
            "mode": {"enum": ["car", "foot"]},
            "limit": {"type": "integer", "minimum": 1},
            "title": {"type": "string"},
        },
        "required": ["start"],
        "additionalProperties": False,
        "$defs": {"Place": _PLACE},
    },
)
_NOW = ToolSpec(server="clock", name="now")
_CHECK = PlanCheck({tool.tool_id: tool for tool in (_TOOL, _NOW)})


def _plan(**arguments: Any) -> str:
    steps = [{"tool": "clock/now", "arguments": {}}, {"tool": "maps/route", "arguments": arguments}]
    return json.dumps({"steps": steps})


@pytest.mark.parametrize(
    "arguments",
    [
        {"start": "$1"},
        {"start": {"lat": "$1.lat"}},
        {"start": {"lat": 1}, "via": "$1.via"},
        {"start": {"lat": 1}, "via": ["$1.via[0]", {"lat": 2}]},
        {"start": {"lat": 1}, "mode": "$1.mode", "limit": "$1.n"},
        {"start": {"lat": 1}, "title": "to ${1.name}"},
    ],
)
def test_a_reference_fits_wherever_a_value_may_stand(arguments: dict[str, Any]) -> None:
    assert _CHECK.read(_plan(**arguments))[1].arguments == arguments


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"start": {"lat": "north"}}, "start.lat"),
        ({"start": "$1", "mode": "boat"}, "mode"),
        ({"start": "$1", "speed": 3}, "speed"),
        ({"via": "$1"}, "start"),
        ({"start": "$2.place"}, r"\$2.place is no result of a step before it"),
        ({"start": {"lat": 1}, "limit": 0}, "limit"),
    ],
)
def test_what_does_not_fit_is_told_by_its_name(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(BadPlan, match=told):
        _CHECK.read(_plan(**arguments))


def test_one_reading_is_mended_also_beside_a_reference() -> None:
    read = _CHECK.read(_plan(start="$1", limit="3"))
    assert read[1].arguments == {"start": "$1", "limit": 3}


def test_a_tool_may_be_named_without_its_server_where_only_one_has_that_name() -> None:
    assert _CHECK.read('{"steps": [{"tool": "now"}]}')[0].tool_id == "clock/now"


def test_steps_are_numbered_on_from_those_taken() -> None:
    text = json.dumps({"steps": [{"tool": "maps/route", "arguments": {"start": "$2"}}]})
    assert _CHECK.read(text, taken=2)
    with pytest.raises(BadPlan, match="wrong arguments"):
        _CHECK.read(text, taken=1)


@pytest.mark.parametrize("text", ["", "first I look", '{"steps": "look"}', '{"steps": ["look"]}', '{"plan": []}'])
def test_what_is_no_plan_is_said_to_be_none(text: str) -> None:
    with pytest.raises(BadPlan):
        _CHECK.read(text)


def test_a_step_that_says_the_plan_ends_is_its_end() -> None:
    steps = [{"tool": "clock/now", "arguments": {}}, {"tool": "[END]", "arguments": {}}, {"tool": "nothing"}]
    assert len(_CHECK.read(json.dumps({"steps": steps}))) == 1


@pytest.mark.parametrize(
    ("arguments", "fits"),
    [
        ({"start": "$1.place"}, True),
        ({"start": {"lat": "$1.lat"}, "via": ["$1.a"], "limit": "$1.n", "mode": "$1"}, True),
        ({"start": {"lat": 1.5}, "mode": "car"}, True),
        ({"start": {"lat": "north"}}, False),
        ({"start": "$1", "speed": 3}, False),
    ],
)
def test_the_schema_that_samples_are_held_to_lets_references_in(arguments: dict[str, Any], fits: bool) -> None:
    schema = plan_schema([_TOOL, _NOW])
    step = {"tool": "maps/route", "arguments": arguments}
    assert ArgumentCheck(schema).accepts({"steps": [step]}) is fits
