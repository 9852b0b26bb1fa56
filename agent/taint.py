"""Taint: whether a text that nobody vouches for may have chosen a tool or filled its arguments. Pure."""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from agent.call import Call
from agent.leaks import leaks
from agent.ledger import CallState, Ledger, LedgerRow
from agent.state import RunState
from mcp_registry.annotations import Annotation, tool_annotations
from retrieval.tool import ToolSpec

_MOST_NAMED = 3


def writes(tool: ToolSpec, *, read_only: bool = False) -> bool:
    """Whether a tool may change something: all that is not read-only, by its hints or by the operator's word."""
    return Annotation.WRITE in tool_annotations(tool, read_only=read_only)


def repeatable(tool: ToolSpec) -> bool:
    """Whether calling it twice does no more than calling it once: it only reads, or says that it is idempotent."""
    return Annotation.IDEMPOTENT in tool_annotations(tool)


def reasons(call: Call, tool: ToolSpec, state: RunState, *, read_only: bool = False) -> tuple[str, ...]:
    """Why a person should look at a call before it is made; none where no untrusted text can have had a hand in it.

    A write tool: untrusted text stood in the prompt that chose it or wrote its arguments, or filled a reference of
    theirs. A read tool that reaches the outside: its arguments carry untrusted text of another server to it. Neither
    where all of it stands in the user's own goal (`endorsed`).
    """
    if endorsed(call, tool, state):
        return ()
    if not writes(tool, read_only=read_only):
        return leaks(call, tool, state)
    found: list[str] = []
    if call.untrusted_prompt:
        found.append(f"untrusted text stood in the prompt that decided on it: {_sources(state)}")
    if dirty := [id_ for id_ in call.filled_from if _is_untrusted(id_, state)]:
        named = ", ".join(_named(id_, state) for id_ in dirty[:_MOST_NAMED])
        found.append(f"its arguments were filled from untrusted results: {named}")
    return tuple(found)


def endorsed(call: Call, tool: ToolSpec, state: RunState) -> bool:
    """Whether the user's own words name the tool and every value of the arguments: then no tool has chosen them.

    The tool by its id or name (`send_email` or "send email"), values as whole words, in any case; a value that the
    schema has as its default counts as not given. The same call a second time is not endorsed. This looks at words,
    not at meaning: of a goal that names two accounts it does not know which is the payer.
    """
    goal = state.goal.casefold()
    if not any(_stands_in(name, goal) for name in (tool.tool_id, tool.name, re.sub(r"[_-]", " ", tool.name))):
        return False
    properties = tool.input_schema.get("properties")
    given = properties if isinstance(properties, Mapping) else {}
    if not all(_endorsed(key, value, given, goal) for key, value in call.arguments.items()):
        return False
    return not equal_calls(call, state.ledger, but_in=(CallState.REFUSED, CallState.FAILED))


def equal_calls(call: Call, ledger: Ledger, *, but_in: tuple[CallState, ...] = ()) -> list[LedgerRow]:
    """The calls of the same tool with the same arguments that were decided on before this one."""
    earlier = itertools.takewhile(lambda row: row.call.id != call.id, ledger.rows.values())
    return [
        row
        for row in earlier
        if row.call.tool_id == call.tool_id and row.call.arguments == call.arguments and row.state not in but_in
    ]


def _endorsed(key: str, value: Any, properties: Mapping[str, Any], goal: str) -> bool:
    schema = properties.get(key)
    if isinstance(schema, Mapping) and "default" in schema and schema["default"] == value:
        return True
    names = [] if key in properties else [key]
    return all(_stands_in(leaf, goal) for leaf in (*names, *_leaves(value)))


def _leaves(value: Any) -> Iterator[str]:
    """Every text, number, truth value and inner key, as text."""
    match value:
        case Mapping():
            for key, inner in value.items():
                yield str(key)
                yield from _leaves(inner)
        case list() | tuple():
            for inner in value:
                yield from _leaves(inner)
        case bool() | None:
            yield str(value)
        case float() if value.is_integer():
            yield str(int(value))
        case _:
            yield str(value)


def _stands_in(text: str, goal: str) -> bool:
    """Whether it stands there as whole words; a number not as a part of another."""
    wanted = text.casefold().strip()
    if not wanted:
        return not text
    return re.search(rf"(?<![\w.-]){re.escape(wanted)}(?![\w-]|\.\w)", goal) is not None


def _is_untrusted(call_id: str, state: RunState) -> bool:
    """Whether what a call gave is untrusted; what is not there any more is."""
    step = next((step for step in state.steps if step.call.id == call_id), None)
    if step is None or step.untrusted:
        return True
    return any(entry.untrusted and entry.source == call_id for entry in state.entries)


def _named(call_id: str, state: RunState) -> str:
    step = next((step for step in state.steps if step.call.id == call_id), None)
    return step.call.tool_id if step else f"call {call_id}"


def _sources(state: RunState) -> str:
    """Whose texts they may be."""
    tools = dict.fromkeys(step.call.tool_id for step in state.steps if step.untrusted)
    names = list(tools)[-_MOST_NAMED:]
    if any(entry.untrusted for entry in state.entries):
        names.append("memory")
    return ", ".join(names) or "a source that is not known"
