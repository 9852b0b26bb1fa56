"""The LangGraph of a run: think -> one Send for each call -> think ... The only state it carries is a cursor.

    think ──calls──> act (one task a call, side by side) ──> think
      │ └──plan────> review ──> think
      └──end

All that matters is in the journal; the checkpoint says which tasks of which step are done. A task that has to wait for
a person raises LangGraph's interrupt; it runs again when the run is resumed, and looks into the ledger first.
"""

import operator
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from agent import nodes
from agent.errors import MissingExtra
from agent.thinking import Thinking


class Cursor(TypedDict):
    """How many times the run has thought. Everything else is folded from the journal."""

    turns: Annotated[int, operator.add]


@dataclass(frozen=True)
class AtWork:
    """What LangGraph hands to each node: the run that it works for."""

    run: Thinking


def compiled(checkpointer: Any) -> Any:
    """The graph over a checkpointer; without one the cursor is kept in memory.

    Raises:
        MissingExtra: LangGraph is not installed.
    """
    try:
        from langgraph.checkpoint.memory import InMemorySaver
        from langgraph.graph import END, START, StateGraph
        from langgraph.runtime import Runtime
        from langgraph.types import Command, Send, interrupt
    except ImportError:
        raise MissingExtra("running goals", "agent") from None

    async def think(state: Cursor, runtime: Runtime[AtWork]) -> Any:
        try:
            found = await nodes.think(runtime.context.run)
        except nodes.Paused as paused:
            interrupt(paused.asked)
            return Command(goto="think", update={"turns": 1})
        if found is None:
            return Command(goto=END, update={"turns": 1})
        if not isinstance(found, tuple):
            return Command(goto="review", update={"turns": 1})
        return Command(goto=[Send("act", call.id) for call in found], update={"turns": 1})

    async def act(call_id: str, runtime: Runtime[AtWork]) -> Any:
        try:
            await nodes.act(runtime.context.run, call_id)
        except nodes.Paused as paused:
            interrupt(paused.asked)

    async def review(state: Cursor, runtime: Runtime[AtWork]) -> Any:
        plan = runtime.context.run.state.plan
        if plan is not None and plan.awaits_review:
            interrupt({"plan": True})

    graph: Any = StateGraph(Cursor, context_schema=AtWork)
    graph.add_node("think", think, destinations=("act", "review", END))
    graph.add_node("act", act)
    graph.add_node("review", review)
    graph.add_edge(START, "think")
    graph.add_edge("act", "think")
    graph.add_edge("review", "think")
    return graph.compile(checkpointer=checkpointer or InMemorySaver())
