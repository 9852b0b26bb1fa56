"""A server whose answers have everything that an answer may have: `rich.py`. Both protocol eras, over stdio.

Tools: picture(), recording(), document(), link(), table() is structured, refuse() is an error result with structure,
many() has several parts and `_meta` everywhere, broken() is a JSON-RPC error, mirror() tells the `_meta` it was sent.
"""

import base64
import json
from typing import Any

import anyio
import mcp_types as types
from mcp import MCPError
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

BYTES = base64.b64encode(bytes(range(256))).decode()
NOTE = {"annotations": {"audience": ["user"], "priority": 0.5}, "_meta": {"example.com/part": [1, None, "ü"]}}

TEXT = {"type": "text", "text": "Grüße, 世界 \U0001f600\n\ttab \u0000 end", **NOTE}
PICTURE = {"type": "image", "data": BYTES, "mimeType": "image/png", **NOTE}
RECORDING = {"type": "audio", "data": BYTES, "mimeType": "audio/wav"}
DOCUMENT = {
    "type": "resource",
    "resource": {"uri": "note://today", "mimeType": "text/plain", "text": "buy tea", "_meta": {"example.com/age": 3}},
    **NOTE,
}
BLOB = {"type": "resource", "resource": {"uri": "file:///photo.raw", "blob": BYTES}}
LINK = {"type": "resource_link", "uri": "file:///a.txt", "name": "a.txt", "title": "A", "size": 12, **NOTE}
ROWS = {"rows": [[1, 2.5, None], [-1, 1e100, True]], "": {"deep": [[[]]]}, "π": "3.14"}

ANSWERS: dict[str, dict[str, Any]] = {
    "picture": {"content": [PICTURE]},
    "recording": {"content": [RECORDING]},
    "document": {"content": [DOCUMENT, BLOB]},
    "link": {"content": [LINK]},
    "table": {"content": [TEXT], "structuredContent": ROWS},
    "refuse": {"content": [TEXT], "structuredContent": {"code": 7}, "isError": True},
    "many": {"content": [TEXT, PICTURE, DOCUMENT, LINK, TEXT], "_meta": {"example.com/trace": {"id": "7", "n": [1]}}},
    "nothing": {"content": []},
}


async def list_tools(context: ServerRequestContext[Any], params: Any) -> types.ListToolsResult:
    names = [*ANSWERS, "broken", "mirror"]
    return types.ListToolsResult(tools=[types.Tool(name=name, input_schema={"type": "object"}) for name in names])


async def call_tool(context: ServerRequestContext[Any], params: types.CallToolRequestParams) -> types.CallToolResult:
    if params.name == "broken":
        raise MCPError(code=-32050, message="the teapot is broken", data={"pot": 1})
    if params.name == "mirror":
        sent = {key: value for key, value in (params.meta or {}).items() if key.startswith("example.com/")}
        return types.CallToolResult.model_validate({"content": [{"type": "text", "text": json.dumps(sent)}]})
    return types.CallToolResult.model_validate(ANSWERS[params.name])


async def main() -> None:
    server = Server("rich", version="1", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (reader, writer):
        await server.run(reader, writer, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
