import asyncio
import json
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
