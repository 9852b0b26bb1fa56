"""Shapes on the wire: how an endpoint is held to one, how it is asked for one, and finding it in what was said."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from agent.endpoint.settings import Shapes
from agent.llm import Choice, Completion, JsonShape, Option, Shape, Token
from agent.message import Message, user
from retrieval.chat import json_in
from retrieval.errors import AnswerUnusable

_CHOICE = "choice"
_THOUGHT = "</think>"


def held_to(shape: Shape, how: Shapes) -> dict[str, Any]:
    """The fields of a request that hold the endpoint to the shape; none where it can only be asked."""
    match shape, how:
        case _, "prompt":
            return {}
        case Choice(options=options), "structured_outputs":
            return {"structured_outputs": {"choice": [option.label for option in options]}}
        case JsonShape(schema=schema), "structured_outputs":
            return {"structured_outputs": {"json": schema}}
        case Choice(options=options), "grammar":
            return {"grammar": choice_grammar(options)}
        case Choice(options=options), _:
            return _response_format(_choice_schema(options), _CHOICE)
        case JsonShape(schema=schema, name=name), _:
            return _response_format(schema, name)


def choice_grammar(options: Sequence[Option]) -> str:
    """One of the labels, as a grammar of llama.cpp (GBNF)."""
    return "root ::= " + " | ".join(json.dumps(option.label, ensure_ascii=False) for option in options)


def told(messages: Sequence[Message], shape: Shape) -> list[Message]:
    """The conversation with the shape asked for in words at its end, so that what stands before stays cached."""
    match shape:
        case Choice(options=options):
            words = f"Answer with one of these labels and nothing else: {', '.join(each.label for each in options)}"
        case JsonShape(schema=schema):
            text = json.dumps(schema, ensure_ascii=False)
            words = f"Answer with JSON of this schema and nothing else: {text}"
    *before, last = messages
    if last.role not in {"user", "system"}:
        return [*messages, user(words)]
    return [*before, msgspec.structs.replace(last, content=f"{last.content}\n\n{words}".lstrip())]


def found(completion: Completion, shape: Shape) -> Completion:
    """The completion with nothing but the label or the JSON as its text; as it was where it holds none.

    The tokens of a choice are then those of the label.
    """
    match shape:
        case Choice(options=options):
            place = label_in(completion.text, options)
            if place is None:
                return completion
            return _with_text(completion, place[0], tokens=_tokens_of_label(completion.tokens, options))
        case JsonShape(schema=schema):
            try:
                value = json_in(_said(completion.text), "[" if schema.get("type") == "array" else "{")
            except AnswerUnusable:
                return completion
            return _with_text(completion, json.dumps(value, ensure_ascii=False), tokens=completion.tokens)


def label_in(text: str, options: Sequence[Option]) -> tuple[str, int] | None:
    """The label that a text chooses and where it begins, if it is clear which.

    Looked for in this order: the text is a label or an option's own text; it says so (`answer: B`); it begins with one;
    only one occurs in it.
    """
    said = _said(text)
    offset = len(text) - len(said)
    by_text = {form: option.label for option in reversed(options) for form in (option.text.strip(), option.label)}
    whole = said.strip().strip("`'\"*.:()[] ")
    if whole in by_text:
        return by_text[whole], offset + said.index(whole)
    labels = "|".join(re.escape(option.label) for option in sorted(options, key=lambda each: -len(each.label)))
    one = rf"(?<!\w)(?P<label>{labels})(?!\w)"
    for pattern in (
        rf"(?i:answer|choice|choose|option)(?:\s+is)?\W{{0,5}}{one}",
        rf"^\W*{one}(?=\s*(?:[.):\]*,\n-]|$))",
    ):
        if match := re.search(pattern, said):
            return match["label"], offset + match.start("label")
    every = list(re.finditer(one, said))
    if len({match["label"] for match in every}) == 1:
        return every[0]["label"], offset + every[0].start("label")
    return None


def _said(text: str) -> str:
    """What was said after thinking aloud."""
    return text[text.rfind(_THOUGHT) + len(_THOUGHT) :] if _THOUGHT in text else text


def _response_format(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "answer"
    return {"response_format": {"type": "json_schema", "json_schema": {"name": plain, "schema": schema}}}


def _choice_schema(options: Sequence[Option]) -> dict[str, Any]:
    """An object: endpoints take no schema of a mere text."""
    return {
        "type": "object",
        "properties": {_CHOICE: {"type": "string", "enum": [option.label for option in options]}},
        "required": [_CHOICE],
        "additionalProperties": False,
    }


def _with_text(completion: Completion, text: str, *, tokens: tuple[Token, ...]) -> Completion:
    message = msgspec.structs.replace(completion.message, content=text)
    return msgspec.structs.replace(completion, message=message, tokens=tokens)


def _tokens_of_label(tokens: Sequence[Token], options: Sequence[Option]) -> tuple[Token, ...]:
    """The tokens from the one in which the label begins; its text and alternatives without what stands before it."""
    text = "".join(token.text for token in tokens)
    place = label_in(text, options)
    if place is None:
        return tuple(tokens)
    position = 0
    for number, token in enumerate(tokens):
        if position + len(token.text) > place[1]:
            lead = token.text[: place[1] - position]
            return (_without(token, lead), *tokens[number + 1 :])
        position += len(token.text)
    return tuple(tokens)


def _without(token: Token, lead: str) -> Token:
    if not lead:
        return token
    alternatives = {
        text.removeprefix(lead): logprob for text, logprob in token.alternatives.items() if text.startswith(lead)
    }
    return Token(text=token.text.removeprefix(lead), logprob=token.logprob, alternatives=alternatives)
