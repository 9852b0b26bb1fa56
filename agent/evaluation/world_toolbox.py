"""`WorldToolbox`: a world as the tools of a run."""

from collections.abc import Mapping, Sequence
from typing import Any

from agent.evaluation.world import World
from agent.toolbox import Standing
from mcp_registry.policy import Decision
from mcp_registry.result import ToolResult
from retrieval.tool import ToolId, ToolSpec


class WorldToolbox:
    """An `agent.toolbox.Toolbox`. `ask`: tools that a person is asked about. `trust` vouches for what it says.

    others: tools that are found and listed too and do nothing, as a person's other servers are.
    """

    def __init__(
        self,
        world: World[Any],
        *,
        ask: frozenset[str] = frozenset(),
        trust: bool = True,
        others: Sequence[ToolSpec] = (),
    ) -> None:
        self.world = world
        self._ask = ask
        self._trust = trust
        own = [tool.spec for tool in world.tools.values()]
        self._specs = {spec.tool_id: spec for spec in (*own, *others)}

    async def search(self, queries: Sequence[str], k: int) -> list[ToolSpec]:
        """The tools with most words of the queries in their names and descriptions; the world's order where equal."""
        wanted = {word for query in queries for word in _words(query)}
        specs = list(self._specs.values())
        return sorted(specs, key=lambda spec: -len(wanted & set(_words(f"{spec.name} {spec.description}"))))[:k]

    async def tools(self, ids: Sequence[ToolId] | None = None) -> dict[ToolId, ToolSpec]:
        return dict(self._specs) if ids is None else {id_: self._specs[id_] for id_ in ids if id_ in self._specs}

    async def call(
        self, tool: ToolSpec, arguments: Mapping[str, Any], *, key: str, timeout_s: float | None
    ) -> ToolResult:
        del timeout_s  # a simulation answers at once
        if tool.server != self.world.name:
            return ToolResult.error(f"{tool.tool_id} has nothing to do here")
        return self.world.call(tool.name, arguments, key=key)

    def standing(self, tool: ToolSpec) -> Standing:
        return Standing(decision=Decision.ASK if tool.name in self._ask else Decision.ALLOW, trusted=self._trust)


def _words(text: str) -> list[str]:
    return text.lower().replace("_", " ").replace(".", " ").replace(",", " ").split()
