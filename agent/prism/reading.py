"""`read`: a question answered from long texts, read once through a typed memory, whatever their length."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from agent.llm import LLM, Answer, Ask, Profile, Purpose
from agent.message import Message
from agent.prism.chunks import Chunk, chunked
from agent.prism.compaction import by_question, compact, within
from agent.prism.folding import folded_if_due, folded_if_over, measured_cache_price
from agent.prism.memory import Form, Memory, replayed
from agent.prism.reviser import Reviser
from agent.prism.reviser_prompts import to_answer
from agent.prism.schema import schema_text
from agent.prism.schema_maker import ChosenSchema, from_library, schema_for
from agent.prism.schema_source import BadSchema, parse_schema
from agent.prism.shared_prefix import shared_characters
from agent.prism.texts import Text
from agent.revision import Entry
from agent.tokens import count_tokens
from agent.usage import Usage

_ANSWER_TOKENS = 1_024


class ReadSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to read. schema: a library schema's name, or source text; made for the question where it is None.

    chunk_tokens and memory_tokens are lowered where the model's context is too short for them.
    """

    schema: str | None = None
    chunk_tokens: int = 2_000
    memory_tokens: int = 8_000
    form: Form = "amendments"
    fold: bool = True
    """Whether amendments are folded where that pays; over the memory's budget they always are."""


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A memory on its way: what it holds, how far each text has been read, and what it took. It goes to a file as JSON.

    read: chunks read so far, by the text's digest and the size of its chunks.
    """

    question: str
    schema_name: str
    schema: str
    entries: tuple[Entry, ...] = ()
    folded: int = 0
    read: dict[str, int] = {}
    usage: Usage = Usage()
    rejected: int = 0
    folds: int = 0


class Follow(Protocol):
    """Watches a reading, and knows where an earlier one stopped."""

    def begin(self) -> Saved | None:
        """Where to go on from."""
        ...

    def tell(self, saved: Saved, done: int, total: int) -> None:
        """Called after every chunk: `done` of `total` have been read, and `saved` has all of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came of it. peak_tokens: of the longest prompt, as estimated before it was sent."""

    answer: str
    memory: Memory
    saved: Saved
    peak_tokens: int

    @property
    def usage(self) -> Usage:
        """What all of it took, earlier readings into the same memory included."""
        return self.saved.usage


async def read(
    texts: Sequence[Text], ask: str, llm: LLM, *, settings: ReadSettings | None = None, follow: Follow | None = None
) -> Reading:
    """The answer to `ask` from the texts, with the memory that it was read from.

    Prompts stay within the model's context whatever the length of the texts. What an earlier reading has read is not
    read again: with all of it read, only the question is asked.

    Raises:
        LlmUnavailable: the model does not answer. BadSchema: the schema cannot be used.
    """
    reader = _Reader(ask, llm, _fitting(settings or ReadSettings(), llm.profile))
    begin = follow.begin() if follow else None
    saved = await reader.started(begin)
    saved = await reader.stream(texts, saved, follow)
    return await reader.answered(saved)


class _Reader:
    """One reading at work."""

    def __init__(self, ask: str, llm: LLM, settings: ReadSettings) -> None:
        self._ask = ask
        self._profile = llm.profile
        self._settings = settings
        self._meter = _Meter(llm)

    async def started(self, begin: Saved | None) -> Saved:
        wanted = self._settings.schema
        if begin is not None:
            if wanted is not None and _given(wanted).source != begin.schema:
                raise BadSchema(f"this memory has the schema {begin.schema_name!r}; start another for {wanted!r}")
            return begin
        chosen = _given(wanted) if wanted else await schema_for(self._ask, self._meter.sample, self._profile)
        return Saved(question=self._ask, schema_name=chosen.name, schema=chosen.source)

    async def stream(self, texts: Sequence[Text], saved: Saved, follow: Follow | None) -> Saved:
        """Read what has not been read, chunk by chunk."""
        size = self._settings.chunk_tokens
        pieces = [(f"{text.digest}/{size}", _chunks(text, size)) for text in texts]
        total = sum(len(chunks) for _, chunks in pieces)
        done, before = 0, saved.usage
        memory = self._memory(saved)
        reviser = Reviser(
            sample=self._meter.sample, profile=self._profile, question=self._ask, form=self._settings.form
        )
        for key, chunks in pieces:
            done += min(len(chunks), saved.read.get(key, 0))
            for number, chunk in enumerate(chunks[saved.read.get(key, 0) :], saved.read.get(key, 0) + 1):
                revised = await reviser.read(memory, chunk)
                memory = self._folded(revised.memory, total - done)
                done += 1
                saved = msgspec.structs.replace(
                    saved,
                    entries=memory.entries,
                    folded=memory.folded,
                    read={**saved.read, key: number},
                    usage=before + self._meter.usage,
                    rejected=saved.rejected + len(revised.rejected),
                    folds=saved.folds + (memory.folded != revised.memory.folded),
                )
                if follow:
                    follow.tell(saved, done, total)
        return saved

    async def answered(self, saved: Saved) -> Reading:
        """The answer, from as much of the memory as the model's context holds: what the question names goes first."""
        memory = self._memory(saved)
        order = by_question(memory.newest_first(), memory.value, self._ask)
        shown = compact(within(memory.value, order, self._profile.context_tokens // 2))
        answer = await self._meter.sample(
            to_answer(self._ask, memory, shown), Ask(purpose=Purpose.ANSWER, max_tokens=_ANSWER_TOKENS)
        )
        return Reading(
            answer=answer.text.strip(),
            memory=memory,
            saved=msgspec.structs.replace(saved, usage=saved.usage + answer.usage),
            peak_tokens=self._meter.peak,
        )

    def _memory(self, saved: Saved) -> Memory:
        budget = self._settings.memory_tokens
        return replayed(parse_schema(saved.schema), saved.entries, folded=saved.folded, budget=budget)

    def _folded(self, memory: Memory, calls_left: int) -> Memory:
        if self._settings.form == "in-place":
            return memory
        if not self._settings.fold:
            return folded_if_over(memory) or memory
        price = measured_cache_price(self._profile, self._meter.usage, self._meter.shared)
        return folded_if_due(memory, cache_price=price, calls_left=calls_left) or memory


class _Meter:
    """Counts what the calls take, and how many tokens of each prompt began as the prompt before."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self._last = ""
        self.usage = Usage()
        self.shared = 0
        self.peak = 0

    async def sample(self, messages: Sequence[Message], ask: Ask) -> Answer:
        prompt = "\n".join(message.content for message in messages)
        self.shared += count_tokens(prompt[: shared_characters(prompt, self._last)])
        self.peak = max(self.peak, count_tokens(prompt))
        self._last = prompt
        answer = await self._llm.sample(messages, ask)
        self.usage += answer.usage
        return answer


def _fitting(settings: ReadSettings, profile: Profile) -> ReadSettings:
    """Chunk and memory so that both, the instructions and an answer fit into the model's context."""
    room = max(1_000, profile.context_tokens - 2 * _ANSWER_TOKENS)
    return msgspec.structs.replace(
        settings,
        chunk_tokens=min(settings.chunk_tokens, room // 4),
        memory_tokens=min(settings.memory_tokens, room // 3),
    )


def _given(schema: str) -> ChosenSchema:
    """A schema by its library name, or its own source text."""
    if "class " not in schema:
        return from_library(schema)
    return ChosenSchema(name="given", source=schema_text(parse_schema(schema)))


def _chunks(text: Text, tokens: int) -> list[Chunk]:
    pieces = chunked(text.content, tokens, text.structure)
    return [
        Chunk(text=piece, source=f"{text.name}#{number}", untrusted=text.untrusted)
        for number, piece in enumerate(pieces, 1)
    ]
