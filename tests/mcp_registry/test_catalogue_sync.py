"""Syncs and definitions in the catalogue, on SQLite and on PostgreSQL."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_registry.diff import ToolDiff, diff
from mcp_registry.errors import UnknownServer
from mcp_registry.record import ServerStatus
from mcp_registry.server import ServerSpec, Stdio
from mcp_registry.wire import SetAside
from retrieval.tool import ToolSpec

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
NUMBERS = count()


def tool(name, server="git", **more):
    return ToolSpec(server=server, name=name, **more)


def listing(catalogue, server, tools, *, at=NOW, set_aside=()):
    found = diff(catalogue.fingerprints(server), ((tool.tool_id, tool) for tool in tools))
    return catalogue.record_sync(server, found, set_aside=set_aside, info=None, at=at)


@pytest.fixture
def git(catalogue):
    catalogue.add_server(ServerSpec(name="git", transport=Stdio(command="git-mcp")), origin="added")
    return catalogue


def test_the_generation_grows_by_one_with_every_change_of_tools_and_with_nothing_else(git):
    start = git.generation()
    assert listing(git, "git", [tool("log"), tool("blame")]) == start + 1
    assert listing(git, "git", [tool("log"), tool("blame")]) == start + 1
    assert listing(git, "git", [tool("log", description="new"), tool("diff")]) == start + 2
    git.record_failure("git", "gone", at=NOW)
    aside = [SetAside(name="x", reason="r", raw="{}")]
    assert listing(git, "git", [tool("log", description="new"), tool("diff")], set_aside=aside) == start + 2
    assert git.generation() == start + 2
    assert set(git.fingerprints()) == {"git/log", "git/diff"}
    assert git.tool("git/log").description == "new"


def test_failed_listing_keeps_the_last_known_tools(git):
    generation = listing(git, "git", [tool("log")])
    git.record_failure("git", "did not answer \x00 in \ud800 30 s", at=LATER)
    git.record_failure("git", "still does not", at=LATER + timedelta(hours=1))
    record = git.server("git")
    assert (record.status, record.tools, record.error) == (ServerStatus.STALE, 1, "still does not")
    assert (record.synced_at, record.stale_since) == (NOW, LATER)
    assert git.generation() == generation
    assert list(git.fingerprints("git")) == ["git/log"]


def test_a_failure_before_any_success_is_failed_not_stale(git):
    git.record_failure("git", "no such command \x00\ud800", at=NOW)
    record = git.server("git")
    assert (record.status, record.stale_since, record.error) == (
        ServerStatus.FAILED,
        None,
        "no such command \x00\ud800",
    )


def test_success_clears_what_failures_left(git):
    listing(git, "git", [tool("log")])
    git.record_failure("git", "down", at=NOW)
    listing(git, "git", [tool("log")], at=LATER)
    record = git.server("git")
    assert (record.status, record.stale_since, record.error, record.synced_at) == (
        ServerStatus.READY,
        None,
        None,
        LATER,
    )


def test_a_server_that_lists_nothing_any_more_has_no_tools_and_stays(git):
    start = listing(git, "git", [tool("log")])
    assert listing(git, "git", []) == start + 1
    git.record_failure("git", "down", at=LATER)
    assert (git.server("git").status, git.server("git").tools) == (ServerStatus.STALE, 0)


def test_what_is_set_aside_is_replaced_by_each_listing_in_its_order(git):
    entries = [SetAside(name=name, reason="bad \x00", raw='{"\ud800": 1}') for name in ("z", "a", "a")]
    listing(git, "git", [], set_aside=entries)
    assert git.set_aside("git") == entries
    listing(git, "git", [], set_aside=entries[:1])
    assert git.set_aside("git") == entries[:1]


def test_a_tool_that_another_process_added_in_between_is_no_obstacle(git):
    first = ToolDiff(added=(tool("log"),))
    git.record_sync("git", first, set_aside=[], info=None, at=NOW)
    git.record_sync("git", ToolDiff(added=(tool("log", description="newer"),)), set_aside=[], info=None, at=NOW)
    assert git.tool("git/log").description == "newer"


def test_a_server_that_was_removed_meanwhile_is_unknown(git):
    git.remove_server("git")
    with pytest.raises(UnknownServer):
        listing(git, "git", [tool("log")])
    with pytest.raises(UnknownServer):
        git.record_failure("git", "down", at=NOW)
    assert git.fingerprints() == {}


def test_tools_of_another_server_are_a_mistake_of_the_caller(git):
    with pytest.raises(ValueError, match="tools of another one"):
        git.record_sync("git", ToolDiff(added=(tool("x", "other"),)), set_aside=[], info=None, at=NOW)


def test_a_sync_that_breaks_off_leaves_nothing_half_done(git):
    start = listing(git, "git", [tool("log")])
    broken = tool("broken", input_schema={"type": "object", "default": {1, 2}})
    broken.__dict__["fingerprint"] = "of something that JSON cannot hold"
    with pytest.raises(Exception, match="not JSON serializable"):
        git.record_sync(
            "git", ToolDiff(added=(tool("new"), broken), removed=("git/log",)), set_aside=[], info=None, at=NOW
        )
    assert list(git.fingerprints()) == ["git/log"]
    assert git.generation() == start


STEP = st.one_of(st.none(), st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["x", "y", "z\x00", "\ud800"])))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=8))
def test_after_any_history_the_tools_are_those_of_the_last_successful_listing(catalogue, steps):
    server = f"server-{next(NUMBERS)}"
    catalogue.add_server(ServerSpec(name=server, transport=Stdio(command="x")), origin="added")
    last, changes, start = {}, 0, catalogue.generation()
    for step in steps:
        if step is None:
            catalogue.record_failure(server, "down", at=NOW)
            continue
        listing(catalogue, server, [tool(name, server, description=text) for name, text in step.items()])
        changes += step != last
        last = step
    expected = {t.tool_id: t for t in (tool(name, server, description=text) for name, text in last.items())}
    assert catalogue.fingerprints(server) == {id_: tool.fingerprint for id_, tool in expected.items()}
    assert catalogue.tools(expected) == expected
    assert catalogue.generation() == start + changes
    assert catalogue.server(server).tools == len(expected)


def load(catalogue, *tools, origin="tools.jsonl"):
    return catalogue.load_definitions(tools, origin=origin, at=NOW)


def numbers(loaded):
    return (loaded.added, loaded.changed, loaded.removed, loaded.unchanged)


def test_definitions_make_servers_that_have_nothing_to_start(catalogue):
    loaded = load(catalogue, tool("log"), tool("list", "notes"))
    assert numbers(loaded) == (2, 0, 0, 0)
    git, notes = catalogue.servers()
    assert (git.name, git.status, git.origin, git.spec, git.tools) == (
        "git", ServerStatus.DEFINITIONS, "tools.jsonl", None, 1,
    )  # fmt: skip
    assert notes.name == "notes"


def test_loading_the_same_definitions_again_changes_nothing(catalogue):
    load(catalogue, tool("log"), tool("blame"))
    before = catalogue.generation(), catalogue.servers()
    assert numbers(load(catalogue, tool("log"), tool("blame"))) == (0, 0, 0, 2)
    assert (catalogue.generation(), catalogue.servers()) == before


def test_a_newer_file_replaces_the_tools_of_the_servers_that_it_names_and_of_no_other(catalogue):
    load(catalogue, tool("log"), tool("blame"), tool("list", "notes"))
    start = catalogue.generation()
    loaded = load(catalogue, tool("log", description="new"), tool("diff"), origin="newer.jsonl")
    assert numbers(loaded) == (1, 1, 1, 0)
    assert catalogue.generation() == start + 1
    assert set(catalogue.fingerprints()) == {"git/log", "git/diff", "notes/list"}
    assert [record.origin for record in catalogue.servers()] == ["newer.jsonl", "tools.jsonl"]


def test_definitions_of_a_live_server_are_skipped_and_named(git):
    listing(git, "git", [tool("log")])
    loaded = load(git, tool("other"), tool("list", "notes"))
    assert loaded.skipped == ("git",)
    assert numbers(loaded) == (1, 0, 0, 0)
    assert set(git.fingerprints()) == {"git/log", "notes/list"}
    assert git.server("git").status == ServerStatus.READY


def test_a_server_known_by_definitions_can_be_given_something_to_start(catalogue):
    load(catalogue, tool("log"))
    catalogue.add_server(ServerSpec(name="git", transport=Stdio(command="x")), origin="added", at=LATER)
    record = catalogue.server("git")
    assert (record.status, record.tools, record.stale_since) == (ServerStatus.STALE, 1, LATER)
    catalogue.record_failure("git", "down", at=LATER)
    assert (catalogue.server("git").status, catalogue.server("git").tools) == (ServerStatus.STALE, 1)


def test_more_tools_than_one_statement_can_name(catalogue):
    many = [tool(f"t{number}", f"s{number % 50}", description="x" * 50) for number in range(2500)]
    assert numbers(load(catalogue, *many)) == (2500, 0, 0, 0)
    assert [t.tool_id for t in catalogue.all_tools()] == sorted(t.tool_id for t in many)
    ids = [t.tool_id for t in many]
    assert list(catalogue.tools([*ids, "s0/none"])) == ids
    firsts = [t for t in many if t.name in {f"t{number}" for number in range(50)}]
    assert numbers(load(catalogue, *firsts)) == (0, 0, 2450, 50)
    assert len(catalogue.fingerprints()) == 50
