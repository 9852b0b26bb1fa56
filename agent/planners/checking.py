"""Whether a sampled plan can be carried out: its tools exist, its arguments fit, its references point backwards."""

from collections.abc import Mapping
from typing import Any

from agent.event import PlannedCall
from agent.plain_schema import Schema, plain
from agent.references import literal, normalised, references
from agent.references import reference as reference_in
from mcp_registry.arguments import ArgumentCheck, WrongArguments
from retrieval.chat import json_in
from retrieval.errors import AnswerUnusable
from retrieval.tool import ToolId, ToolSpec, split_tool_id

MOST_STEPS = 40
_ENDS = frozenset({"end", "[end]", "finish", "answer", "done"})

Plan = tuple[PlannedCall, ...]


class BadPlan(ValueError):
    """A plan cannot be carried out; the message says which step, and why."""


class PlanCheck:
    """Reads the plans of one sampling. Schemas are compiled once a tool."""

    def __init__(self, tools: Mapping[ToolId, ToolSpec]) -> None:
        self._tools = tools
        self._checks: dict[ToolId, ArgumentCheck] = {}

    def read(self, text: str, *, taken: int = 0) -> Plan:
        """The plan in a model's answer, its first step being number `taken` + 1. No steps: there is nothing to do.

        Raises:
            BadPlan: it cannot be carried out.
        """
        steps = _steps(text)
        if len(steps) > MOST_STEPS:
            raise BadPlan(f"{len(steps)} steps are more than {MOST_STEPS}")
        plan: list[PlannedCall] = []
        for number, step in enumerate(steps, taken + 1):
            if str(step.get("tool", "")).strip().lower() in _ENDS:
                break
            plan.append(self._step(step, number))
        return tuple(plan)

    def _step(self, step: Mapping[str, Any], number: int) -> PlannedCall:
        tool = self._tool(step.get("tool"), number)
        arguments = literal(step.get("arguments"), number)
        late = next((each for each in references(arguments) if each.step >= number), None)
        if late is not None:
            raise BadPlan(f"step {number}: {late} is no result of a step before it")
        try:
            fitting = self._fit(tool, arguments)
        except WrongArguments as error:
            raise BadPlan(f"step {number}: wrong arguments for {tool.tool_id!r}: {error}") from None
        return PlannedCall(tool_id=tool.tool_id, arguments=normalised(fitting))

    def _tool(self, name: object, number: int) -> ToolSpec:
        tool = self._tools.get(name) if isinstance(name, str) else None
        if tool is None:
            alike = [each for id_, each in self._tools.items() if split_tool_id(id_)[1] == name]
            if len(alike) != 1:
                raise BadPlan(f"step {number}: there is no tool {name!r}")
            tool = alike[0]
        return tool

    def _fit(self, tool: ToolSpec, arguments: object) -> dict[str, Any]:
        if any(True for _ in references(arguments)):
            return ArgumentCheck(opened(plain(tool.input_schema), arguments)).fit(arguments)
        if tool.tool_id not in self._checks:
            self._checks[tool.tool_id] = ArgumentCheck(tool.input_schema)
        return dict(self._checks[tool.tool_id].fit(arguments))


def opened(schema: Schema, value: object) -> Schema:
    """A plain schema that takes anything where the value has a reference: what comes there is not known yet."""
    if reference_in(value) is not None or not schema:
        return {}
    if not any(True for _ in references(value)):
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [opened(branch, value) for branch in schema["anyOf"]]}
    match value:
        case dict():
            parts: Mapping[str, Schema] = schema.get("properties", {})
            rest = schema.get("additionalProperties", True)
            other: Schema = rest if isinstance(rest, dict) else {}
            known = {
                name: opened(parts.get(name, other), inner) for name, inner in value.items() if name in parts or rest
            }
            return {**schema, "properties": {**parts, **known}}
        case list():
            items = schema.get("items", {})
            return {**schema, "items": {"anyOf": [items, *(opened(items, inner) for inner in value)]}}
        case _:
            return {} if "enum" in schema or "const" in schema else schema


def _steps(text: str) -> list[Mapping[str, Any]]:
    try:
        said = json_in(text)
    except AnswerUnusable:
        raise BadPlan("the answer holds no JSON") from None
    steps = said.get("steps") if isinstance(said, dict) else said
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise BadPlan('the answer is not {"steps": [{"tool": ..., "arguments": {...}}, ...]}')
    return steps
