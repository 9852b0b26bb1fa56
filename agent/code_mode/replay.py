"""`replay`: a program run from its beginning over the results that are there, up to the first call that is not."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.call import Outcome, Step
from agent.code_mode.interpreter import Ended, run
from agent.code_mode.meter import Meter
from agent.code_mode.names import Names
from agent.code_mode.problem import NotYet, ProgramError, SearchWanted, Stopped, ToolFailed
from agent.code_mode.subset import parsed
from agent.plain_schema import plain
from mcp_registry.arguments import ArgumentCheck, WrongArguments
from retrieval.tool import ToolSpec, canonical_json

_MOST_AT_ONCE = 8
_MOST_INTEGER = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A call that the program makes next. `site` is the same whenever the program comes to it again."""

    tool: ToolSpec
    arguments: dict[str, Any]
    site: str


@dataclass(frozen=True, slots=True)
class Waits:
    """The program goes on when these calls have settled; all but a single one only read."""

    calls: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Searches:
    """The program wants other tools, by these queries."""

    queries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """The program has to be mended: what is wrong, and where."""

    error: str


Came = Ended | Waits | Searches | Broken


def replay(source: str, names: Names, settled: Mapping[str, Step], meter: Meter | None = None) -> Came:
    """What comes of the program, given the steps of its calls by their sites. The same arguments give the same.

    Calls of a comprehension whose tools only read are wanted together; all others one by one.
    """
    tools = _Recorded(names, settled)
    try:
        return run(parsed(source), tools, meter or Meter())
    except NotYet:
        return Waits(tuple(tools.wanted))
    except SearchWanted as wanted:
        return Searches(wanted.queries)
    except ProgramError as error:
        return Broken(str(error))


class _Recorded:
    """Answers calls from the steps that have settled, and collects those that have not."""

    def __init__(self, names: Names, settled: Mapping[str, Step]) -> None:
        self._names = names
        self._settled = settled
        self.wanted: list[Wanted] = []

    def has(self, server: str) -> bool:
        return server in self._names.tools

    def call(self, server: str, name: str, given: list[Any], named: dict[str, Any], path: str) -> Any:
        tool = self._names.tools[server].get(name)
        if tool is None:
            raise ProgramError(f"server {server!r} has no tool {name!r}; it has {', '.join(self._names.tools[server])}")
        arguments = _fitting(tool, given, named)
        digest = hashlib.sha256(f"{tool.tool_id}\n{canonical_json(arguments)}".encode()).hexdigest()
        site = f"{path}:{digest[:12]}"
        if site in self._settled:
            return _result(self._settled[site])
        # A call that may change something waits until it is the only one.
        if not self.wanted or (tool.read_only and len(self.wanted) < _MOST_AT_ONCE):
            self.wanted.append(Wanted(tool=tool, arguments=arguments, site=site))
        raise NotYet(side_by_side=tool.read_only)


def _fitting(tool: ToolSpec, given: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    schema = plain(tool.input_schema)
    required: list[str] = schema.get("required", [])
    order = [*required, *(name for name in schema.get("properties", {}) if name not in required)]
    if len(given) == 1 and isinstance(given[0], dict) and not named and len(order) != 1:
        arguments = dict(given[0])
    elif len(given) <= len(order):
        arguments = {**dict(zip(order, given, strict=False)), **named}
    else:
        raise ProgramError(f"{tool.tool_id} takes at most {len(order)} arguments")
    try:
        return dict(ArgumentCheck(tool.input_schema).fit(_sendable(arguments)))
    except WrongArguments as error:
        raise ProgramError(f"wrong arguments for {tool.tool_id}: {error}") from None


def _sendable(value: Any) -> Any:
    """The value as JSON has it.

    Raises:
        ProgramError: JSON has no such value.
    """
    match value:
        case None | bool():
            return value
        case str():
            return value.encode("utf-8", "replace").decode()
        case int() if abs(value) < _MOST_INTEGER:
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple() | range():
            return [_sendable(each) for each in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {_sendable(key): _sendable(each) for key, each in value.items()}
        case _:
            raise ProgramError(f"no tool can be sent {str(value)[:60]} ({type(value).__name__})")


def _result(step: Step) -> Any:
    """What a call gives: its structured result, else its text, read as JSON where it is an object or a list."""
    match step.outcome:
        case Outcome.SUCCEEDED:
            return _copied(step.structured) if step.structured is not None else _read(step.text)
        case Outcome.UNKNOWN:
            raise Stopped(f"nobody knows whether {step.call.tool_id} ran; find out before it is called again")
        case _:
            raise ToolFailed(f"{step.call.tool_id}: {step.text[:2_000] or step.outcome}")


def _read(text: str) -> Any:
    if text.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _copied(value: Any) -> Any:
    """A copy: what a program does to a result changes no record."""
    match value:
        case dict():
            return {key: _copied(each) for key, each in value.items()}
        case list() | tuple():
            return [_copied(each) for each in value]
        case _:
            return value
