"""Which tools are let go when they outgrow their part of the prompt."""

from collections.abc import Callable, Sequence
from itertools import accumulate

from agent.planner import Context
from agent.state import RunState
from agent.tokens import count_tokens
from agent.tool_cards import card
from retrieval.tool import ToolId, ToolSpec, canonical_json

TokensOf = Callable[[ToolSpec], int]

_PERCENT_KEPT = 70
"""Of the budget. Each time that tools are let go, the cache of the prompt behind them is lost: so seldom, and many."""


def tokens_of(context: Context) -> TokensOf:
    """What a tool takes in this model's prompts, estimated: as a card, or as its definition for native tool calls."""
    native = context.profile.tool_calls and not context.profile.small
    return (lambda tool: count_tokens(canonical_json(tool.published))) if native else card_tokens


def card_tokens(tool: ToolSpec) -> int:
    return count_tokens(card(tool)) + 1


def fitting(found: Sequence[ToolSpec], budget: int, tokens: TokensOf) -> list[ToolSpec]:
    """As many of the best as fit into the budget; always the first."""
    sizes = accumulate(map(tokens, found))
    return [tool for place, (tool, size) in enumerate(zip(found, sizes, strict=True)) if place == 0 or size <= budget]


def too_many(
    state: RunState, tools: Sequence[ToolSpec], tokens: TokensOf, *, keep: frozenset[ToolId]
) -> tuple[ToolId, ...]:
    """The tools to let go: none while all fit; else those least recently of use, until 70 % of the budget is taken.

    `keep` (what was just found) stays, and what pending calls and plans that may still be followed need. Tools that
    were called stay too, unless the budget cannot be kept without them. Of those found together, the worst go first.
    """
    sizes = {tool.tool_id: tokens(tool) for tool in tools}
    budget, total = state.options.tool_tokens, sum(sizes.values())
    if total <= budget:
        return ()
    held = keep | {call.tool_id for call in state.pending} | _planned(state)
    last_call = {step.call.tool_id: place for place, step in enumerate(state.steps)}
    order = {id_: place for place, id_ in enumerate(sizes)}

    def turn(id_: ToolId) -> tuple[bool, int, int]:
        revealed = state.equipped_at.get(id_, 0)
        return id_ in last_call, max(revealed, last_call.get(id_, 0)), -order[id_]

    gone: list[ToolId] = []
    for id_ in sorted((id_ for id_ in sizes if id_ not in held), key=turn):
        if total <= (budget if id_ in last_call else budget * _PERCENT_KEPT // 100):
            break
        gone.append(id_)
        total -= sizes[id_]
    return tuple(gone)


def _planned(state: RunState) -> frozenset[ToolId]:
    """The tools of the plan tree below the place where the run stands."""
    found: set[ToolId] = set()
    rest = [state.plan.here] if state.plan else []
    while rest:
        node = rest.pop()
        found |= {node.action.tool_id} if node.action else set()
        rest += node.open_children
    return frozenset(found)
