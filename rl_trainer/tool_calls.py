"""`call_in`: the one tool call that a chat model wrote, in whichever of the usual forms; pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from agent.message import ToolCall
from rl_trainer.errors import ActionMalformed

_OPENING = "<tool_call>"
_FENCE = re.compile(r"```(?:json|tool_call)?[ \t]*\n\s*(?=\{)")
_BEGINS = re.compile(r'\{\s*"(?:name|tool|type|function)"\s*:')
_FORM = 'a tool call is {"name": "server/tool", "arguments": {...}}'


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


_DECODER = json.JSONDecoder(strict=False, parse_constant=_no_constant)
"""Takes line ends inside texts, as small models write them: they can mean but one thing."""

Found = tuple[int, Any]
"""Where an object begins in the text, and what it says."""


def call_in(text: str) -> tuple[str, ToolCall]:
    """The words before the call, and the call: between tags, in a fence, or as bare JSON. Other JSON is no call.

    `arguments` may be called `parameters`, be written as JSON in a text, or be left out where there are none; the call
    may stand inside {"type": "function", "function": ...}.

    Raises:
        ActionMalformed: there is none, or more than one; the message says what is wrong, for the policy to read.
    """
    found = _tagged(text) if _OPENING in text else _fenced(text) or _bare(text)
    if not found and (begun := _BEGINS.search(text)):
        _object_at(text, begun.start())  # says where it is no JSON
    if len(found) != 1:
        raise ActionMalformed(
            f"{len(found)} tool calls in one answer: make exactly one" if found else "no tool call could be read"
        )
    ((start, said),) = found
    return text[:start].strip(), _call(said)


def _tagged(text: str) -> list[Found]:
    found: list[Found] = []
    at = text.find(_OPENING)
    while at >= 0:
        said, end = _object_at(text, at + len(_OPENING))
        found.append((at, said))
        at = text.find(_OPENING, end)
    return found


def _fenced(text: str) -> list[Found]:
    found: list[Found] = []
    at = 0
    while fence := _FENCE.search(text, at):
        at = fence.end()
        try:
            said, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            continue
        if _is_call(said):
            found.append((fence.start(), said))
    return found


def _bare(text: str) -> list[Found]:
    return [(start, said) for start, said in _objects(text) if _is_call(said)]


def _objects(text: str) -> Iterator[Found]:
    """The outermost JSON objects of a text."""
    at = text.find("{")
    while at >= 0:
        try:
            said, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield at, said
        at = text.find("{", end)


def _object_at(text: str, start: int) -> tuple[Any, int]:
    while start < len(text) and text[start].isspace():
        start += 1
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        raise ActionMalformed(f"the tool call is not JSON: {error}") from None


def _is_call(said: Any) -> bool:
    match said:
        case {"name": str()} | {"function": {"name": str()}}:
            return True
        case _:
            return False


def _call(said: Any) -> ToolCall:
    match said:
        case {"function": {"name": str()} as inner}:
            said = inner
        case _:
            pass
    match said:
        case {"arguments": _, "parameters": _}:
            raise ActionMalformed(f"both arguments and parameters are given; {_FORM}")
        case {"name": str(name), "arguments": given} | {"name": str(name), "parameters": given}:
            return ToolCall(id="1", name=name, arguments=_arguments(given))
        case {"name": str(name)} if len(said) == 1:
            return ToolCall(id="1", name=name, arguments={})
        case _:
            raise ActionMalformed(_FORM)


def _arguments(given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        try:
            given = _DECODER.decode(given)
        except (ValueError, RecursionError):
            raise ActionMalformed(f"arguments is a text that is no JSON; {_FORM}") from None
    if not isinstance(given, Mapping):
        raise ActionMalformed(f"arguments is no object; {_FORM}")
    if not _is_text(given):
        raise ActionMalformed("arguments hold half a character (a lone surrogate), which no file can hold")
    return {str(key): value for key, value in given.items()}  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]


def _is_text(given: Any) -> bool:
    try:
        json.dumps(given, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
