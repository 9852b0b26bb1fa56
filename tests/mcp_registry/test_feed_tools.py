"""Tool definitions are read leniently and by the thousand; a bad one is told of by its line."""

import gzip
import json
from pathlib import Path

import pytest

from mcp_registry.errors import BadImport
from mcp_registry.feeds.read import read_feed

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def feed_of(tmp_path):
    def read(*records, name="tools.jsonl"):
        path = tmp_path / name
        path.write_text("".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in records))
        return read_feed(path)

    return read


def test_the_sample_loads_whole():
    feed = read_feed(DATA / "tools.jsonl.gz")
    assert feed.form == "tool definitions"
    assert len(feed.tools) == 1000
    assert feed.problems == ()
    assert len({tool.server for tool in feed.tools}) == 228


def test_ids_are_those_of_the_file(feed_of):
    feed = feed_of({"tool_id": "a.b/c/d", "server": "a.b", "name": "c/d", "description": "x", "input_schema": {}})
    assert feed.tools[0].tool_id == "a.b/c/d"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, {"type": "object"}),
        ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
        ({"a": {"type": "string"}}, {"type": "object", "properties": {"a": {"type": "string"}}}),
        ({"type": {"type": "string"}}, {"type": "object", "properties": {"type": {"type": "string"}}}),
        ({"title": "T"}, {"title": "T", "type": "object"}),
        ({"type": ["object", "null"]}, {"type": "object"}),
        (None, {"type": "object"}),
    ],
)
def test_a_schema_that_leaves_something_out_is_completed(feed_of, given, kept):
    feed = feed_of({"server": "s", "name": "t", "input_schema": given}, {"server": "s", "name": "u"})
    assert [tool.input_schema for tool in feed.tools] == [kept, {"type": "object"}]


def test_both_spellings_and_hints_are_read(feed_of):
    record = {
        "server": "s",
        "name": "t",
        "title": "T",
        "inputSchema": {"type": "object"},
        "outputSchema": {"type": "object", "title": "O"},
        "annotations": {"readOnlyHint": True},
        "_meta": {"m": 1},
        "pool": "ours",
    }
    tool = feed_of(record).tools[0]
    assert tool.read_only
    assert tool.published == {key: value for key, value in record.items() if key not in {"server", "pool"}}


def test_a_bad_definition_is_told_of_by_its_line_and_the_others_go_on(feed_of):
    good = {"server": "s", "name": "good", "input_schema": {}}
    feed = feed_of(
        {"server": "s", "name": "", "input_schema": {}},
        {"server": "s", "name": "a\u0007", "input_schema": {}},
        {"server": "s", "name": "b", "input_schema": {"type": "array"}},
        {"server": "s", "name": "c", "input_schema": [1]},
        good,
        good,
        "{broken",
    )
    assert [tool.name for tool in feed.tools] == ["good"]
    assert [problem.split(" ", 2)[1].rstrip(":") for problem in feed.problems] == ["7", "1", "2", "3", "4", "6"]


def test_an_invalid_schema_is_kept_with_a_note_since_nothing_is_called(feed_of):
    feed = feed_of(
        {"server": "s", "name": "t", "input_schema": {"type": "object", "properties": {"a": {"type": "any"}}}}
    )
    assert len(feed.tools) == 1
    assert feed.notes == ("1 (s/t): kept although its input schema is not valid JSON Schema",)


def test_draft_4_schemas_are_valid(feed_of):
    schema = {"type": "object", "properties": {"n": {"type": "number", "minimum": 0, "exclusiveMinimum": True}}}
    assert feed_of({"server": "s", "name": "t", "input_schema": schema}).notes == ()


def test_a_server_s_name_is_made_safe_for_all_of_its_tools(feed_of):
    feed = feed_of(
        {"server": "acme/time", "name": "a", "input_schema": {}},
        {"server": "acme-time", "name": "a", "input_schema": {}},
        {"server": "acme/time", "name": "b", "input_schema": {}},
    )
    assert [tool.tool_id for tool in feed.tools] == ["acme-time/a", "acme-time-2/a", "acme-time/b"]


def test_a_tools_list_result_belongs_to_the_file_s_name(tmp_path):
    tools = {"tools": [{"name": "log", "inputSchema": {"type": "object"}}, {"name": "diff", "inputSchema": {}}, "odd"]}
    for content in (tools, {"jsonrpc": "2.0", "id": 1, "result": tools}):
        path = tmp_path / "git.json"
        path.write_text(json.dumps(content))
        feed = read_feed(path)
        assert [tool.tool_id for tool in feed.tools] == ["git/log", "git/diff"]
        assert feed.problems == ("tool 3 is left out: a tool must be an object",)
    path.write_text(json.dumps({**tools, "server": "other"}))
    assert read_feed(path).tools[0].server == "other"


def test_a_definition_without_a_server_is_named_by_its_id_or_its_file(feed_of):
    feed = feed_of(
        {"tool_id": "x/a", "name": "a", "input_schema": {}}, {"name": "b", "input_schema": {}}, name="mine.jsonl"
    )
    assert [tool.tool_id for tool in feed.tools] == ["x/a", "mine/b"]


def test_an_array_and_a_single_line_are_read_too(feed_of, tmp_path):
    record = {"server": "s", "name": "a", "input_schema": {}}
    assert len(feed_of(record).tools) == 1
    path = tmp_path / "array.json"
    path.write_text(json.dumps([record, {**record, "name": "b"}]))
    assert len(read_feed(path).tools) == 2


def test_a_file_may_mix_forms(feed_of):
    feed = feed_of(
        {"server": "s", "name": "a", "input_schema": {}},
        {"name": "card", "summary": "A card."},
        {"server": "c", "overview": "x", "image": "x/y"},
        [1, 2],
    )
    assert feed.form == "tool definitions, server cards, server catalogue"
    assert (len(feed.tools), len(feed.offers)) == (1, 2)
    assert feed.problems == ("1 (line 4) left out: they are in no known form",)


def test_labelled_queries_are_no_known_form():
    with pytest.raises(BadImport, match="holds nothing that can be imported"):
        read_feed(DATA / "queries.jsonl.gz")


def test_the_labelled_queries_name_tools_of_the_sample():
    tools = {tool.tool_id for tool in read_feed(DATA / "tools.jsonl.gz").tools}
    packed = (DATA / "queries.jsonl.gz").read_bytes()
    queries = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    assert len(queries) == 71
    for query in queries:
        assert set(query["relevant"]) <= tools
        assert all(query["relevant_groups"])
