"""`LlmSettings`: where a language model answers, how long it is waited for, and what it costs."""

from typing import Literal, get_args

import msgspec

Shapes = Literal["response_format", "structured_outputs", "grammar", "prompt"]
"""How an endpoint is held to a shape; `prompt` means that it can only be asked nicely."""
SHAPES: tuple[Shapes, ...] = get_args(Shapes)


class LlmSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section [llm]. What is `None` is probed."""

    url: str = ""
    """Up to what stands before `/chat/completions`, such as `http://127.0.0.1:8080/v1`."""
    model: str = ""
    """The model's name there; the endpoint's only one, or first one, when it is empty."""
    key_variable: str = "QUARTERMASTER_LLM_KEY"
    """The environment variable with the key, read at each call; none is sent when it is not set."""
    timeout_s: float = 120.0
    """How long the endpoint may be silent."""
    budget_s: float = 300.0
    """How long one question may take with all its attempts and waits."""
    attempts: int = 4
    """How often a question is sent when the endpoint is busy, breaks off or cannot be reached."""
    backoff_s: float = 0.5
    """Waited before the second attempt; doubled before each one after it."""
    parallel: int = 8
    """How many samples are asked for side by side where the endpoint gives one a call."""
    encode_usd: float = 0.0
    """US dollars for a million encoded tokens; 0: no cost is counted."""
    cache_price: float = 0.1
    """The price of a cached token relative to an encoded one."""
    decode_price: float = 3.0
    """The price of a decoded token relative to an encoded one."""
    context_tokens: int | None = None
    """How long prompt and answer may be together."""
    small: bool = False
    """Whether the model is weak enough that whatever can be constrained should be."""
    shapes: Shapes | None = None
    """How the endpoint is held to a shape."""
    samples: bool | None = None
    """Whether it gives several samples in one call."""
    logprobs: bool | None = None
    """Whether it gives the log-probabilities of tokens and their alternatives."""
    tool_calls: bool | None = None
    """Whether the model calls tools in the endpoint's own way."""
    profile_days: float = 30.0
    """How long what was probed is believed."""
    extra: dict[str, object] = {}
    """Further fields of each request, as the endpoint wants them; in the file only."""

    @property
    def says_all(self) -> bool:
        """Whether nothing is left to be probed."""
        return None not in (self.context_tokens, self.shapes, self.samples, self.logprobs, self.tool_calls)


class SmallLlmSettings(LlmSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section [small_llm]: the same, with a key of its own, so that neither endpoint is sent the other's."""

    key_variable: str = "QUARTERMASTER_SMALL_LLM_KEY"
