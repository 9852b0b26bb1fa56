"""A server that dies: `dies.py at-start [CODE]` says so on stderr; `dies.py probed` on a method that it does not know,
as some servers do before the handshake; `dies.py after N` in the middle of call N + 1.
"""

import os
import signal
import sys
from typing import Any

from rpc import serve, text, tool

calls = 0


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    global calls
    calls += 1
    if calls > int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return text(f"call {calls}")


def die(request: dict[str, Any]) -> None:
    sys.exit(f"panic: unknown method {request['method']}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["at-start", *code]:
            print("fatal: the database is on fire", file=sys.stderr)
            sys.exit(int(code[0]) if code else 3)
        case ["probed"]:
            serve("dies", tools=lambda cursor: {"tools": [tool("hello")]}, unknown=die)
        case _:
            serve("dies", tools=lambda cursor: {"tools": [tool("count")]}, call=call)
