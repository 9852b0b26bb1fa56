"""A server with a listing of several pages: `paged.py [three|repeating|endless|broken]`.

three: pages of 2, 2 and 1 tools. repeating: the second page points to itself. endless: every page has a new cursor.
broken: the second page has no list of tools.
"""

import sys
from typing import Any

from rpc import serve, tool

PAGES = [["a", "b"], ["c", "d"], ["e"]]


def three(cursor: str | None) -> dict[str, Any]:
    number = int(cursor or 0)
    page: dict[str, Any] = {"tools": [tool(name) for name in PAGES[number]]}
    if number + 1 < len(PAGES):
        page["nextCursor"] = str(number + 1)
    return page


def repeating(cursor: str | None) -> dict[str, Any]:
    return {"tools": [tool("a")], "nextCursor": "again"}


def endless(cursor: str | None) -> dict[str, Any]:
    number = int(cursor or 0)
    return {"tools": [tool(f"tool_{number}")], "nextCursor": str(number + 1)}


def broken(cursor: str | None) -> dict[str, Any]:
    return {"tools": {"not": "a list"}} if cursor else {"tools": [tool("a")], "nextCursor": "1"}


if __name__ == "__main__":
    mode = sys.argv[1] if len(sys.argv) > 1 else "three"
    serve("paged", tools={"three": three, "repeating": repeating, "endless": endless, "broken": broken}[mode])
