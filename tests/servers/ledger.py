"""A server with effects that outlive every process: `ledger.py FILE` appends what is written, one JSON a line.

`read` reads, `note` writes. `slow` writes too, but answers only when FILE.go is there: whoever waits can be killed
between the effect and the answer. A call's id (`_meta`) stands with what it wrote.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from rpc import answer, refuse, text, tool, welcome

TEXT = {"inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}
TOOLS = {
    "tools": [
        tool("read", description="Read the ledger", annotations={"readOnlyHint": True}),
        tool("note", description="Note a text in the ledger", **TEXT),
        tool("slow", description="Note a text in the ledger slowly", **TEXT),
    ]
}
_WAIT_S = 30.0


def main() -> None:
    file = Path(sys.argv[1])
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        params = request.get("params", {})
        match request.get("method"):
            case "initialize":
                answer(request, welcome("ledger"))
            case "ping":
                answer(request, {})
            case "tools/list":
                answer(request, TOOLS)
            case "tools/call" if params["name"] == "read":
                answer(request, text(file.read_text("utf-8") if file.exists() else "nothing"))
            case "tools/call":
                note(file, params)
                if params["name"] == "slow":
                    wait_for(file.with_suffix(".go"))
                answer(request, text("noted"))
            case _ if "id" in request:
                refuse(request, -32601, "Method not found")


def note(file: Path, params: dict[str, Any]) -> None:
    entry = {"text": params["arguments"]["text"], "call": params.get("_meta", {}).get("quartermaster/call")}
    with file.open("a", encoding="utf-8") as ledger:
        ledger.write(json.dumps(entry) + "\n")


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.01)


if __name__ == "__main__":
    main()
