"""RAG-MCP: the tools that fit the goal are retrieved before the model is asked anything (arXiv 2505.03275)."""

from collections.abc import Sequence

from agent.equipment.equipped import equip, equipped, found, ids_of
from agent.planner import Context
from retrieval.tool import ToolId, ToolSpec


class RagMcp:
    """The k best tools for the goal, once, in one prompt that never changes its beginning."""

    def __init__(self, *, can_search: bool = False) -> None:
        self._can_search = can_search

    @property
    def can_search(self) -> bool:
        return self._can_search

    async def tools(self, context: Context) -> list[ToolSpec]:
        if not context.state.equipped and (shown := await found(context, [context.state.goal])):
            equip(context, shown, [context.state.goal])
        return await equipped(context)

    async def search(self, context: Context, queries: Sequence[str]) -> list[ToolId]:
        """What the queries find beside; a planner may ask, the model only where it may search."""
        shown = await found(context, queries)
        equip(context, shown, queries)
        return ids_of(shown)
