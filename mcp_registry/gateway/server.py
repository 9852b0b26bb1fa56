"""The gateway as an MCP server: the same three meta-tools on stdio and on streamable HTTP, in both protocol eras."""

from contextvars import ContextVar
from importlib.metadata import version
from typing import Any

import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from mcp_registry.gateway.meta_tools import MetaTools
from retrieval.tool import canonical_json

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
        _answer.get().update(result.raw)
        return types.CallToolResult(content=[])

    server = Server(
        "quartermaster",
        version=version("quartermaster"),
        title="Quartermaster",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    server.middleware.append(pass_unchanged)
    return server


_answer: ContextVar[dict[str, Any]] = ContextVar("answer")


async def pass_unchanged(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Give a call's answer to the client as the tool's server gave it.

    The SDK keeps of a result only the fields that it knows, and refuses one that has a content type it does not know;
    so its own handling gets an empty result to fill the envelope of, and the answer is put in here.
    """
    if ctx.method != "tools/call":
        return await call_next(ctx)
    token = _answer.set({})
    try:
        envelope: Any = await call_next(ctx)
        answer = _answer.get()
    finally:
        _answer.reset(token)
    if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        answer = _for_older_clients(answer)
    answer.setdefault("content", [])
    meta = {**envelope.get("_meta", {}), **(answer.pop("_meta", None) or {})}
    kept = {"resultType": envelope["resultType"]} if "resultType" in envelope else {}
    return {**kept, **answer, **({"_meta": meta} if meta else {})}


def _for_older_clients(answer: dict[str, Any]) -> dict[str, Any]:
    """Without what came with 2026-07-28; structured content that is no object is told as text, unless text is there."""
    answer = {key: value for key, value in answer.items() if key != "resultType"}
    structured = answer.get("structuredContent")
    if structured is not None and not isinstance(structured, dict):
        del answer["structuredContent"]
        answer["content"] = answer.get("content") or [{"type": "text", "text": canonical_json(structured)}]
    return answer


def forwarded_meta(params: types.CallToolRequestParams) -> dict[str, Any] | None:
    """The caller's own `_meta` keys: those of the protocol and the progress token belong to this hop only."""
    meta: dict[str, Any] = dict(params.meta or {})
    kept = {
        key: value
        for key, value in meta.items()
        if not key.startswith("io.modelcontextprotocol/") and key not in {"progressToken", "progress_token"}
    }
    return kept or None
