"""Several samples in place of one, and one of them chosen: best of n, self-consistency, and as many as it takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from agent.compute.ballot import candidates
from agent.compute.effort import by_effort
from agent.compute.stopping import to_decide
from agent.compute.verifier import Verifier, Vote
from agent.errors import LlmUnavailable
from agent.llm import LLM, Answer, Ask, Choice, Completion, OnText, Profile, Purpose
from agent.message import Message
from agent.options import Options
from agent.tokens import count_message_tokens
from agent.usage import Usage

SAMPLED = frozenset({Purpose.PLAN, Purpose.DECIDE, Purpose.ACT, Purpose.ANSWER})
"""Calls that are worth several samples. One that asks for several itself has its own use for them."""
_WARM = 0.7
"""The least temperature: at 0 all samples are alike."""


class BestOfN:
    """An LLM that samples `options.samples` times and lets a verifier choose; more for hard steps, one for easy ones.

    Text is told when it is chosen, all at once.
    """

    def __init__(self, llm: LLM, options: Options, verifier: Verifier) -> None:
        self._llm = llm
        self._options = options
        self._verifier = verifier

    @property
    def id(self) -> str:
        return self._llm.id

    @property
    def profile(self) -> Profile:
        return self._llm.profile

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        """One completion where one is asked for; the usage is of all that were sampled, and of the verifier."""
        samples = by_effort(ask.effort, self._options).samples
        if samples < 2 or not worth_several(ask, self._llm.profile):
            return await self._llm.sample(messages, ask, on_text=on_text)
        answer = await self._llm.sample(messages, warmed(ask, samples))
        verdict = await self._verifier.choose(messages, ask, answer.completions)
        return _chosen(answer.completions[verdict.place], answer.usage + verdict.usage, answer.model, on_text)


class SelfConsistency(BestOfN):
    """Best of n by the samples' own votes (self-consistency, arXiv 2203.11171); free text is sampled once."""

    def __init__(self, llm: LLM, options: Options) -> None:
        super().__init__(llm, options, Vote())

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        """As `BestOfN.sample`."""
        if not votable(ask):
            return await self._llm.sample(messages, ask, on_text=on_text)
        return await super().sample(messages, ask, on_text=on_text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one call may take; None: no limit."""

    samples: int
    tokens: float
    usd: float | None = None
    seconds: float | None = None

    def room(self, used: Usage, samples: int) -> int:
        """How many more samples like those so far stay within it."""
        if self.seconds is not None and used.seconds >= self.seconds:
            return 0
        more = [self.samples - samples, int(self.tokens * samples / max(used.tokens, 1)) - samples]
        if self.usd is not None and used.cost > 0:
            more.append(int(self.usd * samples / used.cost) - samples)
        return max(min(more), 0)


def allowance(options: Options) -> Allowance:
    """A step's share of the run's budget; at most four times the samples that were asked for."""
    steps = max(options.max_steps, 1)
    return Allowance(
        samples=4 * options.samples,
        tokens=options.max_tokens / steps,
        usd=None if options.max_usd is None else options.max_usd / steps,
        seconds=options.max_seconds / steps,
    )


class Anytime:
    """An LLM that samples until the votes are decided or a step's share of the budget is spent; the leader is given.

    Each round asks for the fewest samples that could decide it (agent/compute/stopping). Where no two of
    `options.samples` agree, no more are asked for.
    """

    def __init__(self, llm: LLM, options: Options) -> None:
        self._llm = llm
        self._options = options
        self._allowance = allowance(options)

    @property
    def id(self) -> str:
        return self._llm.id

    @property
    def profile(self) -> Profile:
        return self._llm.profile

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        """One completion where one is asked for; the usage is of all that were sampled."""
        if not worth_several(ask, self._llm.profile) or not votable(ask):
            return await self._llm.sample(messages, ask, on_text=on_text)
        found: list[Completion] = []
        usage = Usage()
        model = self.id
        wanted = self._first_round(messages)
        while wanted:
            seed = None if ask.seed is None else ask.seed + len(found)
            try:
                answer = await self._llm.sample(messages, msgspec.structs.replace(warmed(ask, wanted), seed=seed))
            except LlmUnavailable:
                if not found:
                    raise
                break  # what there is will do
            found += answer.completions
            usage, model = usage + answer.usage, answer.model
            wanted = self._next_round(found, ask, usage)
        leading = candidates(found, ask)
        return _chosen(found[leading[0].place if leading else 0], usage, model, on_text)

    def _first_round(self, messages: Sequence[Message]) -> int:
        """As many as could decide it, if that many prompts are within the allowance."""
        several = min(to_decide(0, 0), self._allowance.samples)
        return several if count_message_tokens(messages) * several <= self._allowance.tokens else 1

    def _next_round(self, found: Sequence[Completion], ask: Ask, usage: Usage) -> int:
        votes = [*(each.votes for each in candidates(found, ask)), 0, 0]
        wanted = min(to_decide(votes[0], votes[1]), self._allowance.room(usage, len(found)))
        return wanted if votes[0] > 1 else min(wanted, max(self._options.samples - len(found), 0))


def worth_several(ask: Ask, profile: Profile) -> bool:
    """Log-probabilities say of a choice all that its samples would."""
    told = isinstance(ask.shape, Choice) and ask.logprobs > 0 and profile.logprobs
    return ask.purpose in SAMPLED and ask.n == 1 and not told


def votable(ask: Ask) -> bool:
    """Two free texts are never the same: they have no votes."""
    return ask.shape is not None or bool(ask.tools)


def warmed(ask: Ask, samples: int) -> Ask:
    return msgspec.structs.replace(ask, n=samples, temperature=max(ask.temperature, _WARM))


def _chosen(completion: Completion, usage: Usage, model: str, on_text: OnText | None) -> Answer:
    if on_text is not None and completion.text:
        on_text(completion.text)
    return Answer(completions=(completion,), usage=usage, model=model)
