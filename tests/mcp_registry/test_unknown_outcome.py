"""A call whose outcome nobody knows is told apart from one that certainly did not run."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from mcp_registry.home import find_home
from mcp_registry.registry import Registry, open_registry
from mcp_registry.server import Http, ServerSpec
from mcp_registry.settings import load_settings
from retrieval.tool import ToolSpec

pytestmark = pytest.mark.usefixtures("no_process_left")

Script = Callable[..., ServerSpec]


@pytest.fixture
async def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Registry]:
    monkeypatch.setenv("QUARTERMASTER_HOME", str(tmp_path))
    monkeypatch.delenv("QUARTERMASTER_DATABASE_URL", raising=False)
    home = find_home()
    async with open_registry(home, load_settings(home, {})) as opened:
        yield opened


async def with_tool(registry: Registry, spec: ServerSpec, name: str) -> str:
    """The id of a tool of a server that is not asked for its list."""
    from datetime import UTC, datetime

    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    tool = ToolSpec(server=spec.name, name=name, input_schema=schema)
    registry.catalogue.load_definitions([tool], origin="file", at=datetime.now(UTC))
    registry.catalogue.add_server(spec, origin="added", replace=True)
    await registry.reconcile()
    return tool.tool_id


async def test_a_server_that_dies_during_a_call_leaves_it_unknown(registry: Registry, script: Script) -> None:
    tool_id = await with_tool(registry, script("dies", "after", "1"), "count")
    assert not (await registry.call(tool_id, {})).is_error
    result = await registry.call(tool_id, {})
    assert result.is_error
    assert result.unknown
    assert "outcome is unknown" in result.text


async def test_a_server_that_never_answers_a_call_leaves_it_unknown(registry: Registry, script: Script) -> None:
    tool_id = await with_tool(registry, script("silent", "calls"), "wait")
    result = await registry.call(tool_id, {}, timeout_s=2)
    assert result.unknown
    assert "may still have run" in result.text


@pytest.mark.parametrize(
    "program",
    [("dies", "at-start"), ("silent", "blocked"), ("slow_start", "60")],
    ids=lambda program: "-".join(program),
)
async def test_a_server_that_did_not_open_ran_nothing(registry: Registry, script: Script, program: tuple) -> None:
    tool_id = await with_tool(registry, script(*program, name="late", open_s=0.6), "hello")
    result = await registry.call(tool_id, {})
    assert result.is_error
    assert not result.unknown
    assert "may still have run" not in result.text


async def test_a_call_that_a_full_pipe_held_back_ran_nothing(registry: Registry, script: Script) -> None:
    tool_id = await with_tool(registry, script("silent", "reads-no-more"), "wait")
    assert (await registry.call(tool_id, {}, timeout_s=1)).unknown
    # What fills the pipe was written, so it may yet be read; what waits behind it was never sent.
    stuffing = [await registry.call(tool_id, {"n": 1, "fill": "x" * 300_000}, timeout_s=0.3) for _ in range(2)]
    assert stuffing[0].is_error
    behind = await registry.call(tool_id, {}, timeout_s=0.3)
    assert behind.is_error
    assert not behind.unknown


async def test_what_was_refused_before_it_was_sent_is_not_unknown(registry: Registry, script: Script) -> None:
    tool_id = await with_tool(registry, script("echo"), "count")
    for result in (await registry.call(tool_id, {"n": "many"}), await registry.call("echo/nothing", {})):
        assert result.is_error
        assert not result.unknown


@pytest.mark.parametrize(("status", "unknown"), [(403, False), (429, False), (500, True), (504, True)])
async def test_an_http_status_tells_whether_the_call_may_have_run(
    registry: Registry, serving: Callable, status: int, unknown: bool
) -> None:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def mcp(request: Request) -> Response:
        message = await request.json() if request.method == "POST" else {}
        match message.get("method"):
            case "initialize":
                result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": SERVER}
                return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": result})
            case "tools/call":
                return Response(status_code=status)
            case "server/discover":
                error = {"code": -32601, "message": "Method not found"}
                return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "error": error})
            case _:
                return Response(status_code=202 if request.method == "POST" else 405)

    SERVER = {"name": "web", "version": "1"}  # noqa: N806
    app = Starlette(routes=[Route("/mcp", mcp, methods=["GET", "POST", "DELETE"])])
    async with serving(app) as address:
        tool_id = await with_tool(registry, ServerSpec(name="web", transport=Http(url=f"{address}/mcp")), "post")
        result = await registry.call(tool_id, {}, timeout_s=10)
        await registry.sessions.close("web")
    assert result.is_error
    assert result.unknown is unknown, result.text
