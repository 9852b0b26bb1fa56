"""What an endpoint can do, found out by asking it: a handful of calls of a few tokens each."""

from collections.abc import Sequence
from typing import Any

import msgspec

from agent.endpoint.client import EndpointLLM
from agent.endpoint.retrying import Passing
from agent.endpoint.settings import SHAPES, LlmSettings, Shapes
from agent.endpoint.transport import Transport
from agent.errors import LlmUnavailable
from agent.llm import Answer, Ask, Choice, Option, Profile, Purpose
from agent.message import Message, user
from retrieval.tool import ToolSpec

_GREETING = [user("Say hello in one word.")]
_UNLIKELY = Choice(options=(Option(label="zq7", text="zq7"), Option(label="kx4", text="kx4")))
"""No model says this unless it is made to."""
_ANSWER_TOKENS = 256
"""Enough for a model that thinks first; what is constrained ends after a few."""
_PING = ToolSpec(
    server="probe",
    name="ping",
    description="Checks that tools can be called.",
    input_schema={"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
)


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out; `context_tokens` only where the endpoint says it."""

    shapes: Shapes = "prompt"
    samples: bool = False
    logprobs: bool = False
    tool_calls: bool = False
    context_tokens: int | None = None


def profile_of(probed: Probed, settings: LlmSettings) -> Profile:
    """What was probed, with what the operator has set in its place."""
    default = Profile()
    return Profile(
        shapes=settings.shapes or probed.shapes,
        samples=probed.samples if settings.samples is None else settings.samples,
        logprobs=probed.logprobs if settings.logprobs is None else settings.logprobs,
        tool_calls=probed.tool_calls if settings.tool_calls is None else settings.tool_calls,
        context_tokens=settings.context_tokens or probed.context_tokens or default.context_tokens,
        cache_price=settings.cache_price,
        decode_price=settings.decode_price,
        encode_usd=settings.encode_usd,
        small=settings.small,
    )


async def named_model(transport: Transport) -> str | None:
    """The first model that the endpoint lists."""
    listed = _listed(await transport.get("/models"))
    return str(listed[0]["id"]) if listed and listed[0].get("id") else None


async def probe(llm: EndpointLLM, transport: Transport) -> Probed:
    """What the endpoint can do; `llm` is the model with the barest profile.

    Raises:
        LlmUnavailable: it does not answer. LlmRefused: it answers nothing, not even a plain question.
    """
    await llm.sample(_GREETING, Ask(purpose=Purpose.PROBE, max_tokens=1))  # a bad key or model is told here
    return Probed(
        shapes=await _shapes(llm),
        samples=await _samples(llm),
        logprobs=await _logprobs(llm),
        tool_calls=await _tool_calls(llm),
        context_tokens=await _context_tokens(llm.id, transport),
    )


async def _shapes(llm: EndpointLLM) -> Shapes:
    """The first way that holds the model to two words that it would not say.

    In this order: the first two take a choice as it is, so that the log-probabilities are of its labels.
    """
    labels = {option.label for option in _UNLIKELY.options}
    for how in sorted(SHAPES, key=("structured_outputs", "grammar", "response_format", "prompt").index)[:-1]:
        held = llm.with_profile(msgspec.structs.replace(llm.profile, shapes=how), fall_back=False)
        answer = await _asked(held, Ask(purpose=Purpose.PROBE, max_tokens=_ANSWER_TOKENS, shape=_UNLIKELY))
        if answer is not None and answer.text in labels:
            return how
    return "prompt"


async def _samples(llm: EndpointLLM) -> bool:
    several = llm.with_profile(msgspec.structs.replace(llm.profile, samples=True))
    answer = await _asked(several, Ask(purpose=Purpose.PROBE, n=2, temperature=1.0, max_tokens=1))
    return answer is not None and len(answer.completions) == 2


async def _logprobs(llm: EndpointLLM) -> bool:
    answer = await _asked(llm, Ask(purpose=Purpose.PROBE, max_tokens=_ANSWER_TOKENS, logprobs=2))
    return answer is not None and any(token.alternatives for token in answer.completions[0].tokens)


async def _tool_calls(llm: EndpointLLM) -> bool:
    ask = Ask(purpose=Purpose.PROBE, max_tokens=_ANSWER_TOKENS, tools=(_PING,))
    answer = await _asked(llm, ask, [user("Call the tool ping with the word hello.")])
    return answer is not None and any(call.name == _PING.tool_id for call in answer.completions[0].message.tool_calls)


async def _asked(llm: EndpointLLM, ask: Ask, messages: Sequence[Message] = _GREETING) -> Answer | None:
    """None where the endpoint refuses what it does not know, or breaks on it."""
    try:
        return await llm.sample(messages, ask)
    except LlmUnavailable:
        return None


async def _context_tokens(model: str, transport: Transport) -> int | None:
    """vLLM and hosted endpoints say it in the list of models, llama.cpp in its properties, for one slot."""
    properties = await _told(transport, "../props")
    settings = properties.get("default_generation_settings") if isinstance(properties, dict) else None
    if isinstance(settings, dict) and isinstance(settings.get("n_ctx"), int):
        return settings["n_ctx"]
    for each in _listed(await _told(transport, "/models")):
        if each.get("id") == model:
            said = [
                each.get(key) for key in ("max_model_len", "context_length", "context_window", "max_context_length")
            ]
            return next((count for count in said if isinstance(count, int) and count > 0), None)
    return None


async def _told(transport: Transport, path: str) -> Any:
    try:
        return await transport.get(path)
    except Passing:
        return None


def _listed(models: Any) -> list[dict[str, Any]]:
    rows = models.get("data") if isinstance(models, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
