"""ScaleMCP: the agent starts with nothing but a search, and equips itself as it goes (arXiv 2505.06416)."""

from collections.abc import Sequence

from agent.equipment.equipped import equip, equipped, found, ids_of
from agent.equipment.room import tokens_of, too_many
from agent.event import LetGo
from agent.planner import Context
from retrieval.tool import ToolId, ToolSpec


class ScaleMcp:
    """Every search reveals what it finds at the end of the prompt; nothing that stands there is moved.

    So the endpoint's prefix cache keeps. Only when the tools outgrow `Options.tool_tokens` are some let go, as many at
    once that it does not happen again soon, because each time costs the cache what stands behind them.

    A model that is marked small begins with what a search for the goal finds.
    """

    @property
    def can_search(self) -> bool:
        return True

    async def tools(self, context: Context) -> list[ToolSpec]:
        tools = await equipped(context)
        if tools or context.state.steps or not context.profile.small:
            return tools
        # A small model rarely thinks of searching: it would answer by itself.
        await self.search(context, [context.state.goal])
        return await equipped(context)

    async def search(self, context: Context, queries: Sequence[str]) -> list[ToolId]:
        shown = await found(context, queries)
        equip(context, shown, queries)
        await _make_room(context, ids_of(shown))
        return ids_of(shown)


async def _make_room(context: Context, keep: Sequence[ToolId]) -> None:
    tools = await equipped(context)
    gone = too_many(context.state, tools, tokens_of(context), keep=frozenset(keep))
    if gone:
        context.emit(LetGo(tool_ids=gone))
