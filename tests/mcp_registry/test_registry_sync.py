"""Syncing through the registry: what is asked for by name, and what one bad server costs the others."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_registry.catalogue import open_catalogue
from mcp_registry.errors import NotStartable, UnknownServer
from mcp_registry.home import Home
from mcp_registry.record import ServerStatus
from mcp_registry.registry import open_registry
from mcp_registry.server import ServerSpec, Stdio
from mcp_registry.settings import Settings
from retrieval.tool import ToolSpec


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


async def test_definitions_are_not_to_be_synced_and_stay_as_they_are(home: Home) -> None:
    async with open_registry(home, Settings()) as registry:
        tools = [ToolSpec(server="file", name="t")]
        registry.catalogue.load_definitions(tools, origin="f.jsonl", at=datetime.now(UTC))
        with pytest.raises(NotStartable, match="definitions from a file"):
            await registry.sync(["file"])
        record = registry.catalogue.server("file")
        assert record is not None
        assert record.status is ServerStatus.DEFINITIONS


async def test_an_unknown_name_syncs_nothing(home: Home, script) -> None:
    async with open_registry(home, Settings()) as registry:
        registry.catalogue.add_server(script("echo"), origin="added")
        with pytest.raises(UnknownServer, match="nearest: echo"):
            await registry.sync(["echo", "ecko"])
        record = registry.catalogue.server("echo")
        assert record is not None
        assert record.status is ServerStatus.NEW


async def test_one_bad_server_costs_the_others_nothing(home: Home, script) -> None:
    async with open_registry(home, Settings()) as registry:
        registry.catalogue.add_server(script("echo"), origin="added")
        registry.catalogue.add_server(script("dies", "at-start"), origin="added")
        registry.catalogue.add_server(
            ServerSpec(name="secretive", transport=Stdio(command="x", env={"K": "${NOBODY_HAS_SET_THIS}"})),
            origin="added",
        )
        outcomes = {outcome.server: outcome for outcome in await registry.sync()}
        assert outcomes["echo"].ok
        assert not outcomes["dies"].ok
        assert "NOBODY_HAS_SET_THIS" in (outcomes["secretive"].error or "")
        found = await registry.search("add two numbers", 1)
        assert found[0][0].id == "echo/add"


async def test_a_removed_server_is_no_longer_found(home: Home, script) -> None:
    async with open_registry(home, Settings()) as registry:
        registry.catalogue.add_server(script("echo"), origin="added")
        await registry.sync()
        registry.catalogue.remove_server("echo")
        await registry.reconcile()
        assert await registry.search("add two numbers", 5) == []
        answer = await registry.call("echo/add", {"a": 1, "b": 2})
        assert answer.is_error
        assert "not in the catalogue" in answer.text


async def test_every_call_leaves_one_row_and_an_error_comes_out_as_it_was_raised(home: Home, script) -> None:
    with pytest.raises(NotStartable):
        async with open_registry(home, Settings()) as registry:
            registry.catalogue.add_server(script("echo"), origin="added")
            await registry.sync()
            await registry.call("echo/add", {"a": 1, "b": 2})
            await registry.call("echo/add", {"a": "one"})
            raise NotStartable("raised by the block itself")
    with open_catalogue(home.database_url) as catalogue:
        rows = [(row.server, row.tool, row.outcome) for row in catalogue.calls()]
    assert rows == [("echo", "add", "error"), ("echo", "add", "ok")]
