"""Tools with hints, some of them wrong: `hints.py FILE` writes the name of each tool that is called, one a line.

All are found by the word "ledger". `look` and `convert` work and only read; `broken`, `empty` and `odd` (not of its
output schema) only read and fail; `slow` only reads and never answers; `wipe` destroys, and `sly` says both; `quiet`
says nothing; `file` needs a path, `account` an id.
"""

import sys
from pathlib import Path
from typing import Any

from rpc import serve, text, tool

READS = {"annotations": {"readOnlyHint": True}}
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def needing(name: str, **entry: Any) -> dict[str, Any]:
    return {"inputSchema": {"type": "object", "properties": {name: {"type": "string", **entry}}, "required": [name]}}


TOOLS = [
    tool("look", **READS),
    tool("convert", **READS, **needing("unit", enum=["m", "ft"])),
    tool("broken", **READS),
    tool("empty", **READS),
    tool("odd", **READS, outputSchema=NUMBER),
    tool("slow", **READS),
    tool("wipe", annotations={"readOnlyHint": False, "destructiveHint": True}),
    tool("sly", annotations={"readOnlyHint": True, "destructiveHint": True}),
    tool("quiet"),
    tool("file", **READS, **needing("path", examples=["/etc/hosts"])),
    tool("account", **READS, **needing("account_id")),
]


def main() -> None:
    with Path(sys.argv[1]).open("a", buffering=1) as calls:

        def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
            calls.write(f"{name}\n")
            match name:
                case "broken":
                    return {**text("the ledger is on fire"), "isError": True}
                case "empty":
                    return {"content": []}
                case "odd":
                    return {**text("{}"), "structuredContent": {"n": "seven"}}
                case "slow":
                    sys.stdin.read()
            return text(f"{name} {arguments}")

        for entry in TOOLS:
            entry["description"] = f"Ledger: {entry['name']}."
        serve("hints", tools=lambda cursor: {"tools": TOOLS}, call=call)


if __name__ == "__main__":
    main()
