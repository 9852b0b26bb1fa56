"""An old server: only 2024-11-05 and `initialize`; methods that it does not know it ignores without a word.

Calling `ask` makes it ask the client (ping, roots/list, sampling) first, and answer with what it was told.
"""

import json
import sys
from typing import Any

from rpc import send, serve, text, tool


def ask(method: str) -> dict[str, Any]:
    send({"jsonrpc": "2.0", "id": f"ask-{method}", "method": method, "params": {}})
    reply = json.loads(sys.stdin.readline())
    return {"id": reply["id"], "result": reply.get("result"), "code": reply.get("error", {}).get("code")}


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    if name == "ask":
        return text(json.dumps([ask(method) for method in ("ping", "roots/list", "no/such/method")]))
    return text(f"{name} {json.dumps(arguments)}")


if __name__ == "__main__":
    serve(
        "legacy",
        tools=lambda cursor: {"tools": [tool("ask"), tool("hello")]},
        call=call,
        unknown=lambda request: None,
        version="2024-11-05",
    )
