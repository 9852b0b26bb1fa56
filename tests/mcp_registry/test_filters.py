"""Filters as a person, a model or the settings give them: one check for search, description and call."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mcp_registry.catalogue import open_catalogue
from mcp_registry.cli import search
from mcp_registry.errors import BadFilter, BadSettings
from mcp_registry.facts import Trust, check_names, facts_of, filter_of
from mcp_registry.gateway.meta_tools import MetaTools
from mcp_registry.home import Home, find_home
from mcp_registry.offer import Offer
from mcp_registry.peek import read_facts
from mcp_registry.registry import open_registry
from mcp_registry.server import ServerSpec, Stdio
from mcp_registry.settings import load_settings
from retrieval.card import ServerCard
from retrieval.tool import ToolSpec

READS = {"readOnlyHint": True}
TOOLS = [
    ToolSpec(server="git", name="git_log", description="Shows the log of commits", annotations=READS),
    ToolSpec(server="git", name="git_commit", description="Makes a commit, and logs it"),
    ToolSpec(server="fs-one", name="read_log", description="Reads a log file"),
    ToolSpec(server="notes", name="log_note", description="Adds a note to the log"),
]


def spec(name: str, **more: Any) -> ServerSpec:
    return ServerSpec(name=name, transport=Stdio(command="never-started"), **more)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    from datetime import UTC, datetime

    monkeypatch.setenv("QUARTERMASTER_HOME", str(tmp_path))
    monkeypatch.delenv("QUARTERMASTER_DATABASE_URL", raising=False)
    found = find_home()
    now = datetime.now(UTC)
    with open_catalogue(found.database_url) as catalogue:
        catalogue.load_definitions(TOOLS, origin="file", at=now)
        catalogue.add_server(spec("fs-one", read_only=True, tags=("Files",)), origin="added")
        card = ServerCard(name="memo", description="Keeps a log of memos", tags=("notes",))
        catalogue.add_offers([Offer(card=card, source="list", about={"category": "Productivity"})], at=now)
    found.settings_file.write_text('[profiles.reader]\nread_only = true\nservers = ["git", "fs*"]\n')
    return found


def run(*options: str) -> list[str]:
    result = CliRunner().invoke(search.app, ["log", "-k", "9", "--json", *options], catch_exceptions=False)
    return sorted(entry.get("tool_id", entry["server"]) for entry in json.loads(result.stdout))


def test_a_search_is_narrowed_by_options(home: Home) -> None:
    assert run("--server", "git", "--server", "fs*") == ["fs-one/read_log", "git/git_commit", "git/git_log"]
    assert run("--read-only") == ["fs-one/read_log", "git/git_log"]
    assert run("--tag", "NOTES") == run("--tag", "productivity") == ["memo"]
    assert run("--tag", "files") == run("--trust", "registered") == ["fs-one/read_log"]
    assert run("--profile", "reader", "--server", "git") == ["git/git_log"]


@pytest.mark.parametrize(
    ("options", "nearest"),
    [
        (["--server", "gut"], "nearest: git"),
        (["--tag", "file"], "nearest: files"),
        (["--trust", "registred"], "nearest: registered"),
        (["--profile", "readr"], "nearest: reader"),
    ],
)
def test_a_name_that_is_not_there_is_an_error_with_the_nearest(home: Home, options: list[str], nearest: str) -> None:
    with pytest.raises(BadFilter, match=nearest):
        run(*options)


def test_a_bad_profile_in_the_settings_names_itself(home: Home) -> None:
    home.settings_file.write_text('[profiles.reader]\ntrust = "much"\n')
    with pytest.raises(BadSettings, match=r"profiles\.reader"):
        load_settings(home)
    home.settings_file.write_text("[profiles.reader]\nreadonly = true\n")
    with pytest.raises(BadSettings, match="did you mean 'read_only'"):
        load_settings(home)


async def test_a_profile_holds_for_search_description_and_call(home: Home) -> None:
    async with open_registry(home, load_settings(home), profile="reader") as registry:
        gateway = MetaTools(registry)
        hits = await gateway.call("search_tools", {"query": "log", "k": 9, "detail": "names"})
        ids = {tool["tool_id"] for tool in hits.raw["structuredContent"]["tools"]}
        assert ids == {"git/git_log", "fs-one/read_log"}
        described = await gateway.call("describe_tools", {"ids": ["git/git_commit"]})
        assert described.is_error
        assert "git/git_commit" not in str(described.raw["structuredContent"]["unknown"][0]["nearest"])
        assert "not in the catalogue" in (await registry.call("git/git_commit", {})).text


async def test_a_model_may_narrow_a_search_and_is_told_the_nearest_name(home: Home) -> None:
    async with open_registry(home, load_settings(home)) as registry:
        gateway = MetaTools(registry)
        hits = await gateway.call("search_tools", {"query": "log", "read_only": True, "servers": ["git"]})
        assert [tool["tool_id"] for tool in hits.raw["structuredContent"]["tools"]] == ["git/git_log"]
        wrong = await gateway.call("search_tools", {"query": "log", "servers": ["gti"]})
        assert wrong.is_error
        assert "nearest: git" in wrong.text


async def test_a_changed_hint_and_the_operators_word_take_effect(home: Home) -> None:
    from datetime import UTC, datetime

    only = filter_of(read_only=True)
    async with open_registry(home, load_settings(home)) as registry:

        async def found() -> set[str]:
            await registry.reconcile()
            return {hit.id for hit, _ in await registry.search("log", 9, only=only)}

        assert await found() == {"git/git_log", "fs-one/read_log"}
        changed = [ToolSpec(server="git", name="git_commit", annotations=READS)]
        registry.catalogue.load_definitions(changed, origin="file", at=datetime.now(UTC))
        assert "git/git_commit" in await found()
        registry.catalogue.add_server(spec("fs-one"), origin="added", replace=True)
        assert "fs-one/read_log" not in await found()


def test_facts_are_the_same_read_by_either_way(catalogue_url: str) -> None:
    from datetime import UTC, datetime

    with open_catalogue(catalogue_url) as catalogue:
        catalogue.load_definitions(TOOLS, origin="file", at=datetime.now(UTC))
        catalogue.add_server(spec("fs-one", read_only=True, tags=("a",)), origin="added")
        rows = catalogue.fact_rows()
    facts = facts_of(rows, ("no*",))
    again = facts_of(read_facts(catalogue_url), ("no*",))
    assert facts.read_only_tools == again.read_only_tools == {"git/git_log"}
    assert facts.read_only_servers == again.read_only_servers == {"fs-one"}
    assert facts.tags == again.tags == {"fs-one": {"a"}}
    assert facts.trust == again.trust == {"fs-one": Trust.REGISTERED, "git": 1, "notes": Trust.TRUSTED}
    check_names(filter_of(servers=["g*"], tags=["A"]), facts)
