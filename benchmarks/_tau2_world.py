"""The airline of tau2-bench as a real MCP server that outlives the agents which use it, and its tasks' solutions."""

import gzip
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from _machine import SHARED
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from agent.evaluation.counting import PrefixCounter
from agent.evaluation.world import Effect
from agent.llm import Answer, Ask, Choice, Completion, Purpose
from agent.message import Message, assistant
from retrieval.tool import ToolSpec, canonical_json

_SERVER = "tau2-airline"
_OURS = {"reset_state", "get_call_log"}
"""Tools of the evaluation, which no agent is shown."""


class Tau2:
    """The server, and those of its tasks that need two actions or more."""

    def __init__(self, client: Client, tools: dict[str, ToolSpec]) -> None:
        self._client = client
        self._tools = tools
        lines = gzip.decompress((SHARED / "worlds" / "tau2_airline_tasks.jsonl.gz").read_bytes()).splitlines()
        self._tasks = [task for line in lines if len((task := json.loads(line))["actions"]) > 1]

    async def place(self, number: int) -> "Airline":
        """A task, turn by turn, in a state of its own."""
        state_key = f"run-{number}"
        await self._client.call_tool("reset_state", {"state_key": state_key})
        return Airline(self._client, self._tools, self._tasks[number % len(self._tasks)], state_key)


class Airline:
    """One run's state of the airline. The model for it names the actions of the solution one after the other."""

    def __init__(self, client: Client, tools: dict[str, ToolSpec], task: dict[str, Any], state_key: str) -> None:
        self._client = client
        self._state_key = state_key
        self._counter = PrefixCounter()
        self._solution = [(action["name"], action["arguments"]) for action in task["actions"]]
        told = task["scenario"]["instructions"]
        self.goal = f"{told['reason_for_call']} {told['known_info']}"
        self.tools = tools
        self.effects: list[Effect] = []
        self.calls = 0

    async def call(self, tool: str, arguments: dict[str, Any], key: str) -> Mapping[str, Any]:
        self.calls += 1
        result = await self._client.call_tool(tool, {**arguments, "state_key": self._state_key})
        if not result.is_error:
            self.effects.append(Effect(key=key, tool=tool, arguments=arguments))
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)

    async def sample(self, messages: list[Message], ask: Ask) -> Answer:
        left = [{"tool": f"{_SERVER}/{tool}", "arguments": given} for tool, given in self._solution[self.calls :]]
        match ask.purpose:
            case Purpose.PLAN:
                said = json.dumps({"steps": left})
            case Purpose.ACT:
                said = json.dumps(left[0] if left else {"answer": "Done."})
            case Purpose.DECIDE if isinstance(ask.shape, Choice):
                labels = [option.label for option in ask.shape.options]
                said = labels[0] if left or "END" not in labels else "END"
            case _:
                said = "Done."
        texts = [said] * ask.n
        completions = tuple(Completion(message=assistant(text)) for text in texts)
        return Answer(completions=completions, usage=self._counter.usage(messages, texts), model="solution")

    async def reached(self) -> bool:
        return [(effect.tool, effect.arguments) for effect in self.effects] == self._solution

    async def explained(self) -> bool:
        """Whether the server's own log has each call that was sent, once and in its order."""
        result = await self._client.call_tool("get_call_log", {"state_key": self._state_key})
        logged = [each["tau2_tool_call"] for each in (result.structured_content or {})["calls"]]
        mine = [canonical_json([effect.tool, effect.arguments]) for effect in self.effects]
        return [canonical_json([each["name"], each["arguments"]]) for each in logged] == mine


@asynccontextmanager
async def open_tau2(program: Path) -> AsyncGenerator[Tau2]:
    """The server, started over stdio; it ends with the block."""
    async with Client(stdio_client(StdioServerParameters(command=str(program)))) as client:
        listed = (await client.list_tools()).tools
        specs = {
            tool.name: ToolSpec(
                server=_SERVER,
                name=tool.name,
                description=tool.description or "",
                input_schema=_without_state_key(tool.input_schema),
            )
            for tool in listed
            if tool.name not in _OURS
        }
        yield Tau2(client, specs)


def _without_state_key(schema: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: part for name, part in schema["properties"].items() if name != "state_key"}
    return {**schema, "properties": kept}
