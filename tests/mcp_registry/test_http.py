import asyncio
import contextlib
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from mcp_registry.connection import open_connection
from mcp_registry.errors import DeadlineExceeded, ProtocolFailure, Unreachable
from mcp_registry.server import ServerSpec
from mcp_registry.sessions import open_sessions

Url = Callable[..., ServerSpec]

ECHO = Path(__file__).parents[1] / "servers" / "echo.py"


def echo_app(**options: Any) -> Any:
    """The echo server of the SDK as a fresh ASGI application."""
    return runpy.run_path(str(ECHO))["server"].streamable_http_app(**options)


def answering(answer: Callable[[dict[str, Any], Request], Any]) -> Starlette:
    """An application with one endpoint; `answer` gets the message and gives a response, a result or nothing."""

    async def endpoint(request: Request) -> Response:
        message = json.loads(await request.body() or b"{}")
        given = answer(message, request)
        if asyncio.iscoroutine(given):
            given = await given
        if isinstance(given, Response):
            return given
        if given is None:
            return Response(status_code=202)
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": given})

    return Starlette(routes=[Route("/mcp", endpoint, methods=["GET", "POST", "DELETE"])])


def old_server(call: Callable[[dict[str, Any], Request], Any], **init_headers: str) -> Starlette:
    """A hand-written server of the handshake era; `call` answers its `tools/call`."""

    def answer(message: dict[str, Any], request: Request) -> Any:
        match message.get("method"):
            case "initialize":
                welcome = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": INFO}
                body = {"jsonrpc": "2.0", "id": message["id"], "result": welcome}
                return JSONResponse(body, headers={key.replace("_", "-"): value for key, value in init_headers.items()})
            case "tools/call":
                return call(message, request)
            case "server/discover":
                return PlainTextResponse("what?", status_code=400)
            case _:
                return Response(status_code=405) if request.method == "GET" else None

    return answering(answer)


INFO = {"name": "old", "version": "1"}


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


async def test_the_headers_of_the_spec_are_sent_and_answered_for(serving, url: Url) -> None:
    seen: list[str | None] = []

    def call(message: dict[str, Any], request: Request) -> Any:
        seen.append(request.headers.get("authorization"))
        return {"content": []}

    spec = url("${BASE}/mcp", headers={"Authorization": "Bearer ${TOKEN}"})
    async with serving(old_server(call)) as address:
        environment = {"BASE": address, "TOKEN": "t-123456"}
        async with open_connection(spec, environment=environment) as connection:
            await connection.call_tool("x", {}, timeout_s=5)
    assert seen == ["Bearer t-123456"]


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "Authorization"), (403, "refuses this caller"), (404, "check its path"), (500, "see its own log")],
)
async def test_a_refusal_names_the_status_the_place_and_what_to_do(serving, url: Url, status: int, hint: str) -> None:
    def refuse(message: dict[str, Any], request: Request) -> Any:
        return PlainTextResponse(f"no, {request.headers['authorization']}", status_code=status)

    async with serving(answering(refuse)) as address:
        spec = url(f"{address}/mcp?key=s3cret", headers={"Authorization": "Bearer hunter22"})
        with pytest.raises(Unreachable, match=f"answered HTTP {status}") as caught:
            async with open_connection(spec):
                pass
    assert hint in str(caught.value)
    assert f"{address}/mcp " in str(caught.value)
    assert "hunter22" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


async def test_a_status_in_the_middle_fails_its_call_alone(serving, url: Url) -> None:
    def call(message: dict[str, Any], request: Request) -> Any:
        if message["params"]["name"] == "bad":
            return PlainTextResponse("oops", status_code=503)
        return {"content": [{"type": "text", "text": "fine"}]}

    async with serving(old_server(call)) as address, open_connection(url(f"{address}/mcp")) as connection:
        with pytest.raises(Unreachable, match="answered HTTP 503"):
            await connection.call_tool("bad", {}, timeout_s=5)
        assert not connection.closed
        assert (await connection.call_tool("good", {}, timeout_s=5)).text == "fine"


