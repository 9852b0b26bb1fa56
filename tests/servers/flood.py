"""A server that floods its stdout: `flood.py endless-line|garbage|giant|prints|notices [at-call]`.

endless-line: bytes without a newline, for ever. garbage: lines that are not JSON, for ever. giant: one answer of 64 MB.
prints: a few lines of chatter before every answer, which is harmless. notices: notifications for ever.
With `at-call` it is well behaved until its tool `flood` is called.
"""

import sys
from typing import Any

from rpc import send, serve, text, tool

MODE = sys.argv[1]
CHUNK = "x" * 65536


def flood() -> None:
    match MODE:
        case "endless-line":
            while True:
                sys.stdout.write(CHUNK)
        case "garbage":
            while True:
                sys.stdout.write("this is no message\n" * 1000)
        case "giant":
            send({"jsonrpc": "2.0", "id": 1, "result": {"content": CHUNK * 1000}})
        case "notices":
            while True:
                send({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "hi"}})


def tools(cursor: str | None) -> dict[str, Any]:
    if MODE == "prints":
        print("Listing my tools...\n\n42\n[]\nDone.", flush=True)
    return {"tools": [tool("flood"), tool("hello")]}


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    if name == "flood":
        flood()
    return text(name)


if __name__ == "__main__":
    try:
        if "at-call" not in sys.argv and MODE != "prints":
            flood()
        serve("flood", tools=tools, call=call)
    except BrokenPipeError:
        sys.exit("nobody listens any more")
