"""RAG-MCP: the winner alone is injected and started, and servers that are not connected stand in the same index."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mcp_registry.cli import search, servers
from mcp_registry.gateway.meta_tools import MetaTools
from mcp_registry.home import Home
from mcp_registry.registry import Registry, open_registry
from mcp_registry.result import ToolResult
from mcp_registry.settings import Settings, ValidationSettings

DATA = Path(__file__).parents[1] / "data"
LISTS = ("catalogue_servers.jsonl.gz", "official_registry.json", "mcpcorpus_cleaned.json")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("QUARTERMASTER_HOME", str(tmp_path))
    monkeypatch.delenv("QUARTERMASTER_DATABASE_URL", raising=False)
    return Home(tmp_path)


def imported(file: Path) -> None:
    assert CliRunner().invoke(servers.app, ["import", str(file)]).exit_code == 0


def found(query: str, *options: str) -> list[dict[str, Any]]:
    return json.loads(CliRunner().invoke(search.app, [query, "--json", *options], catch_exceptions=False).stdout)


async def searched(registry: Registry, query: str, **more: Any) -> dict[str, Any]:
    result = await MetaTools(registry).call("search_tools", {"query": query, **more})
    assert isinstance(result, ToolResult)
    return dict(result.raw["structuredContent"])


async def test_only_the_winner_is_given_and_only_its_server_is_started(
    home: Home, script: Any, children: Any, no_process_left: None
) -> None:
    async with open_registry(home, Settings()) as registry:
        for name in ("echo", "paged", "vendor"):
            registry.catalogue.add_server(script(name), origin="added")
        await registry.sync()
    async with open_registry(home, Settings()) as registry:
        before = children()
        answer = await searched(registry, "add two whole numbers", k=1)
        (winner,) = answer["tools"]
        assert winner["tool_id"] == "echo/add"
        assert winner["input_schema"]["required"] == ["a", "b"]
        assert children() == before, "a search starts nothing"
        result = await MetaTools(registry).call("call_tool", {"tool_id": "echo/add", "arguments": {"a": 1, "b": 2}})
        assert result.raw["structuredContent"] == {"result": 3}
        assert len(children() - before) == 1


@pytest.mark.parametrize("file", LISTS)
def test_every_offered_server_is_found_by_what_its_list_says_of_it(home: Home, file: str) -> None:
    imported(DATA / file)
    from mcp_registry.catalogue import open_catalogue

    with open_catalogue(home.database_url) as catalogue:
        offers = list(catalogue.offers())[:3]
    for offer in offers:
        card = offer.card
        said = " ".join((card.title or card.name, card.description, *card.tags, *card.tool_names))
        hits = {hit["server"]: hit for hit in found(said[:500], "--kind", "servers", "-k", "5")}
        assert offer.name in hits
        expected = f"servers enable {offer.name}" if offer.launch else f"servers add {offer.name} --"
        assert expected in hits[offer.name]["add"]


def test_a_card_by_name_and_summary_is_found_and_can_only_be_added_by_hand(home: Home, tmp_path: Path) -> None:
    cards = tmp_path / "cards.jsonl"
    cards.write_text('{"name": "notion-api", "summary": "Create and query Notion pages", "tags": ["notes"]}\n')
    imported(cards)
    (hit,) = found("notes", "--kind", "servers")
    assert hit["add"] == "quartermaster servers add notion-api -- COMMAND ARGS"
    shown = CliRunner().invoke(search.app, ["notes"]).stdout
    assert "add it: quartermaster servers add notion-api" in shown


async def test_the_gateway_tells_of_a_server_that_is_not_connected_only_where_it_fits_better(
    home: Home, tmp_path: Path, script: Any
) -> None:
    cards = tmp_path / "cards.jsonl"
    cards.write_text('{"name": "notion-api", "summary": "Create and query Notion pages", "tags": ["notes"]}\n')
    imported(cards)
    async with open_registry(home, Settings()) as registry:
        registry.catalogue.add_server(script("echo"), origin="added")
        await registry.sync()
        assert "not_connected" not in await searched(registry, "add two whole numbers")
        (entry,) = (await searched(registry, "create a Notion page"))["not_connected"]
    assert entry["server"] == "notion-api"
    assert entry["ask_the_user_to_run"] == "quartermaster servers add notion-api -- COMMAND ARGS"


async def test_the_gateway_validates_where_it_is_told_to(home: Home, tmp_path: Path, script: Any) -> None:
    settings = Settings(validation=ValidationSettings(in_gateway=True, timeout_s=30.0))
    async with open_registry(home, settings) as registry:
        registry.catalogue.add_server(script("hints", str(tmp_path / "calls")), origin="added")
        await registry.sync()
        answer = await searched(registry, "broken ledger", k=1, detail="names")
        plain = await registry.search("broken ledger", 1)
    assert plain[0][0].id == "hints/broken"
    assert answer["tools"][0]["tool_id"] != "hints/broken"


def test_the_command_line_validates_and_says_what_came_of_it(home: Home, tmp_path: Path, script: Any) -> None:
    transport = script("hints", str(tmp_path / "calls")).transport
    runner = CliRunner()
    assert runner.invoke(servers.app, ["add", "hints", "--", *transport.argv]).exit_code == 0
    assert runner.invoke(servers.app, ["sync"]).exit_code == 0
    hits = {hit["name"]: hit["validation"] for hit in found("broken ledger look", "--validate", "-k", "11")}
    assert hits["broken"]["outcome"] == "failed"
    assert hits["wipe"]["outcome"] == "not checked"
    shown = runner.invoke(search.app, ["broken ledger look", "--validate", "-k", "11"]).stdout
    assert "failed: its call ended in an error" in shown
