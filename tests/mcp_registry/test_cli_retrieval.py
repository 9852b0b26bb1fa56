"""`quartermaster retrieval`: questions written once, and what is searched of a tool explained."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mcp_registry.catalogue import open_catalogue
from mcp_registry.cli import retrieval
from mcp_registry.errors import UnknownTool
from mcp_registry.home import Home
from mcp_registry.offer import Offer
from retrieval.card import ServerCard
from retrieval.tool import ToolSpec

TOOLS = [
    ToolSpec(server="git", name="git_log", description="Shows the commit logs"),
    ToolSpec(server="files", name="read_file", description="Reads a file"),
    ToolSpec(server="weather", name="forecast", description="Tells the weather of tomorrow"),
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("QUARTERMASTER_HOME", str(tmp_path))
    monkeypatch.delenv("QUARTERMASTER_DATABASE_URL", raising=False)
    with open_catalogue(Home(tmp_path).database_url) as catalogue:
        catalogue.load_definitions(TOOLS, origin="tools.jsonl", at=datetime.now(UTC))
        card = ServerCard(name="notion", description="Notes and pages", tags=("notes",))
        catalogue.add_offers([Offer(card=card, source="list")], at=datetime.now(UTC))
    return Home(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(retrieval.app, list(arguments))


def as_json(*arguments: str) -> dict[str, Any]:
    return json.loads(run(*arguments, "--json").stdout)


def test_questions_are_written_for_every_tool_once() -> None:
    first = as_json("questions", "--limit", "2")
    assert (first["written"], first["left"], first["failed"]) == (2, 1, {})
    assert (as_json("questions")["written"], as_json("questions")["written"]) == (1, 0)


def test_a_language_model_needs_an_endpoint_and_a_model() -> None:
    assert run("questions", "--writer", "oracle").exit_code == 2
    assert run("questions", "--writer", "llm", "--model", "m").exit_code == 2
    assert run("questions", "--model", "m").exit_code == 2


def test_a_language_model_that_is_not_there_is_told_by_tool_and_ends_with_1() -> None:
    result = run("questions", "--writer", "llm", "--endpoint", "no-url", "--model", "m", "--limit", "1", "--json")
    assert result.exit_code == 1
    assert list(json.loads(result.stdout)["failed"]) == ["files/read_file"]


def test_what_is_searched_of_a_tool_is_shown() -> None:
    run("questions")
    shown = as_json("show", "git/git_log")
    assert "Shows the commit logs" in shown["passage"]
    assert shown["words"]["log"] > shown["words"]["commit"]
    assert "commit logs" in " ".join(shown["questions"]["template-1"])
    assert "Shows the commit logs" in run("show", "git/git_log").stdout


def test_a_score_is_explained_for_a_request() -> None:
    query = as_json("show", "git/git_log", "--query", "show me the commits")["query"]
    assert (query["place"], query["of"]) == (1, 4)
    assert query["words"]["commit"] == {"said_as": "commits", "weight": 1.0}
    assert query["signals"]["lexical_rank"] == 1
    assert "place 1 of 4" in run("show", "git/git_log", "--query", "show me the commits").stdout


def test_an_offered_server_is_shown_by_its_name() -> None:
    assert "Notes and pages" in as_json("show", "notion")["passage"]


def test_an_unknown_tool_is_answered_with_the_nearest() -> None:
    result = run("show", "git/git_lok")
    assert isinstance(result.exception, UnknownTool)
    assert "git/git_log" in str(result.exception)
