"""A conversation and what is asked of it -> the body of a chat completion request. Pure."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from agent.endpoint.settings import Shapes
from agent.endpoint.shapes import held_to, told
from agent.endpoint.tool_names import wire_name
from agent.llm import Ask
from agent.message import Message, ToolCall
from retrieval.embedding import well_formed
from retrieval.tool import ToolSpec


def request_body(messages: Sequence[Message], ask: Ask, *, model: str, shapes: Shapes) -> dict[str, Any]:
    """The request, streaming left out. Where tools are offered, a shape is only asked for in words.

    Endpoints hold either the tool calls or the rest of the text to a form, not both.
    """
    how = "prompt" if ask.tools else shapes
    if ask.shape is not None and how == "prompt":
        messages = told(messages, ask.shape)
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) for message in _turns(messages)],
        "temperature": ask.temperature,
        "max_tokens": ask.max_tokens,
    }
    if ask.n > 1:
        body["n"] = ask.n
    if ask.stop:
        body["stop"] = list(ask.stop)
    if ask.seed is not None:
        body["seed"] = ask.seed
    if ask.logprobs:
        body |= {"logprobs": True, "top_logprobs": ask.logprobs}
    if ask.tools:
        body["tools"] = [_tool(tool) for tool in ask.tools]
    return body | (held_to(ask.shape, how) if ask.shape is not None else {})


def _turns(messages: Sequence[Message]) -> list[Message]:
    """What one side says in a row is one turn: the templates of some models refuse two."""
    turns: list[Message] = []
    for message in messages:
        if turns and message.role == turns[-1].role and message.role in {"system", "user"}:
            turns[-1] = msgspec.structs.replace(turns[-1], content=f"{turns[-1].content}\n\n{message.content}")
        else:
            turns.append(message)
    return turns


def _message(message: Message) -> dict[str, Any]:
    said: dict[str, Any] = {"role": message.role, "content": well_formed(message.content)}
    if message.tool_calls:
        said["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        said["tool_call_id"] = message.tool_call_id
    return said


def _tool_call(call: ToolCall) -> dict[str, Any]:
    arguments = well_formed(json.dumps(call.arguments, ensure_ascii=False))
    return {"id": call.id, "type": "function", "function": {"name": wire_name(call.name), "arguments": arguments}}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    described = {"description": well_formed(tool.description)} if tool.description else {}
    return {
        "type": "function",
        "function": {"name": wire_name(tool.tool_id), **described, "parameters": dict(tool.input_schema)},
    }
