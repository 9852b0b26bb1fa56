"""`leaks`: why a call that only reads may still carry out what others told the run: by its arguments. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from agent.call import Call
from agent.state import RunState
from mcp_registry.annotations import Annotation, tool_annotations
from retrieval.tool import ToolSpec, split_tool_id

RUN = 16
"""So many characters in a row that are in both are taken for a copy; a whole argument of at least `WHOLE` too."""
WHOLE = 6
_MOST_NAMED = 3


def leaks(call: Call, tool: ToolSpec, state: RunState) -> tuple[str, ...]:
    """Why a person should look at a call of a tool that only reads; none for tools that stay inside.

    A tool that reaches the outside tells its server whatever its arguments say. That is a leak where untrusted text
    had a hand in the call and another server's text is in reach of it. `Options.guard_reads` says how close a look is
    taken: `copied` asks only where an argument holds a piece of a result or of memory that the goal does not have.
    """
    guard = state.options.guard_reads
    if guard == "off" or Annotation.OPEN_WORLD not in tool_annotations(tool):
        return ()
    if not (call.untrusted_prompt or call.filled_from):
        return ()
    texts = list(_texts(state))
    if all(server == tool.server for server, _, _ in texts):
        return ()
    if guard == "all":
        return ("it reaches the outside, and untrusted text stood in the prompt that decided on it",)
    values = [each for each in _words_of(call.arguments) if _squeezed(each) not in _squeezed(state.goal)]
    sources = dict.fromkeys(name for _, name, text in texts if any(copied(value, text) for value in values))
    if not sources:
        return ()
    named = ", ".join(list(sources)[:_MOST_NAMED])
    return (f"it reaches the outside with text from {named}",)


def copied(value: str, text: str) -> bool:
    """Whether a piece of `value` was taken from `text`: all of it (6 characters or more), or 16 in a row.

    Upper and lower case, spaces and percent-encoding make no difference; other encodings are not seen through.
    """
    said = _squeezed(text)
    return any(_shares(_squeezed(form), said) for form in {value, unquote_plus(value)})


def _shares(value: str, text: str) -> bool:
    if len(value) >= WHOLE and value in text:
        return True
    if len(value) < RUN or len(text) < RUN:
        return False
    # A run of 16 has a piece of 9 that begins at a multiple of 8: so few pieces of a long text are looked up.
    step, size = RUN // 2, RUN // 2 + 1
    pieces = {value[place : place + size] for place in range(len(value) - size + 1)}
    return any(
        text[place : place + size] in pieces
        and any(text[start : start + RUN] in value for start in range(max(0, place - step), place + 1))
        for place in range(0, len(text) - size + 1, step)
    )


def _texts(state: RunState) -> Iterator[tuple[str, str, str]]:
    """(server, name, text) of all that tools gave: results and what memory has of them."""
    servers: dict[str, str] = {}
    for each in state.steps:
        server = servers[each.call.id] = split_tool_id(each.call.tool_id)[0]
        given = each.text if each.structured is None else f"{each.text}\n{_as_text(each.structured)}"
        if given:
            yield server, each.call.tool_id, given
    for entry in state.entries:
        yield servers.get(entry.source, ""), "memory", _as_text(entry.revision.value)


def _words_of(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for key, inner in value.items():
                yield str(key)
                yield from _words_of(inner)
        case list() | tuple():
            for inner in value:
                yield from _words_of(inner)
        case None | bool():
            pass
        case _:
            yield str(value)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()
