"""A good server of the handshake era that writes down everything it is sent: `recorder.py FILE`, one message a line.

It answers `hang` only after that call was cancelled, that is too late; anything else at once, with its process id.
"""

import json
import os
import sys
from pathlib import Path

from rpc import answer, refuse, text, tool, welcome

TOOLS = {"tools": [tool("hang"), tool("hello")]}


def main() -> None:
    hanging = {}
    with Path(sys.argv[1]).open("a", buffering=1) as record:
        for line in sys.stdin:
            record.write(line)
            request = json.loads(line)
            match request:
                case {"method": "initialize"}:
                    answer(request, welcome("recorder"))
                case {"method": "tools/list"}:
                    answer(request, TOOLS)
                case {"method": "tools/call", "params": {"name": "hang"}}:
                    hanging[request["id"]] = request
                case {"method": "tools/call"}:
                    answer(request, text(str(os.getpid())))
                case {"method": "notifications/cancelled"}:
                    answer(hanging.pop(request["params"]["requestId"]), text("too late"))
                case {"id": _}:
                    refuse(request, -32601, "Method not found")


if __name__ == "__main__":
    main()
