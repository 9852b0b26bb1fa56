"""Walk-through (a): a server's tool list changes, and what is found changes with it. A failure loses nothing."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

SERVERS = Path(__file__).parents[1] / "servers"
_WAIT_S = 30.0

BAKE = {"name": "bake_bread", "description": "Bake a loaf of bread.", "inputSchema": {"type": "object"}}
STEER = {"name": "steer_boat", "description": "Steer the boat to port.", "inputSchema": {"type": "object"}}
RELOAD = {"name": "reload", "description": "Say that the list changed.", "inputSchema": {"type": "object"}}
INVALID = {"name": "no_type", "description": "Its schema has no type.", "inputSchema": {}}


def publish(file: Path, *tools: dict[str, Any]) -> None:
    """What tests/servers/shifting.py lists from now on."""
    file.with_suffix(".new").write_text(json.dumps(tools))
    file.with_suffix(".new").rename(file)


@pytest.fixture
def quartermaster(new_quartermaster: Callable[[], Any]) -> Any:
    return new_quartermaster()


def test_a_changed_list_is_found_after_a_sync_and_the_invalid_tool_is_set_aside_alone(
    quartermaster: Any, tmp_path: Path
) -> None:
    tools = tmp_path / "tools.json"
    publish(tools, BAKE)
    quartermaster.add("ship", "shifting.py", str(tools))
    assert quartermaster.json("servers", "sync")[0]["added"] == ["ship/bake_bread"]
    assert "ship/bake_bread" in quartermaster.found("make some bread")

    publish(tools, INVALID, STEER)
    (outcome,) = quartermaster.json("servers", "sync", "ship")
    assert outcome["added"] == ["ship/steer_boat"]
    assert outcome["removed"] == ["ship/bake_bread"]
    assert [entry["name"] for entry in outcome["set_aside"]] == ["no_type"]
    assert "inputSchema" in outcome["set_aside"][0]["reason"]
    assert quartermaster.found("make some bread") == ["ship/steer_boat"]


def test_a_server_that_goes_down_keeps_its_tools_and_stops_no_other(quartermaster: Any, tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    publish(tools, BAKE, STEER)
    servers = {
        "ship": {"command": sys.executable, "args": [str(SERVERS / "shifting.py"), str(tools)]},
        "many": {"command": sys.executable, "args": [str(SERVERS / "paged.py"), "three"]},
        "ghost": {"command": "/no/such/program"},
    }
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": servers}))
    quartermaster.run("servers", "import", str(tmp_path / "mcp.json"))
    quartermaster.run("servers", "sync")

    tools.unlink()  # its listing fails from now on
    outcomes = {entry["name"]: entry for entry in quartermaster.json("servers", "sync")}
    assert outcomes["many"]["ok"] is True
    assert outcomes["many"]["tools"] == 5
    assert outcomes["ship"]["ok"] is False
    assert "/no/such/program" in outcomes["ghost"]["error"]
    servers = quartermaster.servers()
    assert (servers["ship"]["status"], servers["ship"]["tools"]) == ("stale", 2)
    assert servers["ship"]["stale_since"] is not None
    assert (servers["ghost"]["status"], servers["ghost"]["stale_since"]) == ("failed", None)
    assert servers["many"]["status"] == "ready"
    assert "ship/bake_bread" in quartermaster.found("make some bread")

    publish(tools, STEER)
    quartermaster.run("servers", "sync", "ship")
    ship = quartermaster.servers()["ship"]
    assert (ship["status"], ship["tools"], ship["stale_since"]) == ("ready", 1, None)


async def test_a_watching_gateway_follows_changes_without_any_command(quartermaster: Any, tmp_path: Path) -> None:
    files = {"old": tmp_path / "old.json", "new": tmp_path / "new.json"}
    for name, file in files.items():
        publish(file, RELOAD, BAKE)
        quartermaster.add(name, "shifting.py", str(file), *(["--modern"] if name == "new" else []))
    with quartermaster.serve("--watch") as url:
        async with asyncio.timeout(_WAIT_S * 2), Client(url, read_timeout_seconds=_WAIT_S) as client:
            assert await found_in_time(client, "bake bread", {"old/bake_bread", "new/bake_bread"})
            for name, file in files.items():
                publish(file, RELOAD, STEER)
                await client.call_tool("call_tool", {"tool_id": f"{name}/reload"})
            assert await found_in_time(client, "steer the boat", {"old/steer_boat", "new/steer_boat"})
            assert not await found_now(client, "bake bread", {"old/bake_bread", "new/bake_bread"})


async def test_a_running_gateway_sees_what_another_process_syncs(quartermaster: Any, tmp_path: Path) -> None:
    with quartermaster.serve() as url:
        async with asyncio.timeout(_WAIT_S * 2), Client(url, read_timeout_seconds=_WAIT_S) as client:
            publish(tmp_path / "tools.json", BAKE)
            quartermaster.add("ship", "shifting.py", str(tmp_path / "tools.json"))
            await asyncio.to_thread(quartermaster.run, "servers", "sync")
            assert await found_in_time(client, "bake bread", {"ship/bake_bread"})
            result = await client.call_tool("call_tool", {"tool_id": "ship/bake_bread"})
            assert result.content[0].text == "bake_bread"


async def found_now(client: Client, query: str, tool_ids: set[str]) -> set[str]:
    """Those of the ids that a search gives."""
    result = await client.call_tool("search_tools", {"query": query, "k": 10, "detail": "names"})
    return tool_ids & {tool["tool_id"] for tool in result.structured_content["tools"]}


async def found_in_time(client: Client, query: str, tool_ids: set[str]) -> bool:
    """Whether a search gives all of the ids before the time is up; it is repeated until it does."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _WAIT_S
    while await found_now(client, query, tool_ids) != tool_ids:
        if loop.time() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True
