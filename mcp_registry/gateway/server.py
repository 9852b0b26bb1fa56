"""The gateway as an MCP server: the same three meta-tools on stdio and on streamable HTTP, in both protocol eras."""

from importlib.metadata import version
from typing import Any

import mcp_types as types
from mcp.server import Server, ServerRequestContext

from mcp_registry.gateway.meta_tools import MetaTools

INSTRUCTIONS = (
    "This server reaches many tools through three. Use search_tools with the task in plain words, then call_tool with "
    "a tool_id and arguments from what it found; describe_tools gives a tool's full definition."
)
_CACHE_MS = 3_600_000


def make_server(meta_tools: MetaTools) -> Server[Any]:
    """The MCP server over some meta-tools. Its list of tools never changes while it runs."""
    tools = [types.Tool.model_validate(tool) for tool in meta_tools.published]
    listing = types.ListToolsResult(tools=tools, ttl_ms=_CACHE_MS, cache_scope="public")

    async def list_tools(
        context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return listing

    async def call_tool(context: ServerRequestContext[Any], params: types.CallToolRequestParams) -> Any:
        # Anything unexpected becomes the SDK's internal error at its own boundary; what a model can mend is a result.
        result = await meta_tools.call(params.name, params.arguments, forwarded_meta(params))
        # Required since 2026-07-28; an older server's answer has none, and the SDK would refuse to pass it on.
        return {"resultType": "complete", **result.raw}

    return Server(
        "quartermaster",
        version=version("quartermaster"),
        title="Quartermaster",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def forwarded_meta(params: types.CallToolRequestParams) -> dict[str, Any] | None:
    """The caller's own `_meta` keys: those of the protocol and the progress token belong to this hop only."""
    meta: dict[str, Any] = dict(params.meta or {})
    kept = {
        key: value
        for key, value in meta.items()
        if not key.startswith("io.modelcontextprotocol/") and key not in {"progressToken", "progress_token"}
    }
    return kept or None
