"""The agent as a tool of the gateway: any MCP client can hand a whole goal over."""

import asyncio
from contextlib import suppress
from typing import Any

from agent.errors import AgentError
from agent.options import Options, Status
from agent.runs import Runs
from agent.service.limits import requested
from agent.service.openai_api import said_of
from agent.state import RunState
from mcp_registry.gateway.meta_tools import ExtraTool
from mcp_registry.result import ToolResult

_WAIT_S = 300.0

DEFINITION: dict[str, Any] = {
    "name": "run_agent",
    "title": "Run the agent",
    "description": (
        "Hand a whole goal over: the agent plans, finds tools, calls them and answers. With wait_s it comes back "
        "after that long with the run's id while the run goes on; give run_id to look again."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "goal": {"type": "string", "minLength": 1, "description": "What is to be done, in plain words"},
            "run_id": {"type": "string", "description": "In place of a goal: a run to look at again"},
            "wait_s": {
                "type": "number",
                "minimum": 0,
                "maximum": 3600,
                "default": _WAIT_S,
                "description": "Seconds to wait for the end",
            },
            "options": {"type": "object", "description": "Options of the run by name, such as planner or max_steps"},
        },
        "additionalProperties": False,
    },
    "annotations": {"readOnlyHint": False, "destructiveHint": True, "openWorldHint": True},
}


def agent_tool(runs: Runs, defaults: Options) -> ExtraTool:
    """The tool over some runs. What needs approval waits for a person on the service's page."""

    async def run(arguments: dict[str, Any]) -> ToolResult:
        try:
            return await _run(runs, defaults, arguments)
        except AgentError as error:
            return ToolResult.error(str(error))

    return ExtraTool(definition=DEFINITION, call=run)


async def _run(runs: Runs, defaults: Options, arguments: dict[str, Any]) -> ToolResult:
    goal, run_id = arguments.get("goal"), arguments.get("run_id")
    if bool(goal) == bool(run_id):
        return ToolResult.error("give either a goal, or the run_id of a run to look at")
    if run_id is None:
        run_id = await runs.start(goal or "", requested(defaults, arguments.get("options") or {}))
    with suppress(TimeoutError):
        async with asyncio.timeout(arguments.get("wait_s", _WAIT_S)):
            await runs.wait(run_id)
    return _told(run_id, await runs.state(run_id), at_work=runs.at_work(run_id))


def _told(run_id: str, state: RunState, *, at_work: bool) -> ToolResult:
    text = f"Run {run_id} is still at work: ask again with this run_id." if at_work else said_of(run_id, state)
    result: dict[str, Any] = {
        "content": [{"type": "text", "text": text}],
        "structuredContent": {"run_id": run_id, "status": state.status.value, "answer": state.answer},
    }
    if state.status.final and state.status is not Status.DONE:
        result["isError"] = True
    return ToolResult(result)
