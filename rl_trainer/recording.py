"""`RecordingLLM`: a policy as the agent's language model, which keeps every id that went in and came out."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from agent.acting import as_said
from agent.budget import OutOfBudget
from agent.llm import Answer, Ask, Completion, OnText, Profile, Purpose
from agent.message import Message, ToolCall
from agent.options import Status
from agent.usage import Usage
from retrieval.tool import ToolSpec, canonical_json
from rl_trainer.errors import ActionMalformed
from rl_trainer.policy import Policy, Sampling, Written
from rl_trainer.renderer import Renderer
from rl_trainer.trajectory import Turn

Seen = Callable[[], Awaitable[tuple[str, float | None]]]
"""Is asked before each turn: the key of the world's state, and the score of the turn before where it is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """turns: calls of the policy at most (T_max). context: ids of a prompt and what is written after it, at most."""

    turns: int = 40
    context: int = 65_536


@dataclass(frozen=True, slots=True)
class _Said:
    messages: tuple[Message, ...]
    message: Message


class RecordingLLM:
    """An `agent.llm.LLM`. Later prompts go on from the ids of earlier ones: nothing sampled is ever tokenised again.

    `turns` has all calls so far. A purpose whose text is free (plans, memory, answers) is kept as text; an action is
    parsed by the renderer.
    """

    def __init__(
        self,
        policy: Policy,
        renderer: Renderer,
        *,
        sampling: Sampling,
        seed: str,
        bounds: Bounds | None = None,
        seen: Seen | None = None,
    ) -> None:
        self._policy, self._renderer = policy, renderer
        self._sampling, self._seed, self._bounds = sampling, seed, bounds or Bounds()
        self._seen = seen or _blind
        self._said: list[_Said] = []
        self.turns: list[Turn] = []
        self.rerendered = 0

    @property
    def id(self) -> str:
        return self._policy.id

    @property
    def profile(self) -> Profile:
        # How much fits is the bounds' affair: what does not is a run that was cut off, not one that cannot begin.
        return Profile(context_tokens=10**9, samples=True, tool_calls=True)

    def replay(self, turns: Sequence[Turn], said: Sequence[tuple[tuple[Message, ...], Message]]) -> None:
        """Begin with these turns as if they had just been sampled: a continuation goes on from their ids."""
        self.turns = list(turns)
        self._said = [_Said(messages, message) for messages, message in said]

    @property
    def said(self) -> list[tuple[tuple[Message, ...], Message]]:
        """The messages of every prompt, and what was said to them, by turn."""
        return [(each.messages, each.message) for each in self._said]

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        """Raises: OutOfBudget: T_max or the context is reached; the run ends and is kept as it is."""
        if len(self.turns) + ask.n > self._bounds.turns:
            raise OutOfBudget(Status.OUT_OF_STEPS, f"{self._bounds.turns} turns are the most here")
        messages = tuple(messages)
        prompt, parent = self._prompt(messages, ask.tools)
        sampling = self._fitting(len(prompt))
        key, score = await self._seen()
        if self.turns and score is not None:
            self.turns[-1] = msgspec.structs.replace(self.turns[-1], score=score)
        completions = [await self._one(messages, prompt, parent, key, (ask.purpose, sampling)) for _ in range(ask.n)]
        if on_text is not None:
            on_text(completions[0].text)
        usage = Usage(calls=1, encoded=len(prompt), decoded=sum(len(turn.completion) for turn in self.turns[-ask.n :]))
        return Answer(completions=tuple(completions), usage=usage, model=self._policy.id)

    async def _one(
        self,
        messages: tuple[Message, ...],
        prompt: tuple[int, ...],
        parent: int,
        key: str,
        how: tuple[Purpose, Sampling],
    ) -> Completion:
        purpose, sampling = how
        seed = keyed_seed(self._seed, len(self.turns))
        written = await self._policy.complete(prompt, sampling=sampling, seed=seed)
        message, fault = self._parsed(written, purpose)
        self._said.append(_Said(messages, message))
        self.turns.append(
            Turn(
                prompt=prompt,
                completion=written.ids,
                logprobs=written.logprobs,
                version=written.version,
                purpose=purpose,
                finish=written.finish,
                entropies=written.entropies,
                versions=written.versions,
                malformed=bool(fault),
                action=_action(message),
                state_key=key,
                parent=parent,
                seed=seed,
            )
        )
        return Completion(message=message, finish="stop" if fault else written.finish, fault=fault)

    def _fitting(self, encoded: int) -> Sampling:
        room = self._bounds.context - encoded
        if room < 1:
            raise OutOfBudget(Status.OUT_OF_TOKENS, f"the prompt has {encoded} tokens; {self._bounds.context} are all")
        if room >= self._sampling.max_tokens:
            return self._sampling
        return msgspec.structs.replace(self._sampling, max_tokens=room)

    def _parsed(self, written: Written, purpose: Purpose) -> tuple[Message, str]:
        text = self._renderer.text(written.ids)
        if purpose is not Purpose.ACT:
            return Message(role="assistant", content=text), ""
        if written.finish == "length":
            return Message(role="assistant", content=text), "the answer was too long, and was cut off: be brief"
        try:
            return self._renderer.parse(written.ids), ""
        except ActionMalformed as error:
            return Message(role="assistant", content=text), str(error)

    def _prompt(self, messages: tuple[Message, ...], tools: Sequence[ToolSpec]) -> tuple[tuple[int, ...], int]:
        """The ids of the prompt, and the turn that they go on from."""
        place, shared = self._longest(messages)
        if place >= 0 and shared == len(messages):
            return self.turns[place].prompt, self.turns[place].parent
        if place >= 0 and (turn := self._answered(messages, shared)) is not None:
            rest = messages[shared + 1 :]
            if all(message.role != "assistant" for message in rest):
                completion = self.turns[turn].completion
                before = (*self.turns[place].prompt, *completion)
                return (*before, *self._renderer.after(completion, rest)), turn
        self.rerendered += bool(self.turns)
        return tuple(self._renderer.prompt(messages, tools)), -1

    def _longest(self, messages: tuple[Message, ...]) -> tuple[int, int]:
        """The turn whose prompt is the longest beginning of these messages (-1: none), and how many it has."""
        best = (-1, 0)
        for place in range(len(self._said) - 1, -1, -1):
            earlier = self._said[place].messages
            if best[1] < len(earlier) <= len(messages) and messages[: len(earlier)] == earlier:
                best = (place, len(earlier))
        return best

    def _answered(self, messages: tuple[Message, ...], at: int) -> int | None:
        """The turn that said the message there: asked with just these messages, or after being told of mistakes."""
        told = messages[at]
        for place in range(len(self._said) - 1, -1, -1):
            each = self._said[place]
            if each.messages[:at] == messages[:at] and _same(each.message, told):
                return place
        return None


def _same(said: Message, told: Message) -> bool:
    """Whether the history's message is what was said; the agent mends arguments and gives calls ids of its own."""
    if told.tool_calls:
        return [call.name for call in told.tool_calls] == [call.name for call in said.tool_calls]
    return told.content in {said.content, as_said(said).content}


def _action(message: Message) -> str:
    """What was done, as text that is the same for the same call whatever was said with it."""
    if not message.tool_calls:
        return message.content
    return "\n".join(_call(call) for call in message.tool_calls)


def _call(call: ToolCall) -> str:
    return f"{call.name} {canonical_json(call.arguments)}"


async def _blind() -> tuple[str, float | None]:
    return "", None


def keyed_seed(*parts: object) -> int:
    """A random seed of 63 bits that depends on these parts alone."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
