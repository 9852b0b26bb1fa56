"""Files become plain values, whichever notation they are in; a broken one says where."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_registry.errors import BadImport
from mcp_registry.feeds.text import parse_json, read_document, without_comments

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=10)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner)
)


@pytest.fixture
def written(tmp_path: Path):
    def write(content: str | bytes, name: str = "file.json") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_json_is_read_with_and_without_gzip_and_byte_order_mark(written):
    for content in (b'{"a": 1}', b'\xef\xbb\xbf{"a": 1}', gzip.compress(b'{"a": 1}'), '{"a": 1}'.encode("utf-16")):
        assert read_document(written(content)).value == {"a": 1}


def test_comments_and_trailing_commas_are_read_and_urls_keep_their_slashes(written):
    text = '{\n  // a comment, with "quotes"\n  "url": "https://x/y", /* more */\n  "list": [1, 2,],\n}'
    assert read_document(written(text)).value == {"url": "https://x/y", "list": [1, 2]}


def test_short_json5_is_read(written):
    assert read_document(written("{unquoted: 'single', more: [0x10]}")).value == {"unquoted": "single", "more": [16]}


def test_toml_is_known_by_its_content(written):
    assert read_document(written("# mine\n[a.b]\nc = 1\n", name="settings")).value == {"a": {"b": {"c": 1}}}


def test_json_lines_keep_their_line_numbers_and_a_bad_line_stops_no_other(written):
    document = read_document(written('{"a": 1}\n\n{"a": \n{"b": "line\u2028separator"}\n'))
    assert list(document.records()) == [("line 1", {"a": 1}), ("line 4", {"b": "line\u2028separator"})]
    assert document.problems == ("line 3 is not JSON: Expecting value at column 7",)


def test_an_array_that_is_cut_off_still_gives_its_whole_records(written):
    whole = [{"id": number, "text": "x" * 20} for number in range(10)]
    text = json.dumps(whole, indent=1)
    document = read_document(written(text[: text.index('"id": 7') + 12]))
    assert document.value == whole[:7]
    assert "7 whole records" in document.problems[0]
    assert "line" in document.problems[0]


def test_a_broken_file_says_where_and_shows_nothing_of_what_it_holds(written):
    with pytest.raises(BadImport, match="line 2, column 23") as caught:
        read_document(written('{"mcpServers": {\n "token": "hunter2"   "x": 1}}'))
    assert "hunter2" not in str(caught.value)


def test_a_broken_toml_file_says_where(written):
    with pytest.raises(BadImport, match=r"not valid TOML.*line 1"):
        read_document(written("[a\nb = 1", name="config.toml"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"  \n ", "is empty"),
        (b"\xff\x00\xfe", "is not UTF-8 text"),
        (gzip.compress(b'{"a": 1}', mtime=0)[:-9], "cannot be unpacked"),
        (b"just words", "neither JSON, JSON Lines nor TOML"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_clear_error(written, content, message):
    with pytest.raises(BadImport, match=message):
        read_document(written(content))


def test_a_missing_file_and_a_folder_are_clear_errors(tmp_path):
    with pytest.raises(BadImport, match="there is no file"):
        read_document(tmp_path / "none.json")
    with pytest.raises(BadImport, match="cannot be read"):
        read_document(tmp_path)


def test_characters_that_no_database_takes_are_replaced(written):
    value = read_document(written(rb'{"half": "a\ud800b", "nul": "a\u0000b", "whole": "\ud83d\ude00"}')).value
    assert value == {"half": "a\ufffdb", "nul": "ab", "whole": "\U0001f600"}


def test_numbers_that_json_does_not_know_are_refused_by_line(written):
    document = read_document(written('{"a": NaN}\n{"a": 1}\n{"a": 2}\n'))
    assert [value for _, value in document.records()] == [{"a": 1}, {"a": 2}]
    assert "line 1" in document.problems[0]


@settings(deadline=None)
@given(json_values, st.sampled_from(["// c\n", "/* c */", ""]))
def test_taking_comments_away_changes_no_value_and_no_length(value, comment):
    text = comment + json.dumps(value, indent=1) + comment
    assert len(without_comments(text)) == len(text)
    assert parse_json(text) == value


@given(st.lists(st.dictionaries(texts, st.integers() | texts, min_size=1), min_size=2), st.floats(0, 1))
@settings(deadline=None, max_examples=30)
def test_whole_records_survive_a_cut_at_any_place(tmp_path_factory, records, share):
    text = json.dumps(records)
    whole = len(json.dumps(records[0])) + 1
    cut = whole + int((len(text) - 1 - whole) * share)
    path = tmp_path_factory.mktemp("cut") / "f.json"
    path.write_text(text[:cut])
    found = read_document(path).value
    assert found == records[: len(found)]
    assert len(json.dumps(found)) <= cut + 1 < len(json.dumps(records[: len(found) + 1])) + 2
