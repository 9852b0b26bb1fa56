"""`LLM`: whatever can continue a conversation. The agent asks nothing else of a language model."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Literal, Protocol

import msgspec

from agent.message import Message
from agent.usage import Usage
from retrieval.tool import ToolSpec

OnText = Callable[[str], None]
"""Is told each piece of text as it is written (of the first sample, where there are several)."""


class Purpose(StrEnum):
    """What a call is for: ledgers group by it, routers choose by it, trainers learn from it."""

    PLAN = "plan"
    DECIDE = "decide"
    ACT = "act"
    ANSWER = "answer"
    SCHEMA = "schema"
    REVISE = "revise"
    SUMMARISE = "summarise"
    JUDGE = "judge"
    CODE = "code"
    PROBE = "probe"


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One of several things to choose from: the label is what the model writes, the text what it stands for."""

    label: str
    text: str


class Choice(msgspec.Struct, frozen=True, kw_only=True, tag="choice"):
    """The answer is one label and nothing else. The caller lists the options in its messages."""

    options: tuple[Option, ...]


class JsonShape(msgspec.Struct, frozen=True, kw_only=True, tag="json"):
    """The answer is JSON of this schema and nothing else."""

    schema: dict[str, Any]
    name: str = "answer"


Shape = Choice | JsonShape


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer is wanted. `logprobs`: so many alternatives a token, where the endpoint gives any.

    `tools` are offered as the endpoint's own tool calls, so only where `Profile.tool_calls` says it has them.
    `effort` (0 to 1, by the planner's estimate of difficulty) is for routers; an endpoint ignores it.
    """

    purpose: Purpose
    n: int = 1
    temperature: float = 0.0
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()
    shape: Shape | None = None
    tools: tuple[ToolSpec, ...] = ()
    logprobs: int = 0
    seed: int | None = None
    effort: float | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One token that was written: its text, its log-probability and those of the alternatives, by text."""

    text: str
    logprob: float
    alternatives: dict[str, float] = {}


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """One sample. `finish`: stop, length, tool_calls or what else the endpoint says.

    fault: why no action can be read from it, where whoever parsed it knows; the model is told.
    """

    message: Message
    finish: str = "stop"
    fault: str = ""
    tokens: tuple[Token, ...] = ()

    @property
    def text(self) -> str:
        return self.message.content


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The samples of one call, at least one, and what they took."""

    completions: tuple[Completion, ...]
    usage: Usage
    model: str = ""

    @property
    def text(self) -> str:
        """The text of the first sample."""
        return self.completions[0].message.content


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint can do and what it costs; probed once and kept (agent/endpoint).

    shapes: how it is held to a shape; `prompt` means that it can only be asked nicely. cache_price and decode_price:
    the price of a cached and of a decoded token relative to an encoded one (PRISM's alpha and omega).
    small: weak enough that whatever can be constrained should be.
    """

    context_tokens: int = 32_768
    shapes: Literal["response_format", "structured_outputs", "grammar", "prompt"] = "prompt"
    samples: bool = False
    logprobs: bool = False
    tool_calls: bool = False
    cache_price: float = 0.1
    decode_price: float = 3.0
    encode_usd: float = 0.0
    """US dollars for a million encoded tokens; the other two prices are relative to it."""
    small: bool = False


class LLM(Protocol):
    """A language model: a real endpoint, a policy that records its tokens, or a script."""

    @property
    def id(self) -> str:
        """What it is called in ledgers and logs."""
        ...

    @property
    def profile(self) -> Profile:
        """What it can do and what it costs."""
        ...

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        """`ask.n` continuations of the conversation in one call.

        Raises:
            LlmUnavailable: no answer within the retries. LlmRefused: asking again would not help.
        """
        ...
