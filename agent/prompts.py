"""What the model is told before each action. Texts only ever grow at their end, so that prefixes stay cached."""

from collections.abc import Sequence

from agent.call import Outcome, Step
from agent.equipment import reveals
from agent.fence import FENCE_RULE, fenced
from agent.message import Message, ToolCall, assistant, system, user
from agent.planner import Context
from agent.tool_cards import cards
from retrieval.tool import ToolSpec, canonical_json

RULES = (
    "You reach the user's goal with tools. Take one action at a time and look at what came of it before the next. "
    "Use only facts that the user or a tool has given. When the goal is reached, answer the user; when it cannot be "
    "reached, say why."
)
ENDING_RULES = (
    "You reach the user's goal with tools. Every answer is one call of a tool; look at what came of it before the "
    "next. Use only facts that the user or a tool has given. Nobody reads plain text: the goal is reached, or given "
    "up, by a call of "
)
"""In place of `RULES` where some tools end the run; their names follow."""
REPORT_RULES = (
    "You tell the user what came of a goal that was pursued with tools. Answer the goal itself first, in one or two "
    "plain sentences with the facts that were found. Use only facts that the user or a tool has given; say what "
    "failed or is missing."
)
TOOLS, TOOLS_FOUND = "Tools:", "Tools, those that seem to fit best first:"
SEARCHING = "When none of the tools fits, search for others in plain words."
JSON_FORM = (
    'An action is one JSON object: {"tool": "server/name", "arguments": {...}} to call a tool, '
    '{"answer": "..."} to answer the user.'
)
SEARCH_FORM = ' {"search": ["what the tool should do", ...]} finds other tools.'

_NOT_DONE = {
    Outcome.FAILED: "it failed",
    Outcome.REFUSED: "it was refused and did not run",
    Outcome.UNKNOWN: "nobody knows whether it ran; check before you call it again",
}


def briefing(context: Context, tools: Sequence[ToolSpec] = ()) -> list[Message]:
    """Rules, tools, goal, memory, and the steps that memory does not have; later tools stand where they were revealed.

    An endpoint with tool calls of its own is offered the tools beside the messages, so they are not listed here.
    """
    native = is_native(context)
    searching = context.equipment.can_search
    rules = [
        _rules(context.state.options.ends_with),
        *([SEARCHING] if searching else []),
        *([] if native else [form(searching)]),
        FENCE_RULE,
    ]
    placed = {} if native else reveals(context.state, tools)
    ranked = bool(context.state.equipped)
    messages = [
        system("\n".join(rules)),
        *listed(placed.pop(0, []), ranked=ranked),
        user(f"Goal: {context.state.goal}"),
    ]
    messages += context.memory.shown(context.state)
    for number, step in enumerate(context.state.raw_steps):
        messages += listed(placed.pop(number, []), ranked=ranked)
        messages += context.told(step)
    for late in placed.values():
        messages += listed(late, ranked=ranked)
    return messages


def _rules(ends_with: Sequence[str]) -> str:
    return f"{ENDING_RULES}{' or '.join(ends_with)}." if ends_with else RULES


def report(context: Context, told: str) -> list[Message]:
    """Memory and steps for whoever is to speak about them, the goal and what is wanted last.

    Nothing in it looks like an action to be written.
    """
    messages = [system(f"{REPORT_RULES}\n{FENCE_RULE}"), *context.memory.shown(context.state)]
    for step in context.state.raw_steps:
        called = f"{step.call.tool_id} was called with {canonical_json(step.call.arguments)}."
        messages.append(user(f"{called}\n{observed(step)}", untrusted=step.untrusted))
    return [*messages, user(f"{context.state.goal}\n\n{told}")]


def listed(tools: Sequence[ToolSpec], *, ranked: bool) -> list[Message]:
    """The tools' cards; `ranked` where a search has found them, so that their order says something."""
    return [user(f"{TOOLS_FOUND if ranked else TOOLS}\n{cards(tools)}")] if tools else []


def is_native(context: Context) -> bool:
    """Whether the endpoint's own tool calls are used; a small model is held to JSON instead."""
    return context.profile.tool_calls and not context.profile.small


def form(searching: bool) -> str:
    return JSON_FORM + (SEARCH_FORM if searching else "")


def told(step: Step, *, native: bool) -> list[Message]:
    """A step as the model's own words and what came of them."""
    call = step.call
    if native:
        asked = Message(
            role="assistant",
            content=call.said,
            tool_calls=(ToolCall(id=call.id, name=call.tool_id, arguments=call.arguments),),
        )
        return [
            asked,
            Message(role="tool", content=observed(step), tool_call_id=call.id, untrusted=step.untrusted),
        ]
    return [
        assistant(call.said or canonical_json({"tool": call.tool_id, "arguments": call.arguments})),
        user(observed(step), untrusted=step.untrusted),
    ]


def observed(step: Step) -> str:
    """What came of a call; the tool's own text stands inside a fence."""
    text = fenced(step.text, step.call.tool_id)
    return text if step.ok else f"The call did not succeed: {_NOT_DONE[step.outcome]}.\n{text}"
