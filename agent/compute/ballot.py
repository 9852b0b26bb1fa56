"""What a sample votes for: samples that say the same, in other words or not, are one candidate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from agent.llm import Ask, Choice, Completion, JsonShape
from mcp_registry.arguments import ArgumentCheck, WrongArguments
from retrieval.chat import json_in
from retrieval.errors import AnswerUnusable
from retrieval.tool import canonical_json


@dataclass(frozen=True, slots=True)
class Candidate:
    """Samples that agree: where the first of them stands, and how many they are."""

    place: int
    votes: int


def candidates(completions: Sequence[Completion], ask: Ask) -> list[Candidate]:
    """The different valid answers, those with the most votes first, older ones before younger."""
    places: dict[str, list[int]] = {}
    for place, completion in enumerate(completions):
        vote = ballot(completion, ask)
        if vote is not None:
            places.setdefault(vote, []).append(place)
    return sorted((Candidate(found[0], len(found)) for found in places.values()), key=lambda each: -each.votes)


def ballot(completion: Completion, ask: Ask) -> str | None:
    """What the sample votes for, or None when it is not valid.

    A label; canonical JSON that fits the schema; tool calls, if those tools are offered and take the arguments; or the
    words of a text, whatever their case and spacing.
    """
    if completion.message.tool_calls:
        return _calls(completion, ask)
    text = completion.text.strip()
    match ask.shape:
        case Choice(options=options):
            return text if text in {option.label for option in options} else None
        case JsonShape(schema=schema):
            return _fitting(text, schema)
        case None:
            return " ".join(text.lower().split()) or None


def _calls(completion: Completion, ask: Ask) -> str | None:
    offered = {tool.tool_id: tool for tool in ask.tools}
    made: list[object] = []
    for call in completion.message.tool_calls:
        tool = offered.get(call.name)
        if tool is None:
            return None
        try:
            made.append([call.name, ArgumentCheck(tool.input_schema).fit(call.arguments)])
        except WrongArguments:
            return None
    return canonical_json(made)


def _fitting(text: str, schema: dict[str, Any]) -> str | None:
    try:
        value = json_in(text, "[" if schema.get("type") == "array" else "{")
    except AnswerUnusable:
        return None
    try:
        fits = jsonschema_rs.validator_for(schema, validate_formats=False, retriever=_refuse).is_valid(value)
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        fits = True  # a schema that cannot be compiled lets everything through
    return canonical_json(value) if fits else None


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is not fetched")
