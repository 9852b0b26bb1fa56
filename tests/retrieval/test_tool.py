import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.card import ServerCard
from retrieval.tool import ToolSpec, canonical_json, split_tool_id

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=6), json_values, max_size=4))
def test_fingerprint_does_not_depend_on_the_order_of_keys(schema: dict[str, object]) -> None:
    one = ToolSpec(server="s", name="t", input_schema={"type": "object", **schema})
    other = ToolSpec(server="s", name="t", input_schema=dict(reversed([*{"type": "object", **schema}.items()])))
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"description": "other"},
        {"title": "Other"},
        {"input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}},
        {"output_schema": {"type": "object"}},
        {"annotations": {"readOnlyHint": True}},
        {"extra": {"_meta": {"vendor": 1}}},
    ],
)
def test_fingerprint_changes_with_everything_that_is_published(change: dict[str, object]) -> None:
    tool = ToolSpec(server="s", name="t", description="one")
    changed = ToolSpec(**{"server": "s", "name": "t", "description": "one", **change})
    assert changed.fingerprint != tool.fingerprint


def test_published_form_has_only_what_was_published() -> None:
    tool = ToolSpec(server="s", name="t", extra={"icons": []})
    assert tool.published == {"name": "t", "inputSchema": {"type": "object"}, "icons": []}


def test_tool_id_splits_at_the_first_slash_only() -> None:
    assert split_tool_id("files/read/text") == ("files", "read/text")
    assert split_tool_id("files") == ("files", "")


def test_lone_surrogates_and_nul_have_a_fingerprint() -> None:
    assert len(ToolSpec(server="s", name="t", description="\ud800 \x00").fingerprint) == 64
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"é","b":1}'


@pytest.mark.parametrize("server", ["", "a/b"])
def test_server_names_have_no_slash_and_are_not_empty(server: str) -> None:
    with pytest.raises(ValueError, match="server name"):
        ToolSpec(server=server, name="t")
    with pytest.raises(ValueError, match="server name"):
        ServerCard(name=server)
