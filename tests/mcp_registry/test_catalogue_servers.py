"""Servers in the catalogue, on SQLite and on PostgreSQL."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mcp_registry.diff import ToolDiff
from mcp_registry.errors import BadServer, UnknownServer
from mcp_registry.offer import LaunchOption, Offer
from mcp_registry.record import ServerInfo, ServerStatus
from mcp_registry.server import Http, Limits, ServerSpec, Stdio
from mcp_registry.wire import SetAside
from retrieval.card import ServerCard
from retrieval.tool import ToolSpec

NOW = datetime(2026, 11, 21, 12, 30, 15, 123456, tzinfo=UTC)

GIT = ServerSpec(
    name="git",
    transport=Stdio(command="uvx", args=("mcp-server-git", "--repo", "${REPO}"), env={"A": "${TOKEN:-x}"}, cwd="/tmp"),
    limits=Limits(call_s=5.5, max_message_bytes=1024),
    read_only=True,
)
NOTES = ServerSpec(name="notes", transport=Http(url="https://x.example/mcp", headers={"H": "${KEY}"}, kind="sse"))


def tool(name, server="git", **more):
    return ToolSpec(server=server, name=name, **more)


def sync(catalogue, *tools, server="git", at=NOW, set_aside=(), info=None):
    return catalogue.record_sync(server, ToolDiff(added=tools), set_aside=set_aside, info=info, at=at)


@pytest.mark.parametrize("spec", [GIT, NOTES], ids=["stdio", "http"])
def test_a_server_comes_back_as_it_was_added(catalogue, spec):
    catalogue.add_server(spec, origin="added")
    record = catalogue.server(spec.name)
    assert record.spec == spec
    assert (record.status, record.origin, record.tools, record.synced_at) == (ServerStatus.NEW, "added", 0, None)


def test_servers_are_listed_by_name_with_their_counts(catalogue):
    catalogue.add_server(NOTES, origin="b.json")
    catalogue.add_server(GIT, origin="a.json")
    aside = [SetAside(name="bad", reason="no schema", raw="{}")]
    info = ServerInfo(name="Git", version="1", instructions="Use \x00 it", protocol_version="2026-07-28")
    sync(catalogue, tool("log"), tool("blame"), set_aside=aside, info=info)
    git, notes = catalogue.servers()
    assert (git.name, git.tools, git.set_aside, git.status, git.info) == ("git", 2, 1, ServerStatus.READY, info)
    assert (notes.name, notes.tools, notes.set_aside, notes.status) == ("notes", 0, 0, ServerStatus.NEW)
    assert catalogue.server("git") == git
    assert catalogue.set_aside("git") == aside


def test_times_come_back_in_utc_whatever_zone_they_went_in_with(catalogue):
    catalogue.add_server(GIT, origin="added")
    sync(catalogue, at=NOW.astimezone(timezone(timedelta(hours=5, minutes=30))))
    stored = catalogue.server("git").synced_at
    assert stored == NOW
    assert stored.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(catalogue):
    catalogue.add_server(GIT, origin="added")
    with pytest.raises(Exception, match="has no time zone"):
        sync(catalogue, at=datetime(2026, 1, 1))


def test_a_name_that_is_taken_is_refused_unless_it_is_to_be_replaced(catalogue):
    catalogue.add_server(GIT, origin="first.json")
    other = ServerSpec(name="git", transport=Stdio(command="other"))
    with pytest.raises(BadServer, match=r"'git' is already registered \(origin: first\.json\)"):
        catalogue.add_server(other, origin="second.json")
    assert catalogue.server("git").spec == GIT
    catalogue.add_server(other, origin="second.json", replace=True)
    record = catalogue.server("git")
    assert (record.spec, record.origin, record.status) == (other, "second.json", ServerStatus.NEW)


def test_replacing_keeps_the_tools_as_stale_until_the_next_sync(catalogue):
    catalogue.add_server(GIT, origin="added")
    before = sync(catalogue, tool("log"))
    later = NOW + timedelta(hours=1)
    other = ServerSpec(name="git", transport=Stdio(command="b"), read_only=True)
    catalogue.add_server(other, origin="x", replace=True, at=later)
    record = catalogue.server("git")
    assert (record.status, record.tools, record.stale_since) == (ServerStatus.STALE, 1, later)
    assert catalogue.generation() == before


def test_replacing_by_the_same_spec_changes_nothing(catalogue):
    catalogue.add_server(GIT, origin="added")
    sync(catalogue, tool("log"))
    before = catalogue.server("git")
    catalogue.add_server(GIT, origin="again.json", replace=True)
    assert catalogue.server("git") == before


def test_removing_takes_the_tools_and_what_was_set_aside_along(catalogue):
    catalogue.add_server(GIT, origin="added")
    before = sync(catalogue, tool("log"), tool("blame"), set_aside=[SetAside(name="b", reason="r", raw="{}")])
    assert catalogue.remove_server("git") == 2
    assert catalogue.server("git") is None
    assert catalogue.fingerprints() == {}
    assert catalogue.set_aside("git") == []
    assert catalogue.generation() == before + 1


def test_removing_a_server_without_tools_leaves_the_generation(catalogue):
    catalogue.add_server(GIT, origin="added")
    before = catalogue.generation()
    assert catalogue.remove_server("git") == 0
    assert catalogue.generation() == before


def test_removing_an_unknown_server_names_the_nearest(catalogue):
    catalogue.add_server(GIT, origin="added")
    catalogue.add_server(ServerSpec(name="github", transport=Stdio(command="x")), origin="added")
    with pytest.raises(UnknownServer, match="no server 'githb' is registered; nearest: github, git"):
        catalogue.remove_server("githb")
    assert "quartermaster servers list" in str(catalogue.unknown_server("zzzz"))


def test_an_offer_is_a_server_that_is_not_enabled(catalogue):
    option = LaunchOption(label="npm", transport=Stdio(command="npx"))
    catalogue.add_offers([Offer(card=ServerCard(name="notion"), source="list.jsonl", launch=(option,))], at=NOW)
    catalogue.add_server(GIT, origin="added")
    assert [record.name for record in catalogue.servers()] == ["git"]
    git, notion = catalogue.servers(offered=True)
    assert (git.name, notion.name) == ("git", "notion")
    assert (notion.status, notion.origin, notion.spec) == (ServerStatus.OFFERED, "list.jsonl", None)
    assert catalogue.server("notion") == notion
    with pytest.raises(UnknownServer, match="only offered: enable it first"):
        catalogue.remove_server("notion")


@pytest.mark.parametrize("name", ["näme-日本語-🧭", "a" * 200, "🧭" * 200, r"back\slash\u0041", "quo'te\"%_"])
def test_any_name_works(catalogue, name):
    catalogue.add_server(ServerSpec(name=name, transport=Stdio(command="x")), origin="caf\udce9.json")
    longest = "工" * 256
    sync(catalogue, tool(longest, server=name), server=name)
    assert catalogue.server(name).origin == "caf\udce9.json"
    assert catalogue.tool(f"{name}/{longest}").server == name
    assert catalogue.remove_server(name) == 1
