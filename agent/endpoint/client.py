"""`EndpointLLM`: one model behind one OpenAI-compatible endpoint."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import msgspec

from agent.endpoint.reply import Joined, NotACompletion, Reply, read_reply
from agent.endpoint.request import request_body
from agent.endpoint.retrying import Clock, Passing, retried
from agent.endpoint.settings import LlmSettings
from agent.endpoint.shapes import found
from agent.endpoint.tool_names import ids_by_wire_name
from agent.endpoint.transport import Refusal, Transport
from agent.errors import LlmRefused, LlmUnavailable
from agent.llm import Answer, Ask, OnText, Profile
from agent.message import Message
from agent.tokens import count_message_tokens, count_tokens
from agent.usage import Usage

_CANNOT_HOLD = frozenset({400, 422})
"""What endpoints answer to a schema that they cannot compile."""


class EndpointLLM:
    """Asks one endpoint; made by `open_llm`. Any number of tasks may use it at once."""

    def __init__(
        self, transport: Transport, settings: LlmSettings, profile: Profile, *, model: str, clock: Clock
    ) -> None:
        self._transport = transport
        self._settings = settings
        self._profile = profile
        self._model = model
        self._clock = clock
        self._length_field = "max_tokens"
        self._falls_back = True

    def with_profile(self, profile: Profile, *, fall_back: bool = True) -> "EndpointLLM":
        """The same model, believed to be able to do something else; `fall_back`: a shape that it refuses is asked for
        in words."""
        other = EndpointLLM(self._transport, self._settings, profile, model=self._model, clock=self._clock)
        other._length_field = self._length_field
        other._falls_back = fall_back
        return other

    @property
    def settings(self) -> LlmSettings:
        return self._settings

    @property
    def id(self) -> str:
        return self._model

    @property
    def profile(self) -> Profile:
        return self._profile

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        """`ask.n` continuations: in one request where the endpoint can, otherwise in as many, side by side.

        Where only some of those are answered, these are given.

        Raises:
            LlmUnavailable: no answer within the retries. LlmRefused: asking again would not help.
        """
        started = self._clock.now()
        if ask.n == 1 or self._profile.samples:
            replies = [await self._ask(messages, ask, on_text)]
        else:
            replies = await self._side_by_side(messages, ask, on_text)
        usage = sum((self._usage(reply, messages) for reply in replies), Usage())
        completions = tuple(completion for reply in replies for completion in reply.completions)
        return Answer(
            completions=tuple(found(each, ask.shape) for each in completions) if ask.shape else completions,
            usage=msgspec.structs.replace(usage, seconds=self._clock.now() - started),
            model=replies[0].model or self._model,
        )

    async def _side_by_side(self, messages: Sequence[Message], ask: Ask, on_text: OnText | None) -> list[Reply]:
        """Each with a seed of its own, where one is given: the same seed would give the same sample."""
        turns = asyncio.Semaphore(max(self._settings.parallel, 1))

        async def one(number: int, single: Ask) -> Reply:
            async with turns:
                return await self._ask(messages, single, on_text if number == 0 else None)

        singles = [
            msgspec.structs.replace(ask, n=1, seed=None if ask.seed is None else ask.seed + number)
            for number in range(ask.n)
        ]
        done = await asyncio.gather(
            *(one(number, single) for number, single in enumerate(singles)), return_exceptions=True
        )
        replies = [reply for reply in done if isinstance(reply, Reply)]
        failures = [failure for failure in done if isinstance(failure, BaseException)]
        others = [failure for failure in failures if not isinstance(failure, LlmUnavailable)]
        if others or not replies:
            raise (others or failures)[0]
        return replies

    async def _ask(self, messages: Sequence[Message], ask: Ask, on_text: OnText | None) -> Reply:
        names = ids_by_wire_name(
            [tool.tool_id for tool in ask.tools] + [call.name for message in messages for call in message.tool_calls]
        )
        body = request_body(messages, ask, model=self._model, shapes=self._profile.shapes)
        try:
            return await self._answered(body, names, on_text)
        except Refusal as refusal:
            if refusal.too_long:
                raise LlmRefused(
                    f"the prompt is too long for {self.who}: {refusal}; shorten it, or set llm.context_tokens "
                    "to what it takes"
                ) from None
            held = ask.shape is not None and not ask.tools and self._profile.shapes != "prompt"
            if not (held and self._falls_back and refusal.status in _CANNOT_HOLD):
                raise LlmRefused(f"{self.who} refused: {refusal}") from None
        body = request_body(messages, ask, model=self._model, shapes="prompt")
        try:
            return await self._answered(body, names, on_text)
        except Refusal as refusal:
            raise LlmRefused(f"{self.who} refused: {refusal}") from None

    async def _answered(self, body: dict[str, Any], names: Mapping[str, str], on_text: OnText | None) -> Reply:
        field = self._length_field
        try:
            return await self._attempts(body, names, on_text)
        except Refusal as refusal:
            # The newer models of one vendor know the limit by another name only, and say so.
            if field != "max_tokens" or "max_completion_tokens" not in str(refusal):
                raise
            self._length_field = "max_completion_tokens"
            return await self._attempts(body, names, on_text)

    async def _attempts(self, body: dict[str, Any], names: Mapping[str, str], on_text: OnText | None) -> Reply:
        fields = {**body, **self._settings.extra}
        fields[self._length_field] = fields.pop("max_tokens", None)
        listeners = [on_text] if on_text is not None else []
        if not listeners and self._profile.shapes == "grammar" and body.get("n", 1) > 1:
            listeners.append(_unheard)  # llama.cpp counts the tokens of every sample in a stream, of one otherwise

        async def attempt() -> Reply:
            # What was told stays told: a second attempt may say something else, and is not told.
            raw = await (self._streamed(fields, listeners.pop()) if listeners else self._transport.post(fields))
            try:
                return read_reply(raw, names)
            except NotACompletion as problem:
                raise Passing(self._transport.without_key(str(problem))) from None

        try:
            return await retried(
                attempt,
                attempts=self._settings.attempts,
                budget_s=self._settings.budget_s,
                backoff_s=self._settings.backoff_s,
                clock=self._clock,
            )
        except Passing as problem:
            raise LlmUnavailable(f"{self.who} gave no usable answer: {problem}") from None

    async def _streamed(self, body: dict[str, Any], on_text: OnText) -> dict[str, Any]:
        joined = Joined()
        async with aclosing(self._transport.stream(body)) as chunks:
            async for chunk in chunks:
                if text := joined.add(chunk):
                    on_text(text)
        if not joined.finished:
            raise Passing("its stream ended in the middle")
        return joined.raw

    def _usage(self, reply: Reply, messages: Sequence[Message]) -> Usage:
        """As the endpoint counts; estimated where it does not say."""
        encoded = count_message_tokens(messages) if reply.encoded is None else reply.encoded
        written = (count_tokens(completion.text) for completion in reply.completions)
        decoded = sum(written) if reply.decoded is None else reply.decoded
        profile = self._profile
        units = encoded - reply.cached + profile.cache_price * reply.cached + profile.decode_price * decoded
        cost = units * profile.encode_usd / 1e6
        return Usage(calls=1, encoded=encoded, cached=reply.cached, decoded=decoded, cost=cost)

    @property
    def who(self) -> str:
        """The model and where it is, for messages; without what may be secret in a URL."""
        parts = urlsplit(self._settings.url)
        place = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "") + parts.path
        return f"the language model {self._model!r} at {place}"


def _unheard(text: str) -> None:
    """Nobody listens."""
