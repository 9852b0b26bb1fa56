import asyncio
import contextlib
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_registry.connection import open_connection
from mcp_registry.errors import DeadlineExceeded, Unreachable
from mcp_registry.server import ServerSpec
from mcp_registry.sessions import open_sessions

Url = Callable[..., ServerSpec]

ECHO = Path(__file__).parents[1] / "servers" / "echo.py"


def echo_app(**options: Any) -> Any:
    """The echo server of the SDK as a fresh ASGI application."""
    return runpy.run_path(str(ECHO))["server"].streamable_http_app(**options)


@pytest.mark.parametrize(("era", "version"), [(None, "2026-07-28"), ("legacy", "2025-11-25")])
@pytest.mark.parametrize("json_response", [False, True])
async def test_a_real_server_answers_in_both_eras(serving, url: Url, era, version: str, json_response: bool) -> None:
    async with (
        serving(echo_app(json_response=json_response)) as address,
        open_connection(url(f"{address}/mcp"), era=era) as connection,
    ):
        assert connection.info.name == "echo"
        assert connection.info.protocol_version == version
        assert "echo" in {tool["name"] for tool in await connection.list_tools()}
        result = await connection.call_tool("add", {"a": 40, "b": 2}, timeout_s=10)
        assert result.raw["structuredContent"] == {"result": 42}
        assert (await connection.call_tool("fail", {}, timeout_s=10)).is_error


@pytest.mark.parametrize("era", [None, "legacy"])
async def test_progress_comes_over_http_too(serving, url: Url, era) -> None:
    reports: list[float] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reports.append(progress)

    async with serving(echo_app()) as address, open_connection(url(f"{address}/mcp"), era=era) as connection:
        await connection.call_tool("progress", {"steps": 3}, timeout_s=10, on_progress=report)
    assert sorted(reports) == [1, 2, 3]


@pytest.mark.parametrize("era", [None, "legacy"])
async def test_a_slow_call_ends_at_its_deadline_and_holds_up_no_other(serving, url: Url, era) -> None:
    loop = asyncio.get_running_loop()
    async with serving(echo_app()) as address, open_connection(url(f"{address}/mcp"), era=era) as connection:
        started = loop.time()
        slow = asyncio.create_task(connection.call_tool("sleep", {"seconds": 30}, timeout_s=1.0))
        for _ in range(5):
            await connection.call_tool("echo", {"text": "hi"}, timeout_s=5)
        assert not slow.done()
        with pytest.raises(DeadlineExceeded, match="'sleep' within 1 s"):
            await slow
        assert loop.time() - started < 3
        assert (await connection.call_tool("echo", {"text": "still"}, timeout_s=5)).text == "still"


async def test_an_event_beyond_the_limit_is_refused(serving, url: Url) -> None:
    async with (
        serving(echo_app()) as address,
        open_connection(url(f"{address}/mcp", max_message_bytes=100_000), era="legacy") as connection,
    ):
        with pytest.raises(Unreachable, match="100000 byte limit"):
            await connection.call_tool("big", {"size": 300_000}, timeout_s=5)
        assert (await connection.call_tool("echo", {"text": "on"}, timeout_s=5)).text == "on"


async def test_a_large_event_within_the_limit_arrives(serving, url: Url) -> None:
    async with serving(echo_app()) as address, open_connection(url(f"{address}/mcp"), era="legacy") as connection:
        assert len((await connection.call_tool("big", {"size": 3_000_000}, timeout_s=20)).text) == 3_000_000


async def test_a_session_does_not_survive_a_restart_of_its_server(serving, url: Url) -> None:
    async with contextlib.AsyncExitStack() as first:
        address = await first.enter_async_context(serving(echo_app()))
        async with open_connection(url(f"{address}/mcp"), era="legacy") as connection:
            await connection.call_tool("echo", {"text": "one"}, timeout_s=5)
            await first.aclose()
            async with serving(echo_app(), port=int(address.rpartition(":")[2])):
                with pytest.raises(Unreachable, match="before tools/call 'echo' was sent: its session has expired"):
                    await connection.call_tool("echo", {"text": "two"}, timeout_s=5)
                assert connection.closed


