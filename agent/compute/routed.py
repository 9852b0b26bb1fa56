"""`Routed`: easy calls go to a small model first, and to the large one where its answer will not do."""

from collections.abc import Callable, Sequence

import msgspec

from agent.compute.ballot import candidates
from agent.compute.effort import EASY
from agent.compute.entropy import first_entropy, label_share
from agent.errors import LlmUnavailable
from agent.llm import LLM, Answer, Ask, Choice, OnText, Profile, Purpose
from agent.message import Message
from agent.tokens import count_message_tokens
from agent.usage import Usage

Route = Callable[[Ask], bool]
"""Whether a call is easy enough for the small model."""

_EASY = frozenset({Purpose.DECIDE, Purpose.REVISE, Purpose.SUMMARISE, Purpose.PROBE})
"""Choosing among what is listed, and saying again what is written: what small models do best."""
_ALTERNATIVES = 5
_SURE = 0.6
"""The least share of the samples, or of a label's probability, that counts as sure."""
_UNSURE_NATS = 1.5
"""A text whose first tokens are this uncertain on average was guessed."""


def easy_first(ask: Ask) -> bool:
    """By the planner's estimate of difficulty where there is one, otherwise by what the call is for."""
    if ask.effort is not None:
        return ask.effort < EASY
    return ask.purpose in _EASY


class Routed:
    """Two models as one. What the small one took is paid even where the large one had to be asked.

    The profile is the large model's, with what only one of the two can do left out.
    """

    def __init__(self, small: LLM, large: LLM, route: Route = easy_first) -> None:
        self._small = small
        self._large = large
        self._route = route

    @property
    def id(self) -> str:
        return f"{self._small.id}+{self._large.id}"

    @property
    def profile(self) -> Profile:
        small, large = self._small.profile, self._large.profile
        return msgspec.structs.replace(
            large, samples=small.samples and large.samples, logprobs=small.logprobs and large.logprobs
        )

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        """The small model's answer where the route sends it there and it will do; else the large one's.

        The usage is of both; text is told by whoever answers in the end.

        Raises:
            LlmUnavailable, LlmRefused: as the large model's.
        """
        spent = Usage()
        if self._route(ask) and self._fits(messages, ask):
            answer = await self._tried(messages, ask)
            if answer is not None and sure(answer, ask):
                if on_text is not None and answer.text:
                    on_text(answer.text)
                return answer
            spent = answer.usage if answer is not None else spent
        answer = await self._large.sample(messages, ask, on_text=on_text)
        return msgspec.structs.replace(answer, usage=spent + answer.usage)

    def _fits(self, messages: Sequence[Message], ask: Ask) -> bool:
        profile = self._small.profile
        if ask.tools and not profile.tool_calls:
            return False
        # Estimates of tokens are low for code and JSON: half of the window is what is safe.
        return count_message_tokens(messages) + ask.max_tokens <= profile.context_tokens // 2

    async def _tried(self, messages: Sequence[Message], ask: Ask) -> Answer | None:
        alternatives = max(ask.logprobs, _ALTERNATIVES) if self._small.profile.logprobs else 0
        try:
            return await self._small.sample(messages, msgspec.structs.replace(ask, logprobs=alternatives))
        except LlmUnavailable:
            return None


def sure(answer: Answer, ask: Ask) -> bool:
    """Whether the answer is valid, whole, and given with some certainty.

    Several samples: most of them agree. A choice with log-probabilities: the label has most of them. A text with
    log-probabilities: its first tokens were no guess.
    """
    found = candidates(answer.completions, ask)
    if not found:
        return False
    best = answer.completions[found[0].place]
    if best.finish == "length" and not isinstance(ask.shape, Choice):
        return False
    if len(answer.completions) > 1:
        return ask.purpose is Purpose.PLAN or found[0].votes >= _SURE * len(answer.completions)
    if isinstance(ask.shape, Choice):
        share = label_share(best, ask.shape)
        return share is None or share >= _SURE
    entropy = first_entropy(best.tokens)
    return entropy is None or entropy < _UNSURE_NATS
