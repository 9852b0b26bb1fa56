"""Tools in the catalogue, on SQLite and on PostgreSQL."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_registry.catalogue_tools import tool_from_published
from retrieval.tool import ToolSpec

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REAL_TOOLS = Path(__file__).parents[3] / "shared" / "data" / "mcp_tools.jsonl.gz"

TEXT = st.text(st.characters(), max_size=20)  # every code point: NUL and lone surrogates too
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
TOOLS = st.builds(
    ToolSpec,
    server=st.text(st.characters(exclude_characters="/"), min_size=1, max_size=10),
    name=st.text(st.characters(), min_size=1, max_size=20),
    title=st.none() | TEXT,
    description=TEXT,
    input_schema=OBJECT,
    output_schema=st.none() | OBJECT,
    annotations=st.none() | OBJECT,
    extra=st.dictionaries(st.sampled_from(["icons", "_meta", "x-\ud800", "\x00"]), JSON),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tool=TOOLS)
def test_whatever_a_server_publishes_comes_back_whole(catalogue, tool):
    catalogue.load_definitions([tool], origin="tools.jsonl", at=NOW)
    stored = catalogue.tool(tool.tool_id)
    assert stored == tool
    assert stored.fingerprint == tool.fingerprint == catalogue.fingerprints(tool.server)[tool.tool_id]
    assert catalogue.tools_of(tool.server) == [tool]
    catalogue.remove_server(tool.server)


@given(tool=TOOLS)
def test_published_is_all_there_is_to_a_tool(tool):
    assert tool_from_published(tool.server, tool.published) == tool


def test_keys_keep_the_order_that_their_author_gave_them(catalogue):
    schema = {"type": "object", "properties": {"z": {}, "a": {}, "m": {}}}
    catalogue.load_definitions([ToolSpec(server="s", name="t", input_schema=schema)], origin="f", at=NOW)
    assert list(catalogue.tool("s/t").input_schema["properties"]) == ["z", "a", "m"]


def test_what_is_not_there_is_left_out(catalogue):
    tool = ToolSpec(server="git", name="log")
    catalogue.load_definitions([tool], origin="f", at=NOW)
    assert catalogue.tools(["git/none", "git/log", "git/log"]) == {"git/log": tool}
    assert catalogue.tool("git/none") is None
    assert catalogue.tools([]) == {}
    assert catalogue.tools_of("none") == []
    assert catalogue.fingerprints("none") == {}


def test_all_tools_can_be_left_in_the_middle_and_read_while_they_change(catalogue):
    tools = [ToolSpec(server="s", name=f"t{number:04}") for number in range(1500)]
    catalogue.load_definitions(tools, origin="f", at=NOW)
    reading = catalogue.all_tools()
    assert next(reading) == tools[0]
    catalogue.load_definitions(tools[:1400], origin="f", at=NOW)
    assert len(list(reading)) == 1399


def test_nearest_prefers_the_right_name_then_the_right_server(catalogue):
    names = ["github/create_issue", "github/list_issues", "gitlab/create_issue", "git/create_tag", "maps/route"]
    tools = [ToolSpec(server=id_.partition("/")[0], name=id_.partition("/")[2]) for id_ in names]
    catalogue.load_definitions(tools, origin="f", at=NOW)
    assert catalogue.nearest("github/create_isue", n=2) == ["github/create_issue", "gitlab/create_issue"]
    assert catalogue.nearest("git/create_issue", n=1) == ["github/create_issue"]
    assert catalogue.nearest("zzz/qqq") == []


@pytest.mark.slow
@pytest.mark.skipif(not REAL_TOOLS.exists(), reason="the collection of real tool definitions is not on this machine")
def test_twenty_thousand_real_tools_come_back_whole_and_a_second_load_changes_nothing(catalogue):
    with gzip.open(REAL_TOOLS, "rt", encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    tools = [
        ToolSpec(server=e["server"], name=e["name"], description=e["description"], input_schema=e["input_schema"])
        for e in entries
    ]
    assert catalogue.load_definitions(tools, origin="mcp_tools.jsonl", at=NOW).added == len(tools) > 20_000
    generation = catalogue.generation()
    assert {tool.tool_id: tool for tool in tools} == {tool.tool_id: tool for tool in catalogue.all_tools()}
    assert catalogue.fingerprints() == {tool.tool_id: tool.fingerprint for tool in tools}
    assert catalogue.load_definitions(tools, origin="mcp_tools.jsonl", at=NOW).unchanged == len(tools)
    assert catalogue.generation() == generation
    assert sum(record.tools for record in catalogue.servers()) == len(tools)