async def test_an_error_of_the_protocol_is_passed_on_whatever_its_status(serving, url: Url) -> None:
    def call(message: dict[str, Any], request: Request) -> Any:
        error = {"code": -32602, "message": "no such tool", "data": {"nearest": "y"}}
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "error": error}, status_code=400)

    async with serving(old_server(call)) as address, open_connection(url(f"{address}/mcp")) as connection:
        with pytest.raises(ProtocolFailure, match="no such tool") as caught:
            await connection.call_tool("x", {}, timeout_s=5)
    assert caught.value.code == -32602
    assert caught.value.data == {"nearest": "y"}


@pytest.mark.parametrize("kind", ["streamable-http", "sse"])
@pytest.mark.parametrize(
    ("address", "why"),
    [("http://127.0.0.1:9/mcp", "Connection refused"), ("http://no-such-host.invalid/mcp", "cannot be reached at")],
)
async def test_a_server_that_is_not_there_says_where_and_why(url: Url, kind: str, address: str, why: str) -> None:
    with pytest.raises(Unreachable, match=why) as caught:
        async with open_connection(url(address, kind=kind, open_s=10.0)):
            pass
    assert address in str(caught.value)


async def test_a_server_that_never_answers_is_given_up_at_its_deadline(serving, url: Url) -> None:
    async def hang(message: dict[str, Any], request: Request) -> Any:
        await asyncio.sleep(30)

    loop = asyncio.get_running_loop()
    async with serving(answering(lambda message, request: hang(message, request))) as address:
        started = loop.time()
        with pytest.raises(DeadlineExceeded, match=r"within 0\.5 s of its start"):
            async with open_connection(url(f"{address}/mcp", open_s=0.5)):
                pass
        assert loop.time() - started < 3


async def test_a_hanging_server_keeps_no_caller_beyond_the_deadline(serving, url: Url) -> None:
    async def hang() -> Any:
        await asyncio.sleep(30)

    def call(message: dict[str, Any], request: Request) -> Any:
        return hang() if message["params"]["name"] == "hang" else {"content": []}

    loop = asyncio.get_running_loop()
    async with serving(old_server(call)) as address, open_connection(url(f"{address}/mcp")) as connection:
        started = loop.time()
        calls = [connection.call_tool("hang", {}, timeout_s=0.5) for _ in range(30)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {DeadlineExceeded}
        assert loop.time() - started < 3
        await connection.call_tool("fine", {}, timeout_s=5)


async def test_a_json_answer_beyond_the_limit_is_not_read_to_its_end(serving, url: Url) -> None:
    def call(message: dict[str, Any], request: Request) -> Any:
        return {"content": [{"type": "text", "text": "x" * 300_000}]}

    async with (
        serving(old_server(call)) as address,
        open_connection(url(f"{address}/mcp", max_message_bytes=100_000)) as connection,
    ):
        with pytest.raises(Unreachable, match="more than 100,000 bytes"):
            await connection.call_tool("x", {}, timeout_s=5)


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


async def test_a_redirect_to_another_place_is_not_followed(serving, url: Url) -> None:
    visited: list[str] = []

    def elsewhere(message: dict[str, Any], request: Request) -> Any:
        visited.append(request.headers.get("authorization", ""))
        return {}

    async with serving(answering(elsewhere)) as other:
        redirecting = answering(lambda message, request: RedirectResponse(f"{other}/mcp", status_code=307))
        async with serving(redirecting) as address:
            with pytest.raises(ProtocolFailure, match="not followed"):
                async with open_connection(url(f"{address}/mcp", headers={"Authorization": "Bearer mine"})):
                    pass
    assert visited == []


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


@pytest.mark.parametrize(("status", "words"), [(404, "Session not found"), (400, "Bad Request: no valid session ID")])
async def test_a_session_that_a_server_no_longer_knows_is_replaced_and_the_call_sent_again(
    serving, url: Url, status: int, words: str
) -> None:
    calls: list[str] = []

    def call(message: dict[str, Any], request: Request) -> Any:
        calls.append(request.headers["mcp-session-id"])
        if len(calls) > 1:
            return {"content": [{"type": "text", "text": "fresh"}]}
        error = {"code": -32000, "message": words}
        return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, status_code=status)

    async with serving(old_server(call, mcp_session_id="abc")) as address, open_sessions() as sessions:
        result = await sessions.call_tool(url(f"{address}/mcp"), "x", {}, timeout_s=10)
    assert result.text == "fresh"
    assert len(calls) == 2


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
