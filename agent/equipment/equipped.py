"""The tools that a run has been given, brought up to date and added to."""

from collections.abc import Sequence

from agent.equipment.room import fitting, tokens_of
from agent.event import Equipped, LetGo
from agent.planner import Context
from retrieval.tool import ToolId, ToolSpec

_MOST_QUERIES = 8


async def equipped(context: Context) -> list[ToolSpec]:
    """The revealed tools in the order of their reveal; those that are not there any more are let go."""
    ids = context.state.equipped
    known = await context.toolbox.tools(ids) if ids else {}
    gone = tuple(id_ for id_ in ids if id_ not in known)
    if gone:
        context.emit(LetGo(tool_ids=gone))
    return [known[id_] for id_ in ids if id_ in known]


def equip(context: Context, tools: Sequence[ToolSpec], queries: Sequence[str] = ()) -> None:
    """Reveal the tools that are not revealed yet; the event also says what was asked for in vain."""
    new = tuple(dict.fromkeys(tool.tool_id for tool in tools if tool.tool_id not in context.state.equipped))
    if new or queries:
        context.emit(Equipped(tool_ids=new, queries=tuple(queries)))


def ids_of(tools: Sequence[ToolSpec]) -> list[ToolId]:
    return [tool.tool_id for tool in tools]


async def found(context: Context, queries: Sequence[str]) -> list[ToolSpec]:
    """What the queries find together, best first: k tools a query, as many as the tools' budget holds.

    A small model gets k in all, so that its prompt stays short.
    """
    asked = [query for query in queries if query.strip()][:_MOST_QUERIES]
    if not asked:
        return []
    options = context.state.options
    k = options.k if context.profile.small else options.k * len(asked)
    hits = await context.toolbox.search(asked, k)
    return fitting(hits, options.tool_tokens, tokens_of(context))
