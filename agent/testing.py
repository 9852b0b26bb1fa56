"""Fakes that tests, examples and benchmarks use: a model that follows a script, and tools that are functions."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from agent.llm import Answer, Ask, Completion, OnText, Profile
from agent.message import Message, assistant
from agent.toolbox import Standing
from agent.usage import Usage
from mcp_registry.policy import Decision
from mcp_registry.result import ToolResult
from retrieval.tool import ToolId, ToolSpec, canonical_json

Script = Callable[[Sequence[Message], Ask], str | Sequence[str]]
"""Gives the text of every sample, or the texts one by one."""


class ScriptedLLM:
    """Answers by a script. Four characters are a token; what a prompt shares with the last one counts as cached.

    `asked` has every call, oldest first.
    """

    def __init__(self, script: Script, *, profile: Profile | None = None) -> None:
        self._script = script
        self._profile = profile or Profile(shapes="response_format", samples=True)
        self._last = ""
        self.asked: list[tuple[tuple[Message, ...], Ask]] = []

    @property
    def id(self) -> str:
        return "scripted"

    @property
    def profile(self) -> Profile:
        return self._profile

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        self.asked.append((tuple(messages), ask))
        said = self._script(messages, ask)
        texts = [said] * ask.n if isinstance(said, str) else list(said)
        if on_text is not None and texts:
            on_text(texts[0])
        prompt = "".join(f"<{message.role}>{_content(message)}" for message in messages)
        shared = _shared(prompt, self._last)
        self._last = prompt
        usage = Usage(
            calls=1, encoded=-(-len(prompt) // 4), cached=shared // 4, decoded=sum(-(-len(text) // 4) for text in texts)
        )
        completions = tuple(Completion(message=assistant(text)) for text in texts)
        return Answer(completions=completions, usage=usage, model=self.id)


def _shared(text: str, other: str) -> int:
    """How many characters both begin with, by halving: prompts are long."""
    low, high = 0, min(len(text), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text.startswith(other[:middle]) else (low, middle - 1)
    return low


def _content(message: Message) -> str:
    return message.content + "".join(canonical_json(msgspec.to_builtins(call)) for call in message.tool_calls)


Function = Callable[[Mapping[str, Any]], Any]


class SimpleToolbox:
    """Tools that are functions of their arguments. An exception is a failing call; a `ToolResult` is given as it is.

    `calls` has every call that arrived, with its key; `decisions` what the policy says of single tools.
    """

    def __init__(
        self, tools: Sequence[tuple[ToolSpec, Function]], decisions: Mapping[ToolId, Decision] | None = None
    ) -> None:
        self._tools = {tool.tool_id: (tool, function) for tool, function in tools}
        self.decisions: dict[str, Decision] = dict(decisions or {})
        self.calls: list[tuple[ToolId, dict[str, Any], str]] = []

    async def search(self, queries: Sequence[str], k: int) -> list[ToolSpec]:
        asked = {word for query in queries for word in query.lower().split()}
        ranked = sorted(
            (tool for tool, _ in self._tools.values()),
            key=lambda tool: -len(asked & set(f"{tool.name} {tool.description}".lower().replace("_", " ").split())),
        )
        return ranked[:k]

    async def tools(self, ids: Sequence[ToolId] | None = None) -> dict[ToolId, ToolSpec]:
        wanted = self._tools if ids is None else [id_ for id_ in ids if id_ in self._tools]
        return {id_: self._tools[id_][0] for id_ in wanted}

    async def call(
        self, tool: ToolSpec, arguments: Mapping[str, Any], *, key: str, timeout_s: float | None
    ) -> ToolResult:
        del timeout_s
        self.calls.append((tool.tool_id, dict(arguments), key))
        await asyncio.sleep(0)
        try:
            value = self._tools[tool.tool_id][1](arguments)
        except Exception as error:  # noqa: BLE001 - whatever a tool raises is that tool's failure
            return ToolResult.error(f"{type(error).__name__}: {error}")
        if isinstance(value, ToolResult):
            return value
        text = value if isinstance(value, str) else canonical_json(value)
        structured = {} if isinstance(value, str) else {"structuredContent": value}
        return ToolResult({"content": [{"type": "text", "text": text}], **structured})

    def standing(self, tool: ToolSpec) -> Standing:
        return Standing(decision=self.decisions.get(tool.tool_id, Decision.ALLOW))