async def test_a_server_that_stops_and_comes_back_is_used_again(serving, url: Url) -> None:
    async with open_sessions() as sessions:
        async with serving(echo_app()) as address:
            port = int(address.rpartition(":")[2])
            spec = url(f"{address}/mcp")
            assert (await sessions.call_tool(spec, "echo", {"text": "one"}, timeout_s=10)).text == "one"
        with pytest.raises(Unreachable, match="Connection refused"):
            await sessions.call_tool(spec, "echo", {"text": "nobody"}, timeout_s=10)
        async with serving(echo_app(), port=port):
            entries, _ = await sessions.list_tools(spec)
            assert entries
            assert (await sessions.call_tool(spec, "echo", {"text": "two"}, timeout_s=10)).text == "two"


async def test_a_server_that_shuts_down_may_still_answer_what_it_was_asked(serving, url: Url) -> None:
    async with contextlib.AsyncExitStack() as running:
        address = await running.enter_async_context(serving(echo_app()))
        async with open_connection(url(f"{address}/mcp")) as connection:
            slow = asyncio.create_task(connection.call_tool("sleep", {"seconds": 0.6}, timeout_s=10))
            await connection.call_tool("echo", {"text": "the slow one is on its way"}, timeout_s=10)
            closing = asyncio.create_task(running.aclose())
            while not connection.closed:
                with contextlib.suppress(Unreachable):
                    await connection.call_tool("echo", {"text": "anyone there?"}, timeout_s=10)
            assert (await slow).text == "slept 0.6 s"
            await closing


async def test_a_change_of_the_tools_is_heard_over_http(serving, url: Url, until) -> None:
    from mcp.server.mcpserver import Context, MCPServer

    server = MCPServer("shifting", log_level="ERROR")

    @server.tool()
    async def grow(ctx: Context) -> str:
        server.add_tool(lambda: "new", name="new")
        await ctx.notify_tools_changed()
        return "grown"

    heard: list[str] = []
    async with (
        serving(server.streamable_http_app()) as address,
        open_sessions(on_tools_changed=heard.append) as sessions,
    ):
        spec = url(f"{address}/mcp")
        assert len((await sessions.list_tools(spec))[0]) == 1
        # The subscription is opened beside the first requests; until it is, nothing can be heard.
        for _ in range(50):
            await sessions.call_tool(spec, "grow", {}, timeout_s=5)
            if heard:
                break
            await asyncio.sleep(0.05)
        assert heard[0] == "web"
        assert len((await sessions.list_tools(spec))[0]) == 2


async def test_the_older_sse_transport_works_too(serving, url: Url) -> None:
    app = runpy.run_path(str(ECHO))["server"].sse_app()
    async with serving(app) as address, open_connection(url(f"{address}/sse", kind="sse")) as connection:
        assert (await connection.call_tool("echo", {"text": "old"}, timeout_s=10)).text == "old"
        with pytest.raises(DeadlineExceeded):
            await connection.call_tool("sleep", {"seconds": 30}, timeout_s=0.3)


async def test_arguments_that_a_tool_wants_as_headers_are_repeated_there(serving, url: Url) -> None:
    from typing import Annotated

    from mcp.server.mcpserver import MCPServer
    from pydantic import Field

    server = MCPServer("regions", log_level="ERROR")

    @server.tool()
    def where(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
        return region

    async with serving(server.streamable_http_app()) as address, open_connection(url(f"{address}/mcp")) as connection:
        # Not listed before: it is refused, its listing is read, and it is sent again as it should be.
        assert (await connection.call_tool("where", {"region": "eu-west"}, timeout_s=10)).text == "eu-west"
