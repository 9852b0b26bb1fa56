"""The sub-commands of `servers`, as a person or a script uses them; none of these starts a server."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mcp_registry.cli import search, servers
from mcp_registry.errors import BadImport, BadServer, NotStartable, UnknownServer

DATA = Path(__file__).parents[1] / "data"
FIELDS = {"name", "status", "tools", "stale_since"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUARTERMASTER_HOME", str(tmp_path))
    monkeypatch.delenv("QUARTERMASTER_DATABASE_URL", raising=False)
    return tmp_path


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(servers.app, list(arguments), input=stdin)


def listed() -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in json.loads(run("list", "--json").stdout)}


def found(query: str, *options: str) -> list[dict[str, Any]]:
    return json.loads(CliRunner().invoke(search.app, [query, "--json", *options]).stdout)


def test_a_list_is_empty_before_anything_is_added() -> None:
    assert json.loads(run("list", "--json").stdout) == []


def test_an_added_server_is_listed_as_new() -> None:
    assert run("add", "echo", "--", sys.executable, "echo.py", "--flag").exit_code == 0
    entry = listed()["echo"]
    assert entry.keys() >= FIELDS
    assert (entry["status"], entry["tools"], entry["stale_since"]) == ("new", 0, None)
    shown = json.loads(run("show", "echo", "--json").stdout)
    assert shown["launch"] == {"command": sys.executable, "args": ["echo.py", "--flag"]}


def test_a_literal_secret_is_kept_as_a_reference_and_shown_nowhere(home: Path) -> None:
    secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    result = run("add", "github", "--env", f"GITHUB_TOKEN={secret}", "--", "server")
    assert "export GITHUB_TOKEN" in result.stderr
    assert secret not in result.output
    assert json.loads(run("show", "github", "--json").stdout)["needs"] == ["GITHUB_TOKEN"]
    assert not [file for file in home.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]


def test_a_relative_path_is_meant_from_where_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "server.py").touch()
    monkeypatch.chdir(tmp_path)
    run("add", "mine", "--", "python", "server.py")
    run("add", "other", "--", "uvx", "mcp-server-time")
    assert json.loads(run("show", "mine", "--json").stdout)["launch"]["cwd"] == str(tmp_path)
    assert "cwd" not in json.loads(run("show", "other", "--json").stdout)["launch"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("add", "a/b", "--", "x"), BadServer),
        (("add", "docs", "--url", "ftp://x"), BadServer),
        (("import", "no-such-file.json"), BadImport),
        (("show", "nobody"), UnknownServer),
        (("remove", "nobody"), UnknownServer),
        (("enable", "nobody"), UnknownServer),
    ],
)
def test_wrong_input_is_an_error_of_ours_and_changes_nothing(
    arguments: tuple[str, ...], error: type[Exception]
) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, error)
    assert listed() == {}


def test_the_same_name_twice_needs_replace() -> None:
    run("add", "x", "--", "one")
    assert isinstance(run("add", "x", "--", "two").exception, BadServer)
    assert run("add", "x", "--replace", "--", "two").exit_code == 0
    assert json.loads(run("show", "x", "--json").stdout)["launch"]["command"] == "two"


def test_definitions_are_searchable_at_once_and_loading_them_again_changes_nothing() -> None:
    first = json.loads(run("import", str(DATA / "tools.jsonl.gz"), "--json").stdout)
    assert first["tools"]["added"] == 1000
    assert found("create an issue in a GitHub repository", "-k", "5")[0]["name"] == "create_issue"
    again = json.loads(run("import", str(DATA / "tools.jsonl.gz"), "--json").stdout)
    assert (again["tools"]["added"], again["tools"]["changed"], again["tools"]["removed"]) == (0, 0, 0)
    assert again["tools"]["unchanged"] == 1000
    assert {entry["status"] for entry in listed().values()} == {"definitions"}


def test_offers_are_found_and_become_servers_only_when_enabled() -> None:
    run("import", str(DATA / "catalogue_servers.jsonl.gz"))
    offered = listed()
    assert {entry["status"] for entry in offered.values()} == {"offered"}
    launchable = next(name for name in offered if json.loads(run("show", name, "--json").stdout)["offer"]["launch"])
    offer = json.loads(run("show", launchable, "--json").stdout)["offer"]
    assert launchable in {hit["server"] for hit in found(f"{offer['title']} {offer['description']}", "-k", "3")}

    refused = run("enable", launchable, stdin="n\n")
    assert refused.exit_code == 1
    assert offer["launch"][0]["command"] in refused.stderr
    assert listed()[launchable]["status"] == "offered"

    assert run("enable", launchable, "--yes").exit_code == 0
    assert listed()[launchable]["status"] == "new"
    assert launchable not in {hit["server"] for hit in found(offer["description"], "-k", "50", "--kind", "servers")}


def test_an_offer_that_does_not_say_how_it_is_launched_cannot_be_enabled(tmp_path: Path) -> None:
    cards = tmp_path / "cards.jsonl"
    cards.write_text('{"name": "weather-mcp", "version": "1", "summary": "Weather forecasts for any city"}\n')
    run("import", str(cards))
    assert isinstance(run("enable", "weather-mcp", "--yes").exception, NotStartable)
    assert found("weather forecast")[0]["server"] == "weather-mcp"


def test_a_removed_server_leaves_nothing_to_be_found() -> None:
    run("import", str(DATA / "tools.jsonl.gz"))
    server = found("create an issue in a GitHub repository", "-k", "1")[0]["server"]
    assert run("remove", server).exit_code == 0
    assert server not in listed()
    assert server not in {hit["server"] for hit in found("create an issue in a GitHub repository", "-k", "50")}
