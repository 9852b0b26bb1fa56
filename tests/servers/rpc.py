"""What the hand-written servers share: JSON-RPC lines on stdin and stdout, without any SDK.

`serve(tools=..., call=...)` is an honest little server of the handshake era; each misbehaving one differs in one thing.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

LEGACY = "2025-06-18"


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(request: dict[str, Any], result: dict[str, Any]) -> None:
    send({"jsonrpc": "2.0", "id": request["id"], "result": result})


def refuse(request: dict[str, Any], code: int, message: str) -> None:
    send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message}})


def text(words: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": words}]}


def welcome(name: str, version: str = LEGACY) -> dict[str, Any]:
    capabilities = {"tools": {"listChanged": True}}
    return {"protocolVersion": version, "capabilities": capabilities, "serverInfo": {"name": name, "version": "1"}}


def serve(
    name: str,
    *,
    tools: Callable[[str | None], dict[str, Any]],
    call: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda tool, arguments: text(tool),
    unknown: Callable[[dict[str, Any]], None] = lambda request: refuse(request, -32601, "Method not found"),
    version: str = LEGACY,
) -> None:
    """Answer until stdin closes. `tools` gets the cursor of a `tools/list` and gives the whole page."""
    for line in sys.stdin:
        request = json.loads(line)
        params = request.get("params", {})
        if "id" not in request or "method" not in request:
            continue
        match request["method"]:
            case "initialize":
                answer(request, welcome(name, version))
            case "ping":
                answer(request, {})
            case "tools/list":
                answer(request, tools(params.get("cursor")))
            case "tools/call":
                answer(request, call(params["name"], params.get("arguments", {})))
            case _:
                unknown(request)


def tool(name: str, **more: Any) -> dict[str, Any]:
    """A valid entry of a listing."""
    return {"name": name, "description": f"The tool {name}.", "inputSchema": {"type": "object"}, **more}
