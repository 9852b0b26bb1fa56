"""`SweToolbox`: the scaffold's tools for the agent in this process; the same that the server publishes."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from agent.toolbox import Standing
from mcp_registry.arguments import ArgumentCheck, WrongArguments
from mcp_registry.result import ToolResult
from retrieval.tool import ToolId, ToolSpec
from rl_trainer.environments.swe.scaffold import Scaffold
from rl_trainer.environments.swe.tools import TOOLS

_BY_ID = {tool.tool_id: tool for tool in TOOLS}
_CHECKS = {tool.name: ArgumentCheck(tool.input_schema) for tool in TOOLS}


class SweToolbox:
    """A `Toolbox` over one scaffold. One action at a time, in the order in which they arrive."""

    def __init__(self, scaffold: Scaffold) -> None:
        self._scaffold = scaffold
        self._turn = asyncio.Lock()

    async def search(self, queries: Sequence[str], k: int) -> list[ToolSpec]:
        """The tools that share most words with the queries; there are a dozen, so all of them can be shown."""
        asked = {word for query in queries for word in query.lower().split()}
        ranked = sorted(TOOLS, key=lambda tool: -len(asked & set(f"{tool.name} {tool.description}".lower().split())))
        return ranked[:k]

    async def tools(self, ids: Sequence[ToolId] | None = None) -> dict[ToolId, ToolSpec]:
        return {id_: _BY_ID[id_] for id_ in (_BY_ID if ids is None else ids) if id_ in _BY_ID}

    async def call(
        self, tool: ToolSpec, arguments: Mapping[str, Any], *, key: str, timeout_s: float | None
    ) -> ToolResult:
        """The action's answer. The sandbox has limits of its own, so the caller's deadline is not needed.

        Raises:
            WorldFailed: the sandbox broke, or wall time passed: nothing that the agent could mend.
        """
        del key, timeout_s
        return await self.act(tool.name, arguments)

    async def act(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Check the arguments against the tool's schema, then do the action."""
        if name not in _CHECKS:
            return ToolResult.error(f"there is no tool {name!r}; there are {', '.join(_CHECKS)}")
        try:
            fitting = _CHECKS[name].fit(arguments)
        except WrongArguments as error:
            return ToolResult.error(f"wrong arguments for {name!r}:\n{error}")
        async with self._turn:
            told = await self._scaffold.act(name, fitting)
        if told.error:
            return ToolResult.error(told.text)
        return ToolResult({"content": [{"type": "text", "text": told.text}]})

    def standing(self, tool: ToolSpec) -> Standing:
        return Standing(only_reads=tool.read_only, trusted=True)
