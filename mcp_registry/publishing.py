"""Tools of our own as an MCP server: any definitions with one function that answers calls, on stdio or HTTP."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import mcp_types as types
from mcp.server import Server, ServerRequestContext

from mcp_registry.gateway import stdio
from mcp_registry.gateway.http import listen, security
from mcp_registry.result import ToolResult
from retrieval.tool import ToolSpec

Answering = Callable[[str, Mapping[str, Any]], Awaitable[ToolResult]]
"""Answers a call by the tool's own name and its arguments. What it raises is told as the server's failure."""


def make_tool_server(
    name: str, tools: Sequence[ToolSpec], call: Answering, *, instructions: str | None = None
) -> Server[Any]:
    """An MCP server that publishes the tools as they stand. Whether arguments fit is for `call` to say."""
    published = types.ListToolsResult(tools=[types.Tool.model_validate(dict(tool.published)) for tool in tools])

    async def list_tools(
        context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return published

    async def call_tool(context: ServerRequestContext[Any], params: types.CallToolRequestParams) -> Any:
        result = await call(params.name, params.arguments or {})
        return types.CallToolResult.model_validate(dict(result.raw))

    return Server(
        name,
        version=version("quartermaster"),
        instructions=instructions,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def serve_tools(
    name: str, tools: Sequence[ToolSpec], call: Answering, *, instructions: str | None = None
) -> None:
    """Serve one client on stdin and stdout until it closes our stdin. Nothing else may be written to stdout meanwhile.

    Example:
        await serve_tools("swe", TOOLS, toolbox.act)
    """
    await stdio.serve(make_tool_server(name, tools, call, instructions=instructions))


async def serve_tools_over_http(server: Server[Any], *, host: str, port: int, told: Callable[[str], None]) -> None:
    """Serve any number of clients at `/mcp` until cancelled; `told` is given the address before the first request.

    Raises:
        SystemExit: the address cannot be bound.
    """
    app = server.streamable_http_app(
        json_response=True, stateless_http=True, host=host, transport_security=security(host, ())
    )
    serving, bound = listen(app, host=host, port=port)
    with bound:
        told(f"http://{host}:{bound.getsockname()[1]}/mcp")
        await serving.serve(sockets=[bound])
