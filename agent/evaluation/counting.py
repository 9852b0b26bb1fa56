"""Counts what prompts and answers would take, with a simulated prefix cache: no endpoint, no clock."""

from collections.abc import Sequence

import msgspec

from agent.message import Message
from agent.tokens import count_tokens
from agent.usage import Usage
from retrieval.tool import canonical_json

BLOCK = 16
"""Tokens; caches keep whole blocks (vLLM's size)."""


class PrefixCounter:
    """Counts one run. What a prompt shares with one of the last `remembers` prompts is cached; 0 switches that off.

    n samples share their prompt: it is counted once.
    """

    def __init__(self, *, remembers: int = 8) -> None:
        self._remembers = remembers
        self._prompts: list[str] = []

    def usage(self, messages: Sequence[Message], texts: Sequence[str]) -> Usage:
        """What a call with this prompt and these samples takes."""
        prompt = "".join(f"<{message.role}>{_content(message)}\n" for message in messages)
        shared = max((_shared(prompt, other) for other in self._prompts), default=0)
        if self._remembers:
            self._prompts = [*self._prompts, prompt][-self._remembers :]
        cached = count_tokens(prompt[:shared]) // BLOCK * BLOCK
        return Usage(
            calls=1, encoded=count_tokens(prompt), cached=cached, decoded=sum(count_tokens(text) for text in texts)
        )


def _content(message: Message) -> str:
    return message.content + "".join(canonical_json(msgspec.to_builtins(call)) for call in message.tool_calls)


def _shared(text: str, other: str) -> int:
    """How many characters both begin with, by halving."""
    low, high = 0, min(len(text), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text[low:middle] == other[low:middle] else (low, middle - 1)
    return low
