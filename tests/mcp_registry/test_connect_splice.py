"""One entry is set in a text; every other value in it stays what it was."""

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_registry.splice import CannotSplice, put_json, put_toml

ENTRY = {"command": "/bin/q", "args": ["gateway", "--home", "/h"]}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(texts, values, max_size=4), st.sampled_from([None, 0, 1, 4, "\t"]), st.booleans())
def test_any_json_keeps_all_its_other_values(root, indent, windows):
    root.pop("mcpServers", None)
    text = json.dumps(root, indent=indent)
    if windows:
        text = text.replace("\n", "\r\n")
    put = put_json(text, ("mcpServers", "q"), ENTRY)
    assert json.loads(put) == {**root, "mcpServers": {"q": ENTRY}}
    assert put_json(put, ("mcpServers", "q"), ENTRY) == put
    assert ("\r\n" in put) == ("\r\n" in text)


@pytest.mark.parametrize("indent", ["  ", "    ", "\t"])
def test_indentation_line_ends_and_byte_order_mark_stay(indent):
    text = "\ufeff" + json.dumps({"a": {"b": 1}}, indent=indent).replace("\n", "\r\n") + "\r\n"
    put = put_json(text, ("s", "q"), ENTRY)
    assert put.startswith(f'\ufeff{{\r\n{indent}"a": {{\r\n{indent}{indent}"b": 1')
    assert put.endswith("}\r\n")


def test_an_empty_text_becomes_a_file():
    for text in ("", " \n", "{}"):
        assert json.loads(put_json(text, ("s", "q"), ENTRY)) == {"s": {"q": ENTRY}}


def test_what_the_user_added_to_our_entry_stays_and_the_old_way_to_reach_us_goes():
    old = {"url": "http://old", "type": "http", "env": {"A": "b"}, "disabled": True}
    put = json.loads(put_json(json.dumps({"s": {"q": old}}), ("s", "q"), ENTRY))
    assert put["s"]["q"] == {**ENTRY, "env": {"A": "b"}, "disabled": True}


def test_numbers_that_json_does_not_know_are_not_written():
    with pytest.raises(CannotSplice, match="number"):
        put_json('{"a": 1e999}', ("s", "q"), ENTRY)


TABLE = ("mcp_servers", "q")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a = 1",
        "a = 1\n",
        "[mcp_servers.other]\ncommand = 'x'\n",
        "[mcp_servers.q]\nurl = 'http://old'\n",
        "[mcp_servers.q]\nurl = 'http://old'\n\n# of the next\n[next]\nb = 2\n",
        "[ mcp_servers.q ] # ours\ncommand = 'old'\nargs = [\n  'a',\n]\n[mcp_servers.q.env]\nA = 'b'\n",
        "[mcp_servers.q]\ncommand = 'old'\nstartup_timeout_sec = 5\nenabled = true\ntags = ['a', 'b']\n",
        "a = 1\r\n[mcp_servers.q]\r\nurl = 'http://old'\r\n[z]\r\nb = 2\r\n",
    ],
)
def test_a_toml_table_is_set_and_all_else_stays(text):
    put = put_toml(text, TABLE, ENTRY)
    wanted = tomllib.loads(text)
    old = wanted.setdefault("mcp_servers", {}).get("q", {})
    kept = {key: value for key, value in old.items() if key not in {"command", "args", "url"}}
    wanted["mcp_servers"]["q"] = {**ENTRY, **kept}
    assert tomllib.loads(put) == wanted
    assert put_toml(put, TABLE, ENTRY) == put
    assert all(line in put for line in text.splitlines() if line.startswith("#"))
    assert ("\r\n" in put) == ("\r\n" in text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[a\n", "not valid TOML"),
        ("mcp_servers = 3", "not a table"),
        ("mcp_servers = {q = {url = 'x'}}", "cannot be replaced alone"),
        ("[mcp_servers]\nq.url = 'x'\n", "cannot be replaced alone"),
        ("[mcp_servers]\nq = {command = 'x'}\n", "cannot be replaced alone"),
        ("[mcp_servers.q]\nsince = 2024-01-01\n", "would be lost"),
        ("[mcp_servers.q]\ntext = '''\n[not a table]\n'''\n", "cannot be replaced alone"),
    ],
)
def test_toml_that_cannot_be_changed_alone_is_refused(text, reason):
    with pytest.raises(CannotSplice, match=reason):
        put_toml(text, TABLE, ENTRY)


@settings(deadline=None)
@given(texts, st.lists(texts, max_size=4))
def test_any_texts_survive_toml(command, args):
    put = put_toml("x = 1\n", TABLE, {"command": command, "args": args})
    assert tomllib.loads(put)["mcp_servers"]["q"] == {"command": command, "args": args}
