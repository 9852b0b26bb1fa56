"""`WorldToolbox`: the tools of a world as the agent sees them; every call is remembered, one is made at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.registry_toolbox import RegistryToolbox
from agent.toolbox import Standing
from mcp_registry.registry import Registry
from mcp_registry.result import ToolResult
from retrieval.tool import ToolId, ToolSpec
from rl_trainer.environments.mcp_world.task import Call, McpTask


class WorldToolbox:
    """A registry's tools without what is withheld. made: the agent's calls in their order; failed: how many of them.

    wrote: those that succeeded and were not of tools that only read. lost: what became of one nobody knows.
    """

    def __init__(self, registry: Registry, task: McpTask) -> None:
        self._tools = RegistryToolbox(registry)
        self._withheld = frozenset(task.withheld)
        self._withheld_arguments = frozenset(task.withheld_arguments)
        self._ends_with = frozenset(task.ends_with)
        self._lock = asyncio.Lock()
        self.made: list[Call] = []
        self.wrote: list[Call] = []
        self.failed = 0
        self.ended = False
        self.lost = ""

    async def search(self, queries: Sequence[str], k: int) -> list[ToolSpec]:
        found = await self._tools.search(queries, k + len(self._withheld))
        return [self._shown(tool) for tool in found if tool.tool_id not in self._withheld][:k]

    async def tools(self, ids: Sequence[ToolId] | None = None) -> dict[ToolId, ToolSpec]:
        found = await self._tools.tools(ids)
        return {id_: self._shown(tool) for id_, tool in sorted(found.items()) if id_ not in self._withheld}

    async def call(
        self, tool: ToolSpec, arguments: Mapping[str, Any], *, key: str, timeout_s: float | None
    ) -> ToolResult:
        if tool.tool_id in self._withheld:
            return ToolResult.error(f"there is no tool {tool.tool_id!r}")
        given = {name: value for name, value in arguments.items() if name not in self._withheld_arguments}
        return await self.make(Call(tool=tool.tool_id, arguments=given), tool, key=key, timeout_s=timeout_s)

    async def make(self, call: Call, tool: ToolSpec, *, key: str, timeout_s: float | None = None) -> ToolResult:
        """Make a call and remember it."""
        async with self._lock:
            result = await self._tools.call(tool, call.arguments, key=key, timeout_s=timeout_s)
            self.made.append(call)
            if result.unknown:
                self.lost = f"{call.tool}: {result.text}"
            elif result.is_error:
                self.failed += 1
            else:
                self.ended = self.ended or call.tool in self._ends_with
                if not self._tools.standing(tool).only_reads:
                    self.wrote.append(call)
        return result

    def standing(self, tool: ToolSpec) -> Standing:
        """A world is there to be changed: nobody is asked, and its words are trusted."""
        return Standing(only_reads=self._tools.standing(tool).only_reads, trusted=True)

    def _shown(self, tool: ToolSpec) -> ToolSpec:
        properties = tool.input_schema.get("properties", {})
        if not self._withheld_arguments & set(properties):
            return tool
        kept = {name: part for name, part in properties.items() if name not in self._withheld_arguments}
        required = [name for name in tool.input_schema.get("required", ()) if name in kept]
        schema = {**tool.input_schema, "properties": kept, "required": required}
        return replace(tool, input_schema=schema)
