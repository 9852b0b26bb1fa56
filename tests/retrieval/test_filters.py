"""Filters inside the search: k hits are k hits, masks are made once, and what changes takes effect."""

from pathlib import Path

import pytest

from retrieval.filters import Facts, Filter, Narrowed, unmatched
from retrieval.index import ToolIndex, open_index
from retrieval.testing import HashEmbedder
from retrieval.tool import ToolSpec

SERVERS = 40
TOOLS = 25


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> ToolIndex:
    made = open_index(tmp_path_factory.mktemp("index"), HashEmbedder())
    tools = [
        ToolSpec(server=f"s{server}", name=f"tool_{tool}", description=f"read page {tool} of book {server}")
        for server in range(SERVERS)
        for tool in range(TOOLS)
    ]
    made.apply(tools, generation=1)
    return made


def found(index: ToolIndex, wanted: Filter, facts: Facts | None = None, k: int = 10) -> list[str]:
    return [hit.id for hit in index.search("read page 3", k, allow=Narrowed(None, (wanted,), facts or Facts()))]


def test_a_narrow_filter_over_a_large_index_gives_as_many_as_asked_for(index: ToolIndex) -> None:
    ids = found(index, Filter(servers=("s7",)), k=TOOLS)
    assert len(ids) == TOOLS
    assert {id_.partition("/")[0] for id_ in ids} == {"s7"}


def test_patterns_name_servers_or_single_tools(index: ToolIndex) -> None:
    assert len(found(index, Filter(servers=("s1", "s2?")), k=1000)) == 11 * TOOLS
    assert set(found(index, Filter(servers=("s*/tool_3",)), k=1000)) == {f"s{n}/tool_3" for n in range(SERVERS)}
    assert len(found(index, Filter(not_servers=("s1*", "*/tool_3")), k=2000)) == (SERVERS - 11) * (TOOLS - 1)


def test_read_only_is_the_tools_own_hint_or_the_operators_word(index: ToolIndex) -> None:
    facts = Facts(read_only_tools=frozenset({"s1/tool_1", "s2/tool_2"}), read_only_servers=frozenset({"s3"}))
    assert set(found(index, Filter(read_only=True), facts, k=1000)) == {
        "s1/tool_1",
        "s2/tool_2",
        *(f"s3/tool_{n}" for n in range(TOOLS)),
    }


def test_tags_and_trust_are_those_of_the_server(index: ToolIndex) -> None:
    facts = Facts(tags={"s1": frozenset({"notes"}), "s2": frozenset({"web"})}, trust={"s1": 2, "s2": 3})
    assert {id_[:2] for id_ in found(index, Filter(tags=("notes", "mail")), facts, k=TOOLS)} == {"s1"}
    assert {id_[:2] for id_ in found(index, Filter(trust=3), facts, k=TOOLS)} == {"s2"}


def test_filters_hold_together_with_what_is_allowed_at_all(index: ToolIndex) -> None:
    allow = Narrowed(
        lambda id_: not id_.endswith("_3"), (Filter(servers=("s1",)), Filter(not_servers=("s2",))), Facts()
    )
    assert len(index.search("read page 3", 1000, allow=allow)) == TOOLS - 1


def test_an_equal_filter_is_not_evaluated_again(index: ToolIndex) -> None:
    asked: list[str] = []

    def base(id_: str) -> bool:
        asked.append(id_)
        return True

    facts = Facts()
    for _ in range(3):
        assert len(index.search("page", 5, allow=Narrowed(base, (Filter(servers=("s5",)),), facts))) == 5
    assert len(asked) == TOOLS
    index.search("page", 5, allow=Narrowed(base, (Filter(servers=("s5",)),), Facts()))
    assert len(asked) == 2 * TOOLS, "other facts are another filter"


def test_a_pattern_that_fits_no_server_is_told() -> None:
    assert unmatched(("git", "gut", "*/delete_*", "fs*"), ["git", "github"]) == ["gut", "fs*"]


def test_an_index_on_disk_is_filtered_alike(index: ToolIndex, tmp_path: Path) -> None:
    again = open_index(tmp_path, HashEmbedder())
    again.apply(
        [ToolSpec(server="s1", name="one", description="page"), ToolSpec(server="s2", name="two")], generation=1
    )
    again.save()
    assert found(open_index(tmp_path, HashEmbedder()), Filter(servers=("s1",))) == ["s1/one"]
