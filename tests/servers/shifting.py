"""A server whose tools change: `shifting.py TOOLS.json [--modern]`. The file is the
list of raw tools; it is read anew on every listing.

Calling `reload` makes it say that its list has changed: with `notifications/tools/list_changed`, or with `--modern`
(built with the SDK, 2026-07-28) to whoever listens by `subscriptions/listen`. Any other tool answers with its own name.
"""

import json
import sys
from pathlib import Path
from typing import Any

from rpc import send, serve, text

TOOLS = Path(sys.argv[1])


def tools(cursor: str | None) -> dict[str, Any]:
    return {"tools": json.loads(TOOLS.read_text())}


def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    if tool == "reload":
        send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    return text(tool)


def serve_modern() -> None:
    from mcp.server.mcpserver import MCPServer
    from mcp.types import CallToolResult, Tool

    class Shifting(MCPServer):
        async def list_tools(self) -> list[Tool]:
            return [Tool.model_validate(tool) for tool in tools(None)["tools"]]

        async def call_tool(self, name, arguments, context=None):
            if name == "reload":
                await context.notify_tools_changed()
            return CallToolResult.model_validate(text(name))

    Shifting("shifting", log_level="ERROR").run("stdio")


if __name__ == "__main__":
    if "--modern" in sys.argv:
        serve_modern()
    else:
        serve("shifting", tools=tools, call=call)
