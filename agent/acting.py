"""Asks the model for its next action: calls of tools, a search for others, or what it has to say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.action_schema import action_schema
from agent.llm import Answer, Ask, JsonShape, Purpose
from agent.message import Message, ToolCall, assistant, user
from agent.planner import Context
from mcp_registry.arguments import ArgumentCheck, WrongArguments
from retrieval.chat import json_in
from retrieval.errors import AnswerUnusable
from retrieval.tool import ToolId, ToolSpec, canonical_json

_MOST_TOKENS, _MOST_OF_A_SMALL_ONE = 2_048, 256

SEARCH = ToolSpec(
    server="agent",
    name="search_tools",
    description="Find other tools by what they do, in plain words. Several queries may be asked at once.",
    input_schema={
        "type": "object",
        "properties": {"queries": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
        "required": ["queries"],
    },
    annotations={"readOnlyHint": True},
)
"""What a model with tool calls of its own is offered for searching."""


@dataclass(frozen=True, slots=True)
class Calls:
    """These tools, with arguments that fit their schemas. said: what a model that made just one call said with it."""

    calls: tuple[tuple[ToolId, dict[str, Any]], ...]
    said: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """Other tools are wanted."""

    queries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Say:
    """The model answers the person."""

    text: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """What the model said is no action, also after it was told why."""

    reason: str


Action = Calls | Search | Say | Unusable


async def propose(
    context: Context, messages: Sequence[Message], tools: Sequence[ToolSpec], *, can_search: bool | None = None
) -> Action:
    """The model's next action after these messages; a wrong one is told what is wrong (`Options.wrong_actions`).

    An endpoint with tool calls of its own is given the tools so; any other is held to JSON of one of these forms:
    {"tool": id, "arguments": {...}}, {"search": [query, ...]}, {"answer": text}.
    """
    searching = context.equipment.can_search if can_search is None else can_search
    known = {tool.tool_id: tool for tool in tools}
    native = context.profile.tool_calls and not context.profile.small
    ask = _ask(context, tools, native=native, can_search=searching)
    options = context.state.options
    for left in range(options.wrong_actions, -1, -1):
        answer = await context.sample(messages, ask)
        action = _ending(_read(answer, known), options.ends_with)
        if not isinstance(action, Unusable) or left == 0:
            return action
        told = user(f"That cannot be done: {action.reason}\nGive one valid action.")
        messages = [*messages, as_said(answer.completions[0].message), told]
    raise AssertionError("the last of them returns")


def _ending(action: Action, ends_with: Sequence[ToolId]) -> Action:
    """Where tools end the run, saying something is no action."""
    if isinstance(action, Say) and ends_with:
        return Unusable(f"plain text does nothing here: every answer is one call of a tool; end with {ends_with[0]}")
    return action


def as_said(message: Message) -> Message:
    """What the model said, as a message that any endpoint takes: calls that were never made have no answers."""
    calls = [canonical_json({"tool": call.name, "arguments": call.arguments}) for call in message.tool_calls]
    return assistant("\n".join([message.content, *calls] if message.content or not calls else calls))


def _ask(context: Context, tools: Sequence[ToolSpec], *, native: bool, can_search: bool) -> Ask:
    if native:
        offered = (*tools, SEARCH) if can_search else tuple(tools)
        return Ask(purpose=Purpose.ACT, tools=offered, seed=context.state.options.seed)
    shape = JsonShape(schema=action_schema(tools, can_search=can_search, can_finish=True), name="action")
    # A small model that has begun to repeat itself goes on until it is stopped.
    most = _MOST_OF_A_SMALL_ONE if context.profile.small else _MOST_TOKENS
    return Ask(purpose=Purpose.ACT, shape=shape, max_tokens=most, seed=context.state.options.seed)


def _read(answer: Answer, known: Mapping[ToolId, ToolSpec]) -> Action:
    if answer.completions[0].fault:
        return Unusable(answer.completions[0].fault)
    if answer.completions[0].finish == "length":
        return Unusable("the answer was too long, and was cut off: be brief")
    message = answer.completions[0].message
    if message.tool_calls:
        return _with_words(_called(message.tool_calls, known), message.content)
    try:
        said = json_in(message.content)
    except AnswerUnusable:
        # Without JSON in it, it is what a model says when it is done.
        return Say(message.content.strip()) if message.content.strip() else Unusable("the answer is empty")
    match said:
        case {"answer": str(text)}:
            return Say(text)
        case {"search": [*queries]} if queries and all(isinstance(query, str) for query in queries):
            return Search(tuple(map(str, queries)))
        case {"tool": str(name), **rest}:
            called = _called([ToolCall(id="", name=name, arguments=_object(rest.get("arguments")))], known)
            return _with_words(called, message.content)
        case _:
            return Say(message.content.strip())


def _with_words(action: Action, said: str) -> Action:
    """The action with the model's own words, which its history shows it verbatim: caches and trainers know them."""
    if isinstance(action, Calls) and len(action.calls) == 1:
        (id_, arguments) = action.calls[0]
        return replace(action, said="" if said == canonical_json({"tool": id_, "arguments": arguments}) else said)
    return action


def _called(calls: Sequence[ToolCall], known: Mapping[ToolId, ToolSpec]) -> Action:
    fitting: list[tuple[ToolId, dict[str, Any]]] = []
    for call in calls:
        if call.name in {SEARCH.tool_id, SEARCH.name}:
            queries = call.arguments.get("queries") or [call.arguments.get("query", "")]
            return Search(tuple(str(query) for query in queries))
        tool = known.get(call.name)
        if tool is None:
            return Unusable(f"there is no tool {call.name!r}; there are {', '.join(known) or 'none'}")
        try:
            fitting.append((tool.tool_id, dict(ArgumentCheck(tool.input_schema).fit(call.arguments))))
        except WrongArguments as error:
            return Unusable(f"wrong arguments for {call.name!r}: {error}")
    return Calls(tuple(fitting))


def _object(value: object) -> dict[str, Any]:
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]
