"""All tools: every callable tool in every prompt. What the others are compared with; good for a few dozen tools."""

from collections.abc import Sequence

from agent.equipment.equipped import equip, equipped, ids_of
from agent.equipment.room import tokens_of
from agent.errors import BadAgentSettings
from agent.planner import Context
from retrieval.tool import ToolId, ToolSpec

_LEFT_FOR_WORK = 2_000
"""Tokens that must remain for the goal, a few results and an answer."""


class AllTools:
    """Every callable tool, by its id; tools that come later stand at the end."""

    @property
    def can_search(self) -> bool:
        return False

    async def tools(self, context: Context) -> list[ToolSpec]:
        """All of them.

        Raises:
            BadAgentSettings: they do not fit into the model's context.
        """
        if not context.state.equipped:
            known = await context.toolbox.tools()
            tools = [known[id_] for id_ in sorted(known)]
            _check(context, tools)
            equip(context, tools)
        return await equipped(context)

    async def search(self, context: Context, queries: Sequence[str]) -> list[ToolId]:
        """What the queries find; all is there already, so nothing is equipped."""
        return ids_of(await context.toolbox.search(list(queries), context.state.options.k))


def _check(context: Context, tools: Sequence[ToolSpec]) -> None:
    needed, room = sum(map(tokens_of(context), tools)), context.profile.context_tokens
    if needed + _LEFT_FOR_WORK > room:
        raise BadAgentSettings(
            f"all {len(tools):,} tools take about {needed:,} tokens of each prompt, and the model's context has "
            f"{room:,}: choose the equipment scalemcp or rag-mcp, or let a profile show fewer tools"
        )
