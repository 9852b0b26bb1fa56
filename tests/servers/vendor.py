"""A server whose answers have what no version of the protocol knows yet: fields, a kind of content, a bare list."""

from typing import Any

from rpc import serve, tool

ANSWERS: dict[str, dict[str, Any]] = {
    "fields": {"content": [{"type": "text", "text": "x", "x-rank": 1}], "x-vendor": {"deep": [1, None]}, "_meta": {}},
    "hologram": {"content": [{"type": "hologram", "rays": [1, 2]}]},
    "bare": {"structuredContent": [1, 2]},
}

if __name__ == "__main__":
    serve(
        "vendor", tools=lambda cursor: {"tools": [tool(name) for name in ANSWERS]}, call=lambda name, _: ANSWERS[name]
    )
