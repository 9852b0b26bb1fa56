"""The body of a chat completion -> completions and what they took. Pure, and surprised by nothing."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from agent.llm import Completion, Token
from agent.message import Message, ToolCall
from retrieval.chat import json_in
from retrieval.errors import AnswerUnusable

UNREADABLE = "unreadable_arguments"
"""Stands in place of arguments that are no JSON object, so that the tool's schema tells the model."""


class NotACompletion(ValueError):
    """What came is no chat completion."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: samples in their order, tokens as the endpoint counts them (`None`: it does not say)."""

    completions: tuple[Completion, ...]
    model: str = ""
    encoded: int | None = None
    cached: int = 0
    decoded: int | None = None


def read_reply(raw: Any, names: Mapping[str, str]) -> Reply:
    """The reply, with tools by their ids.

    Raises:
        NotACompletion: there is no choice in it.
    """
    try:
        choices = sorted(raw["choices"], key=lambda choice: choice.get("index") or 0)
        completions = tuple(_completion(choice, names) for choice in choices)
    except (LookupError, TypeError, AttributeError) as error:
        raise NotACompletion(f"{str(raw)[:200]!r} is no chat completion") from error
    if not completions:
        raise NotACompletion("there is no choice in the answer")
    encoded, cached, decoded = _counts(raw)
    return Reply(
        completions=completions, model=str(raw.get("model") or ""), encoded=encoded, cached=cached, decoded=decoded
    )


def _completion(choice: Mapping[str, Any], names: Mapping[str, str]) -> Completion:
    message = choice["message"]
    calls = tuple(_tool_call(call, place, names) for place, call in enumerate(message.get("tool_calls") or ()))
    return Completion(
        message=Message(role="assistant", content=_text(message.get("content")), tool_calls=calls),
        finish=str(choice.get("finish_reason") or "stop"),
        tokens=_tokens(choice.get("logprobs")),
    )


def _text(content: Any) -> str:
    """Some endpoints give a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _tool_call(call: Mapping[str, Any], place: int, names: Mapping[str, str]) -> ToolCall:
    function = call["function"]
    name = str(function.get("name") or "")
    return ToolCall(
        id=str(call.get("id") or f"call_{place}"),
        name=names.get(name, name),
        arguments=_arguments(function.get("arguments")),
    )


def _arguments(text: Any) -> dict[str, Any]:
    if isinstance(text, dict):
        return text
    if not text:
        return {}
    try:
        value = json_in(str(text))
    except AnswerUnusable:
        value = None
    return value if isinstance(value, dict) else {UNREADABLE: str(text)}


def _tokens(logprobs: Any) -> tuple[Token, ...]:
    """As chat completions give them: one row a token."""
    rows = (logprobs or {}).get("content") or () if isinstance(logprobs, dict) else ()
    return tuple(
        Token(
            text=str(row["token"]),
            logprob=float(row["logprob"]),
            alternatives={str(each["token"]): float(each["logprob"]) for each in row.get("top_logprobs") or ()},
        )
        for row in rows
    )


def _counts(raw: Mapping[str, Any]) -> tuple[int | None, int, int | None]:
    """Encoded, cached, decoded. llama.cpp tells the cached ones in its timings, DeepSeek in a field of its own."""
    usage = raw.get("usage") or {}
    timings = raw.get("timings") or {}
    details = usage.get("prompt_tokens_details") or {}
    cached = next(
        (
            int(count)
            for count in (details.get("cached_tokens"), usage.get("prompt_cache_hit_tokens"), timings.get("cache_n"))
            if count is not None
        ),
        0,
    )
    encoded = usage.get("prompt_tokens")
    decoded = usage.get("completion_tokens")
    return (
        None if encoded is None else int(encoded),
        min(cached, int(encoded)) if encoded is not None else cached,
        None if decoded is None else int(decoded),
    )


class Joined:
    """The chunks of a stream, joined to the body that the endpoint would have given without streaming."""

    def __init__(self) -> None:
        self._raw: dict[str, Any] = {}
        self._counts: list[dict[str, Any]] = []
        self._choices: dict[int, dict[str, Any]] = {}

    def add(self, chunk: Mapping[str, Any]) -> str:
        """Takes one chunk; gives the text that it adds to the first sample."""
        for key in ("model", "usage", "timings"):
            if chunk.get(key):
                self._raw[key] = chunk[key]
        if chunk.get("usage") and not chunk.get("choices"):
            self._counts.append(chunk["usage"])
        text = ""
        for part in chunk.get("choices") or ():
            said = self._add_choice(part)
            text += said if not part.get("index") else ""
        return text

    @property
    def finished(self) -> bool:
        """Whether every sample that has begun has ended."""
        return bool(self._choices) and all(choice["finish_reason"] for choice in self._choices.values())

    @property
    def raw(self) -> dict[str, Any]:
        whole = {**self._raw, "choices": list(self._choices.values())}
        if 1 < len(self._counts) == len(self._choices):
            # llama.cpp counts each sample by itself, with the prompt that they share.
            decoded = sum(int(counts.get("completion_tokens") or 0) for counts in self._counts)
            whole["usage"] = {**self._counts[0], "completion_tokens": decoded}
        return whole

    def _add_choice(self, part: Mapping[str, Any]) -> str:
        index = int(part.get("index") or 0)
        empty: dict[str, Any] = {"message": {"content": "", "tool_calls": []}, "logprobs": {"content": []}}
        choice = self._choices.setdefault(index, {"index": index, "finish_reason": None, **empty})
        delta = part.get("delta") or {}
        said = _text(delta.get("content"))
        choice["message"]["content"] += said
        for call in delta.get("tool_calls") or ():
            _add_call(choice["message"]["tool_calls"], call)
        choice["logprobs"]["content"] += (part.get("logprobs") or {}).get("content") or []
        choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
        return said


def _add_call(calls: list[dict[str, Any]], part: Mapping[str, Any]) -> None:
    """A call comes in pieces: its name first, then its arguments. Some endpoints number them, some do not."""
    index = part.get("index")
    if index is None:
        index = len(calls) if part.get("id") or not calls else len(calls) - 1
    if index >= len(calls):
        index = len(calls)
        calls.append({"id": "", "function": {"name": "", "arguments": ""}})
    call, function = calls[index], part.get("function") or {}
    call["id"] = part.get("id") or call["id"]
    call["function"]["name"] += function.get("name") or ""
    arguments = function.get("arguments") or ""
    call["function"]["arguments"] += arguments if isinstance(arguments, str) else json.dumps(arguments)
