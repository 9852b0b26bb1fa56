"""The tools of the scaffold (after arXiv 2508.03501 and SWE-agent), as definitions."""

from typing import Any

from retrieval.tool import ToolSpec

SERVER = "swe"
_PATH = {"type": "string", "minLength": 1, "description": "Relative to the current directory"}
_OPEN_FILE = {"type": "string", "minLength": 1, "description": "Another file than the open one"}


def _tool(
    name: str, description: str, properties: dict[str, Any], required: tuple[str, ...] = (), *, reads: bool = False
) -> ToolSpec:
    return ToolSpec(
        server=SERVER,
        name=name,
        description=description,
        input_schema={
            "type": "object",
            "properties": properties,
            "required": list(required),
            "additionalProperties": False,
        },
        annotations={"readOnlyHint": reads, "destructiveHint": False, "openWorldHint": False},
    )


def _integer(description: str, minimum: int = 1) -> dict[str, Any]:
    return {"type": "integer", "minimum": minimum, "description": description}


def _text(description: str, *, empty: bool = True) -> dict[str, Any]:
    return {"type": "string", "description": description} | ({} if empty else {"minLength": 1})


TOOLS: tuple[ToolSpec, ...] = (
    _tool(
        "shell",
        "Run a shell command, e.g. the tests. There is no network. Interactive programs do not work.",
        {"command": _text("One command line or several", empty=False)},
        ("command",),
    ),
    _tool(
        "open",
        "Open a file and show a window of it.",
        {"path": _PATH, "line": _integer("The line to show in the middle")},
        ("path",),
        reads=True,
    ),
    _tool("goto", "Show the open file around a line.", {"line": _integer("The line")}, ("line",), reads=True),
    _tool("scroll_up", "Show the lines above those shown.", {}, reads=True),
    _tool("scroll_down", "Show the lines below those shown.", {}, reads=True),
    _tool(
        "create",
        "Create a new file and open it.",
        {"path": _PATH, "content": _text("All of the file")},
        ("path",),
    ),
    _tool(
        "edit",
        "Replace lines start to end (both included) of the open file. end = start - 1 inserts before start.",
        {
            "start": _integer("The first line"),
            "end": _integer("The last line", 0),
            "text": _text("The new lines, with their indentation; empty deletes"),
            "path": _OPEN_FILE,
        },
        ("start", "end", "text"),
    ),
    _tool(
        "replace",
        "Replace a text that occurs once in the open file by another.",
        {
            "old": _text("Exactly as it stands in the file", empty=False),
            "new": _text("What stands there afterwards"),
            "replace_all": {"type": "boolean", "default": False, "description": "Wherever it occurs"},
            "path": _OPEN_FILE,
        },
        ("old", "new"),
    ),
    _tool(
        "search_file",
        "Find a text in the open file.",
        {"text": _text("Plain text, not a pattern", empty=False), "path": _OPEN_FILE},
        ("text",),
        reads=True,
    ),
    _tool(
        "search_dir",
        "Find a text in all files under a directory.",
        {"text": _text("Plain text, not a pattern", empty=False), "path": _text("The directory", empty=False)},
        ("text",),
        reads=True,
    ),
    _tool("submit", "Hand in the repository as it stands. This ends the task; run the tests before.", {}),
    _tool(
        "give_up",
        "End the task without handing anything in.",
        {"reason": _text("Why it cannot be done", empty=False)},
        ("reason",),
    ),
)
ENDS_WITH: tuple[str, ...] = (f"{SERVER}/submit", f"{SERVER}/give_up")
