"""RAG-MCP: the tools that fit the goal are retrieved before the model is asked anything (arXiv 2505.03275)."""

from collections.abc import Sequence

from agent.equipment.equipped import equip, equipped, ids_of
from agent.equipment.room import fitting, tokens_of
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
        if not context.state.equipped and (found := await _found(context, [context.state.goal])):
            equip(context, found, [context.state.goal])
        return await equipped(context)

    async def search(self, context: Context, queries: Sequence[str]) -> list[ToolId]:
        """What the queries find beside; a planner may ask, the model only where it may search."""
        found = await _found(context, queries)
        equip(context, found, queries)
        return ids_of(found)


async def _found(context: Context, queries: Sequence[str]) -> list[ToolSpec]:
    options = context.state.options
    found = await context.toolbox.search(list(queries), options.k * max(1, len(queries)))
    return fitting(found, options.tool_tokens, tokens_of(context))
