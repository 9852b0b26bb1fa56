"""A server whose state is a file: `notes.py [FILE]` keeps notes.json in its working folder, or FILE elsewhere.

`list` reads, `add` and `remove` write, `roll` adds what no other process would, `vanish` writes and dies unanswered.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from rpc import answer, refuse, text, tool, welcome

TEXT = {"inputSchema": {"type": "object", "properties": {"text": {"type": "string"}, "owner": {"type": "string"}}}}
NUMBER = {"inputSchema": {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}}
READS = {"annotations": {"readOnlyHint": True}}
TOOLS = {
    "tools": [
        tool("list", description="List the notes", **READS),
        tool("add", description="Add a note", **TEXT),
        tool("remove", description="Remove the note of this number", **NUMBER),
        tool("finish", description="Say that all is done", **READS),
        tool("roll", description="Add a note with a number of chance"),
        tool("vanish", description="Add a note and die"),
    ]
}


def main() -> None:
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "notes.json")
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        params = request.get("params", {})
        match request.get("method"):
            case "initialize":
                answer(request, welcome("notes"))
            case "ping":
                answer(request, {})
            case "tools/list":
                answer(request, TOOLS)
            case "tools/call":
                answer(request, called(file, params["name"], params.get("arguments") or {}))
            case _ if "id" in request:
                refuse(request, -32601, "Method not found")


def called(file: Path, name: str, given: dict[str, Any]) -> Any:
    state = json.loads(file.read_text("utf-8")) if file.exists() else {"notes": [], "calls": 0}
    notes: list[str] = state["notes"]
    state["calls"] += 1
    match name:
        case "add":
            notes.append(f"{given['text']}{given.get('owner', '')}")
        case "remove" if 0 <= given["number"] < len(notes):
            del notes[given["number"]]
        case "remove":
            return {**text("there is no such note"), "isError": True}
        case "roll":
            notes.append(os.urandom(8).hex())
        case "vanish":
            notes.append("gone")
        case _:
            pass
    file.write_text(json.dumps(state), "utf-8")
    if name == "vanish":
        os._exit(1)
    return text(json.dumps(notes))


if __name__ == "__main__":
    main()
