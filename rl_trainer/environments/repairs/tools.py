"""The tools of a repair, as their server would publish them."""

from typing import Any

from retrieval.tool import ToolSpec
from rl_trainer.environments.repairs.specs import LINES

SERVER = "repairs"
_READS = {"readOnlyHint": True, "openWorldHint": False}
_WRITES = {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}


def _tool(name: str, description: str, annotations: dict[str, Any], **parts: dict[str, Any]) -> ToolSpec:
    schema = {"type": "object", "properties": parts, "required": list(parts), "additionalProperties": False}
    return ToolSpec(server=SERVER, name=name, description=description, input_schema=schema, annotations=annotations)


VIEW = _tool("view", "Shows the function, each line with its number.", _READS)
EDIT = _tool(
    "edit",
    "Replaces one line of the function; its indentation stays.",
    _WRITES,
    line={"type": "integer", "minimum": 1, "maximum": LINES, "description": "which line, from 1"},
    content={"type": "string", "description": "what is to stand there"},
)
TEST = _tool("test", "Runs the tests and says how many pass.", _READS)
SUBMIT = _tool("submit", "Hands the function in as it is, and ends the work.", _WRITES)
GIVE_UP = _tool("give_up", "Ends the work without handing anything in.", _WRITES)
TOOLS = (VIEW, EDIT, TEST, SUBMIT, GIVE_UP)
ENDS_WITH = (SUBMIT.tool_id, GIVE_UP.tool_id)
