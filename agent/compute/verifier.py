"""`Verifier`: chooses one of several samples. By votes, or by a language model that compares them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Protocol

from agent.compute.ballot import Candidate, candidates
from agent.errors import LlmUnavailable
from agent.llm import LLM, Ask, Choice, Completion, Option, Purpose
from agent.message import Message, user
from agent.usage import Usage
from retrieval.tool import canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Where the chosen sample stands, and what choosing took."""

    place: int
    usage: Usage = field(default_factory=Usage)


class Verifier(Protocol):
    """Chooses among samples of one call; at least one is given."""

    async def choose(self, messages: Sequence[Message], ask: Ask, completions: Sequence[Completion]) -> Verdict:
        """The best sample. Where none is valid, the first: whoever asked can have it mended."""
        ...


class Vote:
    """The answer that most samples give (self-consistency); invalid ones have no vote."""

    async def choose(self, messages: Sequence[Message], ask: Ask, completions: Sequence[Completion]) -> Verdict:
        del messages
        found = candidates(completions, ask)
        return Verdict(place=found[0].place if found else 0)


class Judge:
    """A language model compares the different valid answers; it is not asked where there is only one.

    It sees the same conversation with the candidates at its end, so the prefix stays cached.
    """

    def __init__(self, llm: LLM) -> None:
        self._llm = llm

    async def choose(self, messages: Sequence[Message], ask: Ask, completions: Sequence[Completion]) -> Verdict:
        found = candidates(completions, ask)[: len(ascii_uppercase)]
        if len(found) < 2:
            return Verdict(place=found[0].place if found else 0)
        options = _options(found, completions)
        untrusted = any(message.untrusted for message in messages)
        prompt = [*messages, user(_question(options), untrusted=untrusted)]
        asked = Ask(purpose=Purpose.JUDGE, max_tokens=8, shape=Choice(options=options), seed=ask.seed)
        try:
            answer = await self._llm.sample(prompt, asked)
        except LlmUnavailable:
            return Verdict(place=found[0].place)  # the votes decide; the samples are paid
        places = {option.label: each.place for option, each in zip(options, found, strict=True)}
        return Verdict(place=places.get(answer.text.strip(), found[0].place), usage=answer.usage)


def _options(found: Sequence[Candidate], completions: Sequence[Completion]) -> tuple[Option, ...]:
    return tuple(
        Option(label=label, text=_shown(completions[each.place]))
        for label, each in zip(ascii_uppercase, found, strict=False)
    )


def _shown(completion: Completion) -> str:
    calls = completion.message.tool_calls
    return canonical_json([[call.name, call.arguments] for call in calls]) if calls else completion.text


def _question(options: Sequence[Option]) -> str:
    listed = "\n".join(f"{option.label}. {option.text}" for option in options)
    return (
        "Here are candidates for the next answer. Which one serves the goal best, is right in every detail, and "
        f"does nothing that was not asked for? Do not act; give its letter.\n{listed}\nThe best candidate is:"
    )
