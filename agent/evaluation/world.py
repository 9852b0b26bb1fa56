"""`World`: a small deterministic simulation behind tools, which can be copied, looked into and held to account."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, Self, TypeVar

from mcp_registry.arguments import ArgumentCheck, WrongArguments
from mcp_registry.result import ToolResult
from retrieval.tool import ToolSpec

Hints = Literal["reads", "sets", "adds", "destroys"]
"""reads: changes nothing. sets: done twice is done once. adds: done twice is done twice. destroys: loses something."""

_ANNOTATIONS: dict[Hints, dict[str, bool]] = {
    "reads": {"readOnlyHint": True, "idempotentHint": True, "destructiveHint": False},
    "sets": {"readOnlyHint": False, "idempotentHint": True, "destructiveHint": False},
    "adds": {"readOnlyHint": False, "idempotentHint": False, "destructiveHint": False},
    "destroys": {"readOnlyHint": False, "idempotentHint": False, "destructiveHint": True},
}


def dice(*seed: object) -> random.Random:
    """Random numbers that are the same for the same seed, in every process."""
    return random.Random("/".join(map(str, seed)))  # noqa: S311 - a simulation's, not a secret's


class Refused(Exception):
    """The world does not do it; the message is what the model reads."""


class State(Protocol):
    """What a world is at one moment."""

    def copy(self) -> Self:
        """The same again, which changes on its own."""
        ...

    def values(self, argument: str) -> list[Any]:
        """What could plausibly be given for an argument of this name: what is there, in a fixed order."""
        ...


S = TypeVar("S", bound=State)


@dataclass(frozen=True, slots=True)
class WorldTool(Generic[S]):
    """A tool as published and what it does to a state: gives its result as JSON, or raises `Refused`."""

    spec: ToolSpec
    act: Callable[[S, dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A change that a call made. `key` is the call's: one effect for each key is what a careful agent leaves."""

    key: str
    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One call as the world answered it."""

    tool: str
    arguments: dict[str, Any]
    ok: bool
    result: dict[str, Any] = field(default_factory=dict[str, Any])
    error: str = ""


class World(Generic[S]):
    """Tools over one state. `effects` are the changes made, `log` all calls, both oldest first."""

    def __init__(self, name: str, tools: Mapping[str, WorldTool[S]], state: S) -> None:
        self.name = name
        self.tools = tools
        self.state = state
        self.effects: list[Effect] = []
        self.log: list[Made] = []

    def snapshot(self) -> S:
        """The state as it is now, for `restore`."""
        return self.state.copy()

    def restore(self, snapshot: S) -> None:
        """Back to a snapshot; what was logged stays logged."""
        self.state = snapshot.copy()

    def twin(self) -> "World[S]":
        """The same world to try things in: its state may change, its logs begin anew."""
        return World(self.name, self.tools, self.state.copy())

    def call(self, name: str, arguments: Mapping[str, Any], *, key: str = "") -> ToolResult:
        """What the tool answers. A refusal, wrong arguments and an unknown tool are results that say so."""
        made = self.do(name, dict(arguments), key=key)
        if not made.ok:
            return ToolResult.error(made.error)
        text = json.dumps(made.result, ensure_ascii=False)
        return ToolResult({"content": [{"type": "text", "text": text}], "structuredContent": made.result})

    def do(self, name: str, arguments: dict[str, Any], *, key: str = "") -> Made:
        """The same as plain data."""
        made = self._done(name, arguments)
        self.log.append(made)
        if made.ok and not self.tools[name].spec.read_only:
            self.effects.append(Effect(key=key, tool=name, arguments=made.arguments))
        return made

    def _done(self, name: str, arguments: dict[str, Any]) -> Made:
        tool = self.tools.get(name)
        if tool is None:
            return Made(tool=name, arguments=arguments, ok=False, error=f"there is no tool {name!r}")
        try:
            arguments = _check(tool.spec).fit(arguments)
            return Made(tool=name, arguments=arguments, ok=True, result=tool.act(self.state, arguments))
        except (Refused, WrongArguments) as refusal:
            return Made(tool=name, arguments=arguments, ok=False, error=str(refusal))


def tools_of(
    server: str, *tools: tuple[str, Hints, str, dict[str, Any], Callable[[S, Any], dict[str, Any]]]
) -> dict[str, WorldTool[S]]:
    """A world's tools by name, from (name, hints, description, arguments, what it does).

    An argument is a JSON schema, or only its type; a name that ends in `?` is optional.

    Example:
        tools_of("files", ("read_file", "reads", "Reads a file.", {"path": "string", "lines?": "integer"}, read_file))
    """
    made: dict[str, WorldTool[S]] = {}
    for name, hints, description, arguments, act in tools:
        spec = ToolSpec(
            server=server,
            name=name,
            description=description,
            input_schema=_schema(arguments),
            annotations=_ANNOTATIONS[hints],
        )
        made[name] = WorldTool(spec, act)
    return made


def _schema(arguments: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        name.rstrip("?"): {"type": kind} if isinstance(kind, str) else kind for name, kind in arguments.items()
    }
    required = [name for name in arguments if not name.endswith("?")]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_checks: dict[str, ArgumentCheck] = {}


def _check(spec: ToolSpec) -> ArgumentCheck:
    """Compiled once for each tool as published."""
    if spec.fingerprint not in _checks:
        _checks[spec.fingerprint] = ArgumentCheck(spec.input_schema)
    return _checks[spec.fingerprint]
