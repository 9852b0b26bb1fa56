"""`Reviser`: a model reads chunk after chunk and says how each changes the memory (PRISM, Algorithm 1)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from agent.llm import Answer, Ask, JsonShape, Profile, Purpose
from agent.message import Message, assistant, user
from agent.prism.chunks import Chunk
from agent.prism.memory import Form, Memory, Rejection, Revised
from agent.prism.proposal import Op, Unreadable, plain_proposal_schema, proposal_schema, read_proposal
from agent.prism.reviser_prompts import to_revise
from agent.revision import Revision
from agent.tokens import count_tokens

Sample = Callable[[Sequence[Message], Ask], Awaitable[Answer]]
"""Asks the model: `Context.sample`, or an LLM's own."""

_LEAST_ROOM = 256
"""Tokens of a proposal for the shortest chunk: a small model that runs on would else fill all it may."""
_MOST_MENDED = 12
"""Rejections that a repair turn shows; a model that gets more wrong than that is not helped by reading them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviser:
    """Reads chunks into a memory for one question.

    ops: both, or only `add` (the paper's ablation). max_tokens: of one proposal, and at most 256 and
    twice the chunk. repair: whether the model is told once
    what was wrong with its revisions.
    """

    sample: Sample
    profile: Profile
    question: str
    form: Form = "amendments"
    ops: tuple[Op, ...] = ("add", "update")
    max_tokens: int = 1_024
    repair: bool = True

    async def read(self, memory: Memory, chunk: Chunk) -> Revised:
        """The memory after the chunk. What the model cannot say validly, even when asked again, is left out."""
        prompt = to_revise(self.question, memory, chunk, form=self.form, ops=self.ops)
        room = min(self.max_tokens, _LEAST_ROOM + 2 * count_tokens(chunk.text))
        ask = Ask(purpose=Purpose.REVISE, max_tokens=room, shape=self._shape(memory))
        answer = await self.sample(prompt, ask)
        revised, complaints = self._applied(memory, chunk, answer.text)
        if not complaints or not self.repair:
            return revised
        mending = [*prompt, assistant(answer.text), user(_complaint(complaints), untrusted=chunk.untrusted)]
        again = await self.sample(mending, ask)
        mended, _ = self._applied(revised.memory, chunk, again.text)
        final = [rejection for rejection in revised.rejected if not rejection.mendable]
        return replace(mended, entries=(*revised.entries, *mended.entries), rejected=(*final, *mended.rejected))

    def _applied(self, memory: Memory, chunk: Chunk, text: str) -> tuple[Revised, list[str]]:
        """The memory after an answer, and what the model should be told of it."""
        try:
            revisions, wrong = read_proposal(text)
        except Unreadable as error:
            return Revised(memory=memory, entries=(), rejected=(_malformed(str(error)),)), [str(error)]
        allowed = [each for each in revisions if each.op in self.ops]
        wrong += [f"{each.op} is not one of {', '.join(self.ops)}" for each in revisions if each.op not in self.ops]
        # Small models mix the two up, and to ask them again costs more than it brings: what they mean is clear.
        either = self.profile.small and len(self.ops) > 1
        revised = memory.revise(allowed, source=chunk.source, untrusted=chunk.untrusted, either_op=either)
        rejected = (*revised.rejected, *map(_malformed, wrong))
        return replace(revised, rejected=rejected), [each.reason for each in rejected if each.mendable]

    def _shape(self, memory: Memory) -> JsonShape:
        # An endpoint that can only be asked for a shape is sent it as text, with every chunk anew: the short one does.
        bare = self.profile.shapes == "prompt"
        schema = plain_proposal_schema(self.ops) if bare else proposal_schema(memory.schema, self.ops)
        return JsonShape(schema=schema, name="revisions")


def _malformed(reason: str) -> Rejection:
    return Rejection(revision=Revision(op="add", path=(), value=None), reason=reason)


def _complaint(complaints: Sequence[str]) -> str:
    shown = "\n".join(f"- {each}" for each in complaints[:_MOST_MENDED])
    return (
        f"These revisions were not taken, all others were:\n{shown}\n"
        "Answer with these alone, corrected, in the same form."
    )
