"""`RegistryToolbox`: the tools of a registry, through its one policy check, for runs of the agent."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from agent.toolbox import Standing
from mcp_registry.registry import Registry
from mcp_registry.result import ToolResult
from retrieval.tool import ToolId, ToolSpec

KEY = "quartermaster/call"
"""The `_meta` key under which a server is told the call's id: the same for every attempt at one call."""


class RegistryToolbox:
    """Searches, describes and calls what the registry has; only tools with a server that can be started."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def search(self, queries: Sequence[str], k: int) -> list[ToolSpec]:
        # Definitions without a server behind them are of no use here, and may stand among the best.
        found = await self._registry.search(list(queries), 2 * k)
        startable = await self._registry.startable()
        return [tool for _, tool in found if tool.server in startable][:k]

    async def tools(self, ids: Sequence[ToolId] | None = None) -> dict[ToolId, ToolSpec]:
        if ids is not None:
            return await self._registry.tools(ids)
        startable = await self._registry.startable()
        known = await asyncio.to_thread(self._registry.catalogue.fingerprints)
        return await self._registry.tools([id_ for id_ in known if id_.partition("/")[0] in startable])

    async def call(
        self, tool: ToolSpec, arguments: Mapping[str, Any], *, key: str, timeout_s: float | None
    ) -> ToolResult:
        return await self._registry.call(
            tool.tool_id, dict(arguments), timeout_s=timeout_s, meta={KEY: key}, approved=True
        )

    def standing(self, tool: ToolSpec) -> Standing:
        return Standing(
            decision=self._registry.decide(tool),
            only_reads=self._registry.only_reads(tool),
            trusted=self._registry.trusts(tool.server),
        )
